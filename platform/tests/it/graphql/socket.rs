//! The `graphql-transport-ws` protocol, kept and broken.

use super::server::Server;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

pub(super) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Connects without a word, with the internal token.
    async fn open(server: &Server) -> Self {
        Self::open_with(server, Some(&server.token())).await
    }

    /// Connects without a word, with or without a token.
    pub(super) async fn open_with(server: &Server, token: Option<&str>) -> Self {
        let mut request = format!("ws://{}/graphql/ws", server.address)
            .into_client_request()
            .unwrap();
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol.clone());
        if let Some(token) = token {
            request
                .headers_mut()
                .insert("x-commons-internal", token.parse().unwrap());
        }
        let (socket, response) = connect_async(request).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], protocol);
        Self(socket)
    }

    /// Connects and is acknowledged.
    async fn ready(server: &Server) -> Self {
        let mut socket = Self::open(server).await;
        socket.say(json!({ "type": "connection_init" })).await;
        assert_eq!(socket.hear().await, json!({ "type": "connection_ack" }));
        socket
    }

    pub(super) async fn say(&mut self, message: Value) {
        self.send(Message::text(message.to_string())).await;
    }

    pub(super) async fn send(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    pub(super) async fn subscribe(&mut self, id: &str, document: &str) {
        self.say(json!({ "type": "subscribe", "id": id, "payload": { "query": document } }))
            .await;
    }

    /// The next message of the protocol that is no ping.
    pub(super) async fn hear(&mut self) -> Value {
        loop {
            let message = self.next().await;
            let message: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
            if message != json!({ "type": "ping" }) {
                return message;
            }
        }
    }

    /// The code that the server closes with, after whatever it says before.
    pub(super) async fn code(&mut self) -> u16 {
        loop {
            if let Message::Close(frame) = self.next().await {
                return frame.unwrap().code.into();
            }
        }
    }

    pub(super) async fn next(&mut self) -> Message {
        let next = timeout(Duration::from_secs(30), self.0.next()).await;
        next.expect("the server says something").unwrap().unwrap()
    }
}

#[tokio::test]
async fn operations_run_beside_each_other() {
    let server = Server::start().await;
    let mut socket = Socket::ready(&server).await;
    socket.subscribe("quiet", "subscription { silence }").await;
    socket.subscribe("count", "subscription { count(to: 2) }").await;
    for expected in [
        json!({ "type": "next", "id": "count", "payload": { "data": { "count": 1 } } }),
        json!({ "type": "next", "id": "count", "payload": { "data": { "count": 2 } } }),
        json!({ "type": "complete", "id": "count" }),
    ] {
        assert_eq!(socket.hear().await, expected);
    }
    // An id is free again when its operation ended or was ended.
    socket.say(json!({ "type": "complete", "id": "quiet" })).await;
    for id in ["count", "quiet"] {
        socket.subscribe(id, "{ echo(text: \"query\") }").await;
        let data = json!({ "type": "next", "id": id, "payload": { "data": { "echo": "query" } } });
        assert_eq!(socket.hear().await, data);
        assert_eq!(socket.hear().await, json!({ "type": "complete", "id": id }));
    }
    for ping in [
        json!({ "type": "ping" }),
        json!({ "type": "ping", "payload": { "any": 1 } }),
    ] {
        socket.say(ping).await;
        assert_eq!(socket.hear().await, json!({ "type": "pong" }));
    }
}

#[tokio::test]
async fn the_token_comes_with_the_initialisation() {
    let server = Server::start().await;
    let ada = server.person().await;
    for name in ["authorization", "Authorization"] {
        let mut socket = Socket::open(&server).await;
        let payload = json!({ name: format!("Bearer {}", ada.token) });
        socket
            .say(json!({ "type": "connection_init", "payload": payload }))
            .await;
        assert_eq!(socket.hear().await["type"], "connection_ack");
        socket.subscribe("1", "{ me }").await;
        assert_eq!(
            socket.hear().await["payload"]["data"]["me"],
            ada.user.0.to_string()
        );
    }
    let mut socket = Socket::ready(&server).await;
    socket.subscribe("1", "{ me }").await;
    let error = &socket.hear().await["payload"]["errors"][0]["extensions"];
    assert_eq!(error, &json!({ "code": "UNAUTHENTICATED" }));
}

