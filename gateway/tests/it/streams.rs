//! Subscriptions as server-sent events.

use crate::{subgraphs::message_id, world::World};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn events_come_and_end() {
    let world = World::start().await;
    let response = world.events(None, "subscription { count(to: 2) }").await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(
        response.text().await.unwrap(),
        "event: next\ndata: {\"data\":{\"count\":1}}\n\nevent: next\ndata: {\"data\":{\"count\":2}}\n\nevent: complete\ndata:\n\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_an_event_too() {
    let world = World::start().await;
    for query in ["subscription { whoami }", "subscription { nothing }"] {
        let text = world.events(None, query).await.text().await.unwrap();
        let code = if query.contains("whoami") {
            "UNAUTHENTICATED"
        } else {
            "INVALID"
        };
        assert!(
            text.starts_with("event: next\n") && text.contains(&format!("\"code\":\"{code}\"")),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_answer_is_a_short_stream_for_who_takes_streams_alone() {
    let world = World::start().await;
    let response = world.events(Some(&world.alice), "{ viewer { name } }").await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(
        response.text().await.unwrap(),
        "event: next\ndata: {\"data\":{\"viewer\":{\"name\":\"name 1\"}}}\n\nevent: complete\ndata:\n\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_ends_its_stream() {
    let world = World::start().await;
    let mut response = world
        .http
        .post(world.url("/graphql"))
        .header("accept", "application/json, text/event-stream")
        .header("authorization", &world.alice)
        .json(&json!({ "query": "subscription { posted { text } }" }))
        .send()
        .await
        .unwrap();
    while world.state.posts.receiver_count() == 0 {
        tokio::task::yield_now().await;
    }
    world.state.posts.send(message_id(3)).unwrap();
    let event = response.chunk().await.unwrap().unwrap();
    assert_eq!(
        &event[..],
        b"event: next\ndata: {\"data\":{\"posted\":{\"text\":\"text 3\"}}}\n\n"
    );
    drop(response);
    while world.state.posts.receiver_count() > 0 {
        tokio::task::yield_now().await;
    }
}
