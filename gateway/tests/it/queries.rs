//! What works over HTTP.

use crate::world::World;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_answered_in_process() {
    let world = World::start().await;
    assert_eq!(
        world.ask("{ echo(text: \"hello\") }").await,
        json!({ "data": { "echo": "hello" } })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn entities_are_joined() {
    let world = World::start().await;
    assert_eq!(
        world.ask("{ messages { text author { name } } }").await,
        json!({ "data": { "messages": [
            { "text": "text 1", "author": { "name": "name 1" } },
            { "text": "text 2", "author": { "name": "name 2" } },
        ] } })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_reaches_the_subgraph() {
    let world = World::start().await;
    let query = "{ viewer { name } }";
    assert_eq!(
        world.ask_as(Some(&world.alice), query).await["data"]["viewer"]["name"],
        "name 1"
    );
    assert_eq!(
        world.ask_as(Some(&world.bob), query).await["data"]["viewer"]["name"],
        "name 2"
    );
    for bad in [None, Some("Bearer forged"), Some("")] {
        let answer = world.ask_as(bad, query).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
            "{answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_work_by_get() {
    let world = World::start().await;
    let query = [
        ("query", "query($t: String!) { echo(text: $t) }"),
        ("variables", r#"{"t":"a b&c"}"#),
    ];
    let answer: Value = world
        .http
        .get(world.url("/graphql"))
        .query(&query)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(answer, json!({ "data": { "echo": "a b&c" } }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_s_refusal_keeps_its_words() {
    let world = World::start().await;
    let mut answer = world.ask("{ forbidden echo(text: \"x\") }").await;
    let extensions = answer["errors"][0]["extensions"].as_object_mut().unwrap();
    assert!(extensions.remove("requestId").is_some());
    assert_eq!(
        answer,
        json!({
            "data": { "forbidden": null, "echo": "x" },
            "errors": [{
                "message": "you may not",
                "locations": [{ "line": 1, "column": 2 }],
                "path": ["forbidden"],
                "extensions": { "code": "FORBIDDEN", "reason": "BECAUSE", "field": "it" },
            }],
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subgraph_s_panic_costs_its_fields_and_tells_nothing() {
    let world = World::start().await;
    let answer = world.ask("{ panic messages { text } }").await;
    assert_eq!(answer["data"]["messages"][0]["text"], "text 1");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "INTERNAL");
    assert!(!answer.to_string().contains("secret"));
    assert_eq!(
        world.ask("{ echo(text: \"alive\") }").await["data"]["echo"],
        "alive"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_says_who_calls() {
    let world = World::start().await;
    let response = world
        .http
        .post(world.url("/graphql"))
        .header("user-agent", "a test")
        .header("x-forwarded-for", "203.0.113.1")
        .header("x-commons-client-address", "203.0.113.2")
        .header("x-request-id", "chosen")
        .json(&json!({ "query": "{ caller { address requestId device } }" }))
        .send()
        .await
        .unwrap();
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(id.len(), 32);
    let answer: Value = response.json().await.unwrap();
    assert_eq!(
        answer["data"]["caller"],
        json!({ "address": "127.0.0.1", "requestId": id, "device": "a test" })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_is_believed() {
    let world = World::with(|settings| settings.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]).await;
    let request = world
        .http
        .post(world.url("/graphql"))
        .header("x-forwarded-for", "203.0.113.1");
    let answer: Value = request
        .json(&json!({ "query": "{ caller { address } }" }))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(answer["data"]["caller"]["address"], "203.0.113.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn introspection_has_descriptions_and_can_be_closed() {
    let query = "{ __type(name: \"Message\") { description fields { name description } } }";
    let world = World::start().await;
    assert_eq!(
        world.ask(query).await["data"]["__type"]["description"],
        "A message."
    );
    let closed = World::with(|settings| settings.introspection = false).await;
    assert_eq!(
        closed.ask(query).await["errors"][0]["extensions"]["code"],
        "INVALID"
    );
}
