//! A connection lives as long as its session: longer than its token, and not a moment longer than it
//! is revoked.

use crate::{client::Socket, subgraphs::message_id, world::World};
use commons_platform::{
    auth::{ACCESS_TOKEN_LIFETIME, Tokens},
    clock::SystemClock,
    config::Config,
    secret::Secret,
};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::timeout;
use uuid::Uuid;

const REVOKED_WITHIN: Duration = Duration::from_secs(1);

/// The session of the world's Alice.
fn session_of_alice() -> Uuid {
    Uuid::from_u128(1_001)
}

/// Says who it is.
async fn begin(socket: &mut Socket, authorization: &str) {
    let payload = json!({ "authorization": authorization });
    socket
        .say(json!({ "type": "connection_init", "payload": payload }))
        .await;
}

async fn events(world: &World) -> reqwest::Response {
    let query = "subscription { posted { id } }";
    let events = world.events(Some(&world.alice), query).await;
    assert_eq!(events.status(), 200);
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_outlives_its_token() {
    for world in [World::start().await, World::apart().await] {
        let mut socket = world.socket(Some(&world.alice)).await;
        world.clock.advance(ACCESS_TOKEN_LIFETIME);
        socket.subscribe("q", "{ viewer { name } }").await;
        let viewer = json!({ "data": { "viewer": { "name": "name 1" } } });
        assert_eq!(socket.next("q").await, viewer);
        // The token itself opens nothing any more.
        let answer = world.ask_as(Some(&world.alice), "{ viewer { name } }").await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        let mut late = Socket::open(world.address, None).await;
        begin(&mut late, &world.alice).await;
        assert_eq!(late.closed().await, 4401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_token_opens_no_connection() {
    let world = World::apart().await;
    let connection = world.tokens.for_connection(&world.alice).unwrap().authorization;
    for bad in ["Bearer nonsense", "", connection.as_str()] {
        let mut socket = Socket::open(world.address, None).await;
        begin(&mut socket, bad).await;
        assert_eq!(socket.closed().await, 4401, "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_knows_no_keys_yet_asks_for_patience() {
    let world = World::apart_with(|settings| {
        let secret = Secret::new("a secret of the test world");
        let config = Config::from_toml("").unwrap();
        let young = Tokens::new(&config.auth, &secret, Arc::new(SystemClock::default()));
        settings.tokens = Some(Arc::new(young));
    })
    .await;
    let mut socket = Socket::open(world.address, None).await;
    begin(&mut socket, &world.alice).await;
    assert_eq!(socket.closed().await, 1013);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_session_s_connections_end() {
    for world in [World::start().await, World::apart().await] {
        let mut idle = world.socket(Some(&world.alice)).await;
        let mut busy = world.socket(Some(&world.alice)).await;
        busy.subscribe("1", "subscription { posted { id } }").await;
        busy.subscribe("2", "subscription { posted { id } }").await;
        let mut other = world.socket(Some(&world.bob)).await;
        other.subscribe("1", "subscription { posted { id } }").await;
        let mut events = events(&world).await;
        while world.state.posts.receiver_count() < 4 {
            tokio::task::yield_now().await;
        }

        let since = Instant::now();
        world.tokens.revoke_session(session_of_alice());
        assert_eq!(idle.closed().await, 4401);
        let mut refused = Vec::new();
        for _ in 0..2 {
            let message = busy.hear().await;
            assert_eq!(message["type"], "error", "{message}");
            assert_eq!(message["payload"][0]["extensions"]["code"], "UNAUTHENTICATED");
            refused.push(message["id"].as_str().unwrap().to_owned());
        }
        refused.sort_unstable();
        assert_eq!(refused, ["1", "2"]);
        assert_eq!(busy.closed().await, 4401);
        let mut text = Vec::new();
        while let Some(chunk) = events.chunk().await.unwrap() {
            text.extend_from_slice(&chunk);
        }
        let text = String::from_utf8(text).unwrap();
        assert!(text.starts_with("event: next\n"), "{text}");
        assert!(text.contains("\"code\":\"UNAUTHENTICATED\""), "{text}");
        assert!(text.ends_with("event: complete\ndata:\n\n"), "{text}");
        assert!(since.elapsed() < REVOKED_WITHIN, "{:?}", since.elapsed());

        // Nobody comes back with it, and the others go on.
        let mut again = Socket::open(world.address, None).await;
        begin(&mut again, &world.alice).await;
        assert_eq!(again.closed().await, 4401);
        world.state.posts.send(message_id(7)).unwrap();
        let posted = json!({ "data": { "posted": { "id": message_id(7) } } });
        assert_eq!(other.next("1").await, posted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_is_ended_all_the_same() {
    let world = World::apart().await;
    let mut deaf = world.socket(Some(&world.alice)).await;
    deaf.subscribe("1", "subscription { count(to: 1000000) }").await;
    let first = deaf.next("1").await;
    assert_eq!(first, json!({ "data": { "count": 1 } }));
    world.tokens.revoke_session(session_of_alice());
    // What was under way may still come; then the end, and not the millionth number.
    let rest = timeout(Duration::from_secs(30), async {
        let mut last = Value::Null;
        while let Some(message) = deaf.hear_any().await {
            last = message;
        }
        last
    });
    let last = rest.await.unwrap();
    assert_ne!(last["payload"]["data"]["count"], 1_000_000);
}