#[tokio::test]
async fn a_bad_token_is_told_to_each_operation() {
    let server = Server::start().await;
    for token in ["Bearer nonsense", "", "nonsense"] {
        let mut socket = Socket::open(&server).await;
        socket
            .say(json!({ "type": "connection_init", "payload": { "authorization": token } }))
            .await;
        assert_eq!(socket.hear().await["type"], "connection_ack");
        for id in ["1", "2"] {
            socket.subscribe(id, "{ __typename }").await;
            let message = socket.hear().await;
            let refused = json!({ "code": "UNAUTHENTICATED" });
            assert_eq!(message["payload"]["errors"][0]["extensions"], refused);
            assert_eq!(message["payload"]["data"], Value::Null);
            assert_eq!(socket.hear().await["type"], "complete");
        }
    }
}

#[tokio::test]
async fn what_is_no_message_is_invalid() {
    let server = Server::start().await;
    for message in [
        Message::text("nonsense"),
        Message::text(""),
        Message::text("{}"),
        Message::text(json!({ "type": "start", "id": "1" }).to_string()),
        Message::text(json!({ "type": "subscribe" }).to_string()),
        Message::text(json!({ "type": "subscribe", "id": "1", "payload": { "query": 5 } }).to_string()),
        Message::text(json!({ "type": "complete" }).to_string()),
        Message::binary(&b"{\"type\":\"ping\"}"[..]),
    ] {
        let mut before = Socket::open(&server).await;
        before.send(message.clone()).await;
        assert_eq!(before.code().await, 4400, "{message}");
        let mut after = Socket::ready(&server).await;
        after.send(message.clone()).await;
        assert_eq!(after.code().await, 4400, "{message}");
    }
}

#[tokio::test]
async fn operations_wait_for_the_initialisation() {
    let server = Server::start().await;
    let mut socket = Socket::open(&server).await;
    socket.subscribe("1", "{ origin }").await;
    assert_eq!(socket.code().await, 4401);
}

#[tokio::test]
async fn an_id_has_one_operation_and_a_socket_one_initialisation() {
    let server = Server::start().await;
    let mut socket = Socket::ready(&server).await;
    socket.subscribe("1", "subscription { silence }").await;
    socket.subscribe("1", "subscription { silence }").await;
    assert_eq!(socket.code().await, 4409);
    let mut socket = Socket::ready(&server).await;
    socket.say(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.code().await, 4429);
}

#[tokio::test]
async fn who_says_nothing_is_closed() {
    let server = Server::start().await;
    let mut socket = Socket::open(&server).await;
    // Time runs to the next deadline whenever nothing else happens.
    tokio::time::pause();
    assert_eq!(socket.code().await, 4408);
}

#[tokio::test]
async fn bombs_end_their_operation_and_nothing_else() {
    let server = Server::start().await;
    let mut socket = Socket::ready(&server).await;
    for size in [100, 1_000, 10_000] {
        let bomb = format!("{}1{}", "[".repeat(size), "]".repeat(size));
        for document in [
            format!("{{ list(of: {bomb}) }}"),
            format!("subscription($to: Int! = {bomb}) {{ count(to: $to) }}"),
        ] {
            socket.subscribe("bomb", &document).await;
            let refused = socket.hear().await;
            assert_eq!(
                refused["payload"]["errors"][0]["extensions"]["reason"],
                "QUERY_TOO_DEEP"
            );
            assert_eq!(socket.hear().await, json!({ "type": "complete", "id": "bomb" }));
        }
    }
    socket.subscribe("1", "{ echo(text: \"alive\") }").await;
    assert_eq!(socket.hear().await["payload"]["data"]["echo"], "alive");
}

#[tokio::test]
async fn a_thousand_operations_fit_on_a_socket() {
    let server = Server::start().await;
    let mut socket = Socket::ready(&server).await;
    for id in 0..=1_000 {
        socket
            .subscribe(&id.to_string(), "subscription { silence }")
            .await;
    }
    let refused = socket.hear().await;
    assert_eq!(
        (&refused["type"], &refused["id"]),
        (&json!("error"), &json!("1000"))
    );
    assert_eq!(refused["payload"][0]["extensions"]["code"], "OVERLOADED");
}

#[tokio::test]
async fn a_message_has_its_size() {
    let server = Server::start().await;
    let mut socket = Socket::ready(&server).await;
    socket
        .say(json!({ "type": "ping", "payload": "x".repeat(600 * 1024) }))
        .await;
    // The transport gives up: no message that long is read, and none is answered.
    loop {
        match timeout(Duration::from_secs(30), socket.0.next()).await.unwrap() {
            Some(Ok(Message::Text(text))) => assert_eq!(text.as_str(), "{\"type\":\"ping\"}"),
            Some(Ok(Message::Close(_)) | Err(_)) | None => break,
            other => panic!("{other:?}"),
        }
    }
    Socket::ready(&server).await;
}
