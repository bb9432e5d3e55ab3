//! `node(id:)`.

use crate::{
    subgraphs::{message_id, user_id},
    world::World,
};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_found_by_its_id_alone() {
    let world = World::start().await;
    let query = format!(
        "{{ node(id: \"{}\") {{ __typename id ... on User {{ name }} }} }}",
        user_id(5)
    );
    let node = json!({ "__typename": "User", "id": user_id(5), "name": "name 5" });
    assert_eq!(world.ask(&query).await, json!({ "data": { "node": node } }));
    let query = format!(
        "{{ node(id: \"{}\") {{ ... on Message {{ text author {{ name }} }} }} }}",
        message_id(5)
    );
    let node = json!({ "text": "text 5", "author": { "name": "name 5" } });
    assert_eq!(
        world.ask_as(Some(&world.alice), &query).await,
        json!({ "data": { "node": node } })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_and_unknown_are_the_same() {
    let world = World::start().await;
    for id in [user_id(13), user_id(5_000)] {
        let answer = world
            .ask(&format!("{{ node(id: \"{id}\") {{ __typename }} }}"))
            .await;
        assert_eq!(answer, json!({ "data": { "node": null } }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_their_codes() {
    let world = World::start().await;
    for (id, code) in [
        ("", "INVALID"),
        ("user_1", "INVALID"),
        ("stranger_00000000000000000000000001", "INVALID"),
        (message_id(5).as_str(), "UNAUTHENTICATED"),
    ] {
        let answer = world
            .ask(&format!("{{ node(id: \"{id}\") {{ __typename }} }}"))
            .await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{id}: {answer}");
        assert!(answer["data"]["node"].is_null());
    }
}
