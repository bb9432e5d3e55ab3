//! `graphql-transport-ws`.

use crate::{client::Socket, subgraphs::message_id, world::World};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_s_events_are_joined_and_end() {
    let world = World::start().await;
    let mut socket = world.socket(Some(&world.alice)).await;
    socket
        .subscribe("1", "subscription { posted { text author { name } } }")
        .await;
    // Until the subscription stands there is nobody to post to.
    while world.state.posts.receiver_count() == 0 {
        tokio::task::yield_now().await;
    }
    for number in [7, 8] {
        world.state.posts.send(message_id(number)).unwrap();
        let posted =
            json!({ "text": format!("text {number}"), "author": { "name": format!("name {number}") } });
        assert_eq!(socket.next("1").await, json!({ "data": { "posted": posted } }));
    }
    socket.say(json!({ "type": "complete", "id": "1" })).await;
    while world.state.posts.receiver_count() > 0 {
        tokio::task::yield_now().await;
    }
    socket.subscribe("2", "subscription { count(to: 2) }").await;
    assert_eq!(socket.next("2").await, json!({ "data": { "count": 1 } }));
    assert_eq!(socket.next("2").await, json!({ "data": { "count": 2 } }));
    assert_eq!(socket.hear().await, json!({ "type": "complete", "id": "2" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_never_share() {
    let world = World::start().await;
    let who = "subscription { whoami }";
    for _ in 0..5 {
        let mut alice = world.socket(Some(&world.alice)).await;
        let mut bob = Socket::open(world.address, Some(&world.bob)).await;
        bob.init(None).await;
        alice.subscribe("1", who).await;
        bob.subscribe("1", who).await;
        assert_eq!(
            alice.next("1").await["data"]["whoami"],
            crate::subgraphs::user_id(1)
        );
        assert_eq!(
            bob.next("1").await["data"]["whoami"],
            crate::subgraphs::user_id(2)
        );
    }
    let mut nobody = world.socket(None).await;
    nobody.subscribe("1", who).await;
    assert_eq!(
        nobody.next("1").await["errors"][0]["extensions"]["code"],
        "UNAUTHENTICATED"
    );
    assert_eq!(nobody.hear().await, json!({ "type": "complete", "id": "1" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_named_key_is_identity() {
    let world = World::start().await;
    let mut socket = Socket::open(world.address, None).await;
    socket
        .init(Some(
            json!({ "headers": { "authorization": world.alice }, "token": world.alice }),
        ))
        .await;
    let payload = json!({ "query": "{ viewer { name } }", "extensions": { "headers": { "authorization": world.alice } } });
    socket
        .say(json!({ "type": "subscribe", "id": "1", "payload": payload }))
        .await;
    assert_eq!(
        socket.next("1").await["errors"][0]["extensions"]["code"],
        "UNAUTHENTICATED"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_and_mutations_work_too() {
    let world = World::start().await;
    let mut socket = world.socket(Some(&world.bob)).await;
    socket.subscribe("q", "{ viewer { name } }").await;
    assert_eq!(
        socket.next("q").await,
        json!({ "data": { "viewer": { "name": "name 2" } } })
    );
    assert_eq!(socket.hear().await, json!({ "type": "complete", "id": "q" }));
    world.state.go_on.notify_one();
    socket.subscribe("m", "mutation { slow }").await;
    assert_eq!(socket.next("m").await, json!({ "data": { "slow": true } }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_operation_is_an_error_message() {
    let world = World::start().await;
    let mut socket = world.socket(None).await;
    let aliases: String = (0..31).map(|number| format!("a{number}: end ")).collect();
    let aliases = format!("{{ deep {{ {aliases} }} }}");
    for (query, reason) in [
        ("{", "QUERY_SYNTAX"),
        ("{ nothing }", "QUERY_INVALID"),
        ("", "QUERY_SYNTAX"),
        (&aliases, "TOO_MANY_ALIASES"),
    ] {
        socket.subscribe("1", query).await;
        let message = socket.hear().await;
        assert_eq!(message["type"], "error");
        let extensions = &message["payload"][0]["extensions"];
        assert_eq!(
            (&extensions["code"], &extensions["reason"]),
            (&json!("INVALID"), &json!(reason))
        );
    }
    socket
        .say(json!({ "type": "subscribe", "id": "1", "payload": [] }))
        .await;
    assert_eq!(
        socket.hear().await["payload"][0]["extensions"]["reason"],
        "BATCH_REFUSED"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_protocol_is_kept() {
    let world = World::start().await;
    let address = world.address;

    assert_eq!(Socket::open_as(address, None, None).await.closed().await, 4406);

    let mut early = Socket::open(address, None).await;
    early.subscribe("1", "{ deep { end } }").await;
    assert_eq!(early.closed().await, 4401);

    let mut twice = world.socket(None).await;
    twice.say(json!({ "type": "connection_init" })).await;
    assert_eq!(twice.closed().await, 4429);

    let mut same = world.socket(Some(&world.alice)).await;
    same.subscribe("1", "subscription { posted { id } }").await;
    same.subscribe("1", "subscription { posted { id } }").await;
    assert_eq!(same.closed().await, 4409);

    for text in ["", "{", "{\"type\":\"unknown\"}", "[]"] {
        let mut bad = world.socket(None).await;
        bad.say_text(text).await;
        assert_eq!(bad.closed().await, 4400, "{text}");
    }
    let mut binary = world.socket(None).await;
    binary.send_raw(Message::binary(vec![1, 2])).await;
    assert_eq!(binary.closed().await, 4400);

    let mut large = world.socket(None).await;
    large
        .say_text(&format!(
            "{{\"type\":\"ping\",\"x\":\"{}\"}}",
            "x".repeat(300 * 1024)
        ))
        .await;
    assert_eq!(large.closed().await, 1009);

    let mut ping = world.socket(None).await;
    ping.say(json!({ "type": "ping", "payload": {} })).await;
    assert_eq!(ping.hear().await, json!({ "type": "pong" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_may_come_in_parts() {
    use tokio_tungstenite::tungstenite::protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    };
    let world = World::start().await;
    let mut socket = world.socket(None).await;
    let part =
        |text: &'static str, code, last| Message::Frame(Frame::message(text, OpCode::Data(code), last));
    socket.send_raw(part("{\"type\":", Data::Text, false)).await;
    socket.send_raw(part("\"pi", Data::Continue, false)).await;
    socket.send_raw(part("ng\"}", Data::Continue, true)).await;
    assert_eq!(socket.hear().await, json!({ "type": "pong" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subgraph_that_is_away_is_unavailable() {
    let world = World::with(|settings| {
        let nowhere = ([127, 0, 0, 1], 1).into();
        let answer = |_, _: commons_platform::graphql::Call| -> futures_util::future::BoxFuture<'static, _> {
            Box::pin(async { bytes::Bytes::new() })
        };
        settings.upstreams[1] = commons_gateway::Upstream::answering("message", nowhere, answer);
    })
    .await;
    let mut socket = world.socket(Some(&world.alice)).await;
    socket.subscribe("1", "subscription { whoami }").await;
    let message = socket.hear().await;
    assert_eq!(
        message["payload"][0]["extensions"]["code"], "UNAVAILABLE",
        "{message}"
    );
    assert!(!message.to_string().contains("127.0.0.1"), "{message}");
    let answer = world.ask("{ messages { text } }").await;
    assert_eq!(
        answer["errors"][0]["extensions"]["code"], "UNAVAILABLE",
        "{answer}"
    );
}
