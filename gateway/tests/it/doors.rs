//! How sockets come in: by which paths, on which connections, from which pages, how many.

use crate::{client::Socket, world::World};
use commons_gateway::Origins;
use serde_json::json;
use std::{
    io::Write,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

fn upgrade(path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: gateway.example\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        sec-websocket-protocol: graphql-transport-ws\r\n{more}\r\n"
    )
}

/// The head of the next answer.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

async fn opened(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    head(&mut stream).await
}

#[tokio::test(flavor = "multi_thread")]
async fn both_paths_lead_in() {
    let world = World::start().await;
    for path in ["/graphql/ws", "/graphql", "/graphql?x=1"] {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(upgrade(path, "").as_bytes()).await.unwrap();
        let answer = head(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        // What RFC 6455 gives as the answer to this key.
        assert!(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
        let mut socket = Socket::over(stream).await;
        socket.init(Some(json!({ "authorization": world.alice }))).await;
        socket.subscribe("q", "{ viewer { name } }").await;
        let viewer = json!({ "data": { "viewer": { "name": "name 1" } } });
        assert_eq!(socket.next("q").await, viewer, "{path}");
    }
    let answer = opened(world.address, &upgrade("/graphiql/ws", "")).await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_may_come_in_parts() {
    let world = World::start().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for part in upgrade("/graphql/ws", "").as_bytes().chunks(7) {
        stream.write_all(part).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert!(head(&mut stream).await.starts_with("HTTP/1.1 101 "));
    // And a request that is none of the edge's is not touched by it.
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    for part in [&b"GE"[..], b"T /ready HT", b"TP/1.1\r\nhost: x\r\n\r\n"] {
        stream.write_all(part).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert!(head(&mut stream).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_served_requests_may_become_a_socket() {
    let world = World::start().await;
    for path in ["/graphql/ws", "/graphql"] {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        for _ in 0..2 {
            let request = b"GET /ready HTTP/1.1\r\nhost: x\r\n\r\n";
            stream.write_all(request).await.unwrap();
            assert!(head(&mut stream).await.starts_with("HTTP/1.1 200 "));
            let mut ready = [0; 5];
            stream.read_exact(&mut ready).await.unwrap();
            assert_eq!(&ready, b"ready");
        }
        stream.write_all(upgrade(path, "").as_bytes()).await.unwrap();
        let answer = head(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        let mut socket = Socket::over(stream).await;
        socket.init(Some(json!({ "authorization": world.alice }))).await;
        // More than is carried at a time, in both directions.
        let text = "x".repeat(100_000);
        socket
            .subscribe("1", &format!("{{ viewer {{ name }} }} # {text}"))
            .await;
        assert_eq!(socket.next("1").await["data"]["viewer"]["name"], "name 1");
        assert_eq!(socket.hear().await["type"], "complete");
        socket
            .subscribe("2", &format!("{{ {} }}", "?".repeat(100_000)))
            .await;
        assert_eq!(socket.hear().await["type"], "error");
        for number in 0..200 {
            let id = format!("{number} {}", "x".repeat(200));
            socket.subscribe(&id, "{ viewer { name } }").await;
            assert_eq!(socket.next(&id).await["data"]["viewer"]["name"], "name 1");
            assert_eq!(socket.hear().await["type"], "complete");
        }
        socket.say(json!({ "type": "connection_init" })).await;
        assert_eq!(socket.closed().await, 4429);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_origins_stay_out() {
    let world = World::with(|settings| {
        settings.origins = Origins::new(&["https://app.example".to_owned()], false);
    })
    .await;
    for (origin, status) in [
        ("", "101"),
        ("origin: http://gateway.example\r\n", "101"),
        ("origin: https://app.example\r\n", "101"),
        ("origin: https://evil.example\r\n", "403"),
        ("origin: http://localhost:5173\r\n", "403"),
        ("origin: null\r\n", "403"),
    ] {
        let answer = opened(world.address, &upgrade("/graphql/ws", origin)).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{origin}: {answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_a_bound_of_sockets_and_of_subscriptions() {
    let world = World::with(|settings| {
        settings.limits.sockets_per_user = 2;
        settings.limits.subscriptions_per_user = 3;
    })
    .await;
    let mut one = world.socket(Some(&world.alice)).await;
    let mut two = world.socket(Some(&world.alice)).await;
    let mut three = Socket::open(world.address, Some(&world.alice)).await;
    three.say(json!({ "type": "connection_init" })).await;
    assert_eq!(three.closed().await, 1013);
    // Somebody else is not concerned.
    let _bob = world.socket(Some(&world.bob)).await;

    let posted = "subscription { posted { id } }";
    one.subscribe("1", posted).await;
    one.subscribe("2", posted).await;
    two.subscribe("1", posted).await;
    while world.state.posts.receiver_count() < 3 {
        tokio::task::yield_now().await;
    }
    two.subscribe("2", posted).await;
    let refused = two.hear().await;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("2")));
    let extensions = &refused["payload"][0]["extensions"];
    assert_eq!(
        (&extensions["code"], &extensions["reason"]),
        (&json!("OVERLOADED"), &json!("TOO_MANY_SUBSCRIPTIONS"))
    );
    // What is given up is there again, for queries as before.
    one.say(json!({ "type": "complete", "id": "2" })).await;
    while world.state.posts.receiver_count() > 2 {
        tokio::task::yield_now().await;
    }
    two.subscribe("2", posted).await;
    while world.state.posts.receiver_count() < 3 {
        tokio::task::yield_now().await;
    }
    two.subscribe("q", "{ viewer { name } }").await;
    assert_eq!(two.next("q").await["data"]["viewer"]["name"], "name 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_a_bound_of_subscriptions() {
    let world = World::with(|settings| settings.limits.subscriptions_per_address = 2).await;
    let mut alice = world.socket(Some(&world.alice)).await;
    let mut nobody = world.socket(None).await;
    let posted = "subscription { posted { id } }";
    alice.subscribe("1", posted).await;
    alice.subscribe("2", posted).await;
    while world.state.posts.receiver_count() < 2 {
        tokio::task::yield_now().await;
    }
    nobody.subscribe("1", posted).await;
    let refused = nobody.hear().await;
    let extensions = &refused["payload"][0]["extensions"];
    assert_eq!(
        (&refused["type"], &extensions["code"], &extensions["reason"]),
        (
            &json!("error"),
            &json!("OVERLOADED"),
            &json!("TOO_MANY_SUBSCRIPTIONS")
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_a_bound_of_operations_over_all_its_sockets() {
    let world = World::with(|settings| settings.limits.operations_per_user = 1).await;
    let mut sockets = [
        world.socket(Some(&world.alice)).await,
        world.socket(Some(&world.alice)).await,
    ];
    let mut codes = Vec::new();
    for number in 0..60 {
        let socket = &mut sockets[number % 2];
        socket.subscribe(&number.to_string(), "{ viewer { name } }").await;
        let answer = socket.hear().await;
        if answer["type"] == "next" {
            assert_eq!(socket.hear().await["type"], "complete");
        }
        codes.push(answer["payload"][0]["extensions"]["code"].clone());
    }
    let refused = codes
        .iter()
        .filter(|code| **code == json!("RATE_LIMITED"))
        .count();
    assert!((1..=50).contains(&refused), "{codes:?}");
    // Somebody else is not concerned.
    let mut bob = world.socket(Some(&world.bob)).await;
    bob.subscribe("1", "{ viewer { name } }").await;
    assert_eq!(bob.next("1").await["data"]["viewer"]["name"], "name 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_a_bound_of_operations_on_all_ways() {
    let world = World::with(|settings| settings.limits.operations_per_address = 1).await;
    let mut refused = None;
    for _ in 0..60 {
        let answer = world.http.get(world.url("/graphql?query=%7B__typename%7D"));
        let answer = answer.send().await.unwrap();
        if answer.status() == 429 {
            refused = Some(answer);
            break;
        }
        assert_eq!(answer.status(), 200);
    }
    let refused: serde_json::Value = refused.unwrap().json().await.unwrap();
    let extensions = &refused["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "RATE_LIMITED");
    assert!(extensions["retryAfter"].is_number(), "{refused}");
    // A socket from there has no more left than that.
    let mut socket = world.socket(Some(&world.alice)).await;
    let mut answer = serde_json::Value::Null;
    for number in 0..60 {
        socket.subscribe(&number.to_string(), "{ viewer { name } }").await;
        answer = socket.hear().await;
        if answer["type"] == "error" {
            break;
        }
        assert_eq!(socket.hear().await["type"], "complete");
    }
    assert_eq!(answer["payload"][0]["extensions"]["code"], "RATE_LIMITED");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_starts_too_many_operations_is_told() {
    let world = World::start().await;
    let mut socket = world.socket(None).await;
    for number in 0..300 {
        socket
            .say(json!({ "type": "subscribe", "id": number.to_string(), "payload": [] }))
            .await;
    }
    let mut codes = Vec::new();
    for _ in 0..300 {
        let message = socket.hear().await;
        codes.push(
            message["payload"][0]["extensions"]["code"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    let count = |code: &str| codes.iter().filter(|said| *said == code).count();
    assert!(count("INVALID") >= 200, "{codes:?}");
    assert!(count("RATE_LIMITED") > 0, "{codes:?}");
    assert_eq!(count("INVALID") + count("RATE_LIMITED"), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_a_bound_of_streams() {
    let world = World::with(|settings| settings.limits.sockets_per_address = 2).await;
    let _socket = world.socket(Some(&world.alice)).await;
    let ask = || world.events(Some(&world.alice), "subscription { posted { id } }");
    let open = ask().await;
    assert_eq!(open.status(), 200);
    let refused = ask().await;
    assert_eq!(refused.status(), 503);
    let refused: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(refused["errors"][0]["extensions"]["code"], "OVERLOADED");
    drop(open);
    while ask().await.status() != 200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_without_end_leaves_others_their_turn() {
    let world = World::start().await;
    let over = Arc::new(AtomicBool::new(false));
    let mut floods = Vec::new();
    for _ in 0..4 {
        let (address, over) = (world.address, over.clone());
        floods.push(std::thread::spawn(move || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            stream.write_all(upgrade("/graphql/ws", "").as_bytes()).unwrap();
            // A message that begins and never ends, of parts that are empty.
            stream.write_all(&[0x01, 0x80, 0, 0, 0, 0]).unwrap();
            let parts = [0x00, 0x80, 0, 0, 0, 0].repeat(4096);
            while !over.load(Ordering::Relaxed) && stream.write_all(&parts).is_ok() {}
        }));
    }
    for _ in 0..20 {
        let answer = timeout(Duration::from_secs(10), async {
            let mut socket = world.socket(Some(&world.alice)).await;
            socket.subscribe("q", "{ viewer { name } }").await;
            socket.next("q").await
        });
        let answer = answer.await.expect("others are served");
        assert_eq!(answer["data"]["viewer"]["name"], "name 1");
    }
    over.store(true, Ordering::Relaxed);
    for flood in floods {
        flood.join().unwrap();
    }
}
