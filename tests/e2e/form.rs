//! Requests and sockets that are not of the form they must have.

use crate::{
    harness::{Socket, codes, json_of},
    input::scene,
};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

/// Status and code of a request that is refused.
async fn refused(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let mut codes = codes(&json_of(response).await);
    assert_eq!(codes.len(), 1);
    (status, codes.remove(0))
}

#[tokio::test]
async fn requests_of_another_form() {
    let (mut house, alice, general) = scene().await;
    let post = || house.api.post("/graphql").bearer_auth(&alice.token);
    let json = |body: String| post().header("content-type", "application/json").body(body);
    let send = format!(
        "mutation {{ sendMessage(input: {{ channelId: \"{general}\", content: \"no\" }}) {{ message {{ id }} }} }}"
    );
    let large = json!({ "query": "{ __typename }", "variables": { "v": "x".repeat(300 * 1024) } });
    let batch = json!([{ "query": "{ __typename }" }, { "query": "{ __typename }" }]);
    let form = post()
        .header("content-type", "application/x-www-form-urlencoded")
        .body("query={__typename}");
    for (request, status) in [
        (json("{".to_owned()), 400),
        (json(String::new()), 400),
        (json("null".to_owned()), 400),
        (json("{\"query\": 7}".to_owned()), 400),
        (
            json("{\"query\": \"{ __typename }\", \"variables\": []}".to_owned()),
            400,
        ),
        (json("\u{0}".to_owned()), 400),
        (json(batch.to_string()), 400),
        (json(large.to_string()), 413),
        (post().body("{ __typename }"), 415),
        (form, 415),
        (
            post()
                .header("content-type", "application/graphql")
                .body("{ __typename }"),
            415,
        ),
        (
            house
                .api
                .get("/graphql")
                .bearer_auth(&alice.token)
                .query(&[("query", &send)]),
            405,
        ),
        (house.api.get("/graphql"), 400),
        (
            post()
                .header("content-type", "application/json")
                .header("content-encoding", "gzip")
                .body("{}"),
            415,
        ),
    ] {
        assert_eq!(refused(request).await, (status, "INVALID".to_owned()));
    }
    let put = reqwest::Client::new().request(Method::PUT, format!("http://{}/graphql", house.api.address()));
    assert_eq!(refused(put).await.0, 405);
    let bytes = post()
        .header("content-type", "application/json")
        .body(vec![0xff, 0xfe, b'{']);
    assert_eq!(refused(bytes).await, (400, "INVALID".to_owned()));
    // Nothing of it was done.
    let head = alice
        .data(
            "query($id: ID!) { channel(id: $id) { headSeq } }",
            json!({ "id": general }),
        )
        .await;
    assert_eq!(head["channel"]["headSeq"], 0);
    house.lives().await;
}

#[tokio::test]
async fn sockets_that_do_not_keep_to_the_protocol() {
    let (mut house, alice, _) = scene().await;
    let subscribe =
        json!({ "type": "subscribe", "id": "1", "payload": { "query": "{ __typename }" } }).to_string();
    for text in [
        "{",
        "[]",
        "null",
        "{}",
        "{\"type\":\"nonsense\"}",
        "{\"type\":\"subscribe\"}",
    ] {
        let mut socket = alice.socket().await;
        socket.say_text(text.to_owned()).await;
        assert_eq!(socket.hear().await, Err(Some(4400)), "{text}");
    }
    let mut early = Socket::connect(&house.api).await;
    early.say_text(subscribe.clone()).await;
    assert_eq!(early.hear().await, Err(Some(4401)));
    let mut twice = alice.socket().await;
    twice.say(json!({ "type": "connection_init" })).await;
    assert_eq!(twice.hear().await, Err(Some(4429)));
    let mut large = alice.socket().await;
    large
        .say_text(format!(
            "{{\"type\":\"ping\",\"payload\":\"{}\"}}",
            "x".repeat(300 * 1024)
        ))
        .await;
    assert!(matches!(large.hear().await, Err(Some(1009) | None)));
    house.lives().await;
}
