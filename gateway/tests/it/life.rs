//! Starting, stopping, and starting again in one process.

use crate::world::{SUPERGRAPH, World};
use commons_gateway::{Gateway, GatewayError, Settings};
use commons_platform::{internal::InternalToken, secret::Secret};
use serde_json::{Value, json};
use std::{net::Ipv4Addr, time::Instant};

#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_started_again_and_again() {
    for _ in 0..3 {
        let world = World::start().await;
        assert_eq!(world.ask("{ deep { end } }").await["data"]["deep"]["end"], 1);
        let address = world.address;
        world.stop().await.unwrap();
        assert!(std::net::TcpStream::connect(address).is_err(), "it still listens");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_run_side_by_side() {
    let (one, two) = (World::start().await, World::start().await);
    assert_eq!(
        one.ask_as(Some(&one.alice), "{ viewer { name } }").await["data"]["viewer"]["name"],
        "name 1"
    );
    // The other one has other keys.
    let stranger = two.ask_as(Some(&one.alice), "{ viewer { name } }").await;
    assert_eq!(stranger["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_is_answered() {
    let world = World::start().await;
    let state = world.state.clone();
    let mut socket = world.socket(Some(&world.alice)).await;
    socket.subscribe("1", "subscription { posted { id } }").await;
    let mut events = world
        .http
        .post(world.url("/graphql"))
        .header("accept", "text/event-stream")
        .header("authorization", &world.alice)
        .json(&json!({ "query": "subscription { posted { id } }" }))
        .send()
        .await
        .unwrap();
    let request = world
        .http
        .post(world.url("/graphql"))
        .json(&json!({ "query": "mutation { slow }" }));
    let answer =
        commons_platform::task::spawn(
            async move { request.send().await.unwrap().json::<Value>().await.unwrap() },
        );
    state.begun.notified().await;

    let begin = Instant::now();
    let done = world.begin_to_stop();
    assert_eq!(socket.closed().await, 1012);
    while let Ok(Some(chunk)) = events.chunk().await {
        assert!(
            !chunk.starts_with(b"event: complete"),
            "the stream is not over, only this server"
        );
    }
    state.go_on.notify_one();
    assert_eq!(answer.await.unwrap(), json!({ "data": { "slow": true } }));
    done.await.unwrap().unwrap();
    assert!(begin.elapsed().as_secs() < 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_start_says_why() {
    let listen = (Ipv4Addr::LOCALHOST, 0).into();
    let token = InternalToken::of(&Secret::new("a"));
    let broken = Settings {
        supergraph: "type Query {".to_owned(),
        ..Settings::new(listen, Vec::new(), token.clone())
    };
    assert!(matches!(Gateway::bind(broken), Err(GatewayError::Supergraph(_))));
    let good = Settings {
        supergraph: SUPERGRAPH.to_owned(),
        ..Settings::new(listen, Vec::new(), token)
    };
    let first = Gateway::bind(good.clone()).unwrap();
    let taken = Settings {
        listen: first.address(),
        ..good
    };
    assert!(matches!(Gateway::bind(taken), Err(GatewayError::Listen { .. })));
}
