//! Who has not the instance's internal token gets nothing from a subgraph's port.

use super::{server::Server, socket::Socket};
use commons_platform::secret::Secret;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

/// What somebody might try.
fn wrong_tokens(server: &Server) -> Vec<Option<String>> {
    let good = server.token();
    vec![
        None,
        Some(String::new()),
        Some(good[1..].to_owned()),
        Some(format!("{good}x")),
        Some(Secret::new("another instance's secret").internal_token()),
    ]
}

#[tokio::test]
async fn a_stranger_s_request_is_not_looked_at() {
    let server = Server::start().await;
    let client = Client::builder().no_proxy().build().unwrap();
    let ada = server.person().await;
    for token in wrong_tokens(&server) {
        for (method, body) in [
            (Method::POST, json!({ "query": "{ origin }" }).to_string()),
            (Method::POST, "x".repeat(1 << 20)),
            (Method::POST, "[".repeat(10_000)),
            (Method::GET, String::new()),
            (Method::OPTIONS, String::new()),
        ] {
            for path in ["/graphql", "/graphql/ws"] {
                let mut request = client
                    .request(method.clone(), server.url(path))
                    .header("content-type", "application/json")
                    .bearer_auth(&ada.token)
                    .body(body.clone());
                if let Some(token) = &token {
                    request = request.header("x-commons-internal", token);
                }
                // A refusal that comes before the body was sent may cut the connection.
                let Ok(response) = request.send().await else {
                    assert!(body.len() > 100_000);
                    continue;
                };
                assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
                assert_eq!(response.text().await.unwrap(), "unauthorized\n");
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_token_opens_no_socket() {
    let server = Server::start().await;
    for token in wrong_tokens(&server).into_iter().flatten() {
        let mut request = format!("ws://{}/graphql/ws", server.address)
            .into_client_request()
            .unwrap();
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        headers.insert("x-commons-internal", token.parse().unwrap());
        match connect_async(request).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 401),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_socket_without_a_token_must_show_it_first() {
    let server = Server::start().await;
    let ada = server.person().await;
    let init = |payload: Value| json!({ "type": "connection_init", "payload": payload }).to_string();
    let mut firsts = vec![
        json!({ "type": "connection_init" }).to_string(),
        json!({ "type": "ping" }).to_string(),
        json!({ "type": "subscribe", "id": "1", "payload": { "query": "{ origin }" } }).to_string(),
        init(json!({ "authorization": format!("Bearer {}", ada.token) })),
        init(json!({ "x-commons-internal": 1 })),
        init(json!({ "x-commons-internal": server.token(), "filler": "x".repeat(20_000) })),
        json!({ "type": "ping", "payload": { "x-commons-internal": server.token() } }).to_string(),
        "[".repeat(10_000),
        String::new(),
    ];
    for token in wrong_tokens(&server).into_iter().flatten() {
        firsts.push(init(json!({ "x-commons-internal": token })));
    }
    for first in firsts {
        let mut socket = Socket::open_with(&server, None).await;
        socket.send(Message::text(first.clone())).await;
        // The very first thing heard: no pong, no acknowledgement before it.
        match socket.next().await {
            Message::Close(Some(frame)) => assert_eq!(u16::from(frame.code), 4403, "{first:.80}"),
            other => panic!("{other:?} for {first:.80}"),
        }
    }
    let mut binary = Socket::open_with(&server, None).await;
    binary.send(Message::binary(&b"x"[..])).await;
    assert_eq!(binary.code().await, 4403);
}

#[tokio::test]
async fn the_router_shows_its_token_with_the_initialisation() {
    let server = Server::start().await;
    let ada = server.person().await;
    let mut socket = Socket::open_with(&server, None).await;
    let payload = json!({
        "x-commons-internal": server.token(),
        "x-commons-client-address": "192.0.2.7",
        "x-request-id": "request-7",
        "user-agent": "a device",
        "authorization": format!("Bearer {}", ada.token),
    });
    socket
        .say(json!({ "type": "connection_init", "payload": payload }))
        .await;
    assert_eq!(socket.hear().await, json!({ "type": "connection_ack" }));
    socket.subscribe("1", "{ origin me }").await;
    assert_eq!(
        socket.hear().await["payload"]["data"],
        json!({ "origin": "192.0.2.7 request-7 a device", "me": ada.user.0.to_string() })
    );
}

#[tokio::test]
async fn a_stranger_who_says_nothing_is_closed() {
    let server = Server::start().await;
    let mut socket = Socket::open_with(&server, None).await;
    // Time runs to the next deadline whenever nothing else happens.
    tokio::time::pause();
    let code = timeout(Duration::from_secs(30), socket.code()).await;
    assert_eq!(code.unwrap(), 4408);
}
