//! What is refused over HTTP, and with which words.

use crate::world::World;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::fmt::Write;

/// Status and `code/reason` of a request that must be refused as a whole.
async fn refusal(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    assert!(response.headers().contains_key("x-request-id"));
    let answer: Value = response.json().await.unwrap();
    assert!(answer.get("data").is_none_or(Value::is_null), "{answer}");
    let extensions = &answer["errors"][0]["extensions"];
    (
        status,
        format!(
            "{}/{}",
            extensions["code"].as_str().unwrap(),
            extensions["reason"].as_str().unwrap_or("-")
        ),
    )
}

async fn of_query(world: &World, query: &str) -> String {
    let request = world
        .http
        .post(world.url("/graphql"))
        .header("accept", "application/graphql-response+json");
    let (status, words) = refusal(request.json(&json!({ "query": query }))).await;
    assert_eq!(status, 400, "{words}");
    words
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_operation_is_named() {
    let world = World::start().await;
    for (query, words) in [
        ("{", "INVALID/QUERY_SYNTAX"),
        ("", "INVALID/QUERY_SYNTAX"),
        ("{ nothing }", "INVALID/QUERY_INVALID"),
        ("{ echo }", "INVALID/QUERY_INVALID"),
        ("{ echo(text: 1) }", "INVALID/QUERY_INVALID"),
        ("query($t: String!) { echo(text: $t) }", "INVALID/VARIABLES"),
        (
            "query A { deep { end } } { deep { end } }",
            "INVALID/QUERY_INVALID",
        ),
    ] {
        assert_eq!(of_query(&world, query).await, words, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_another_form_are_refused() {
    let world = World::start().await;
    let post = || world.http.post(world.url("/graphql"));
    let json = |body: &'static str| post().header("content-type", "application/json").body(body);
    let get = |query: &str| world.http.get(world.url("/graphql")).query(&[("query", query)]);
    for (request, status, words) in [
        (json("{"), 400, "INVALID/BODY_MALFORMED"),
        (json(""), 400, "INVALID/BODY_MALFORMED"),
        (
            json("[{\"query\":\"{ deep { end } }\"}]"),
            400,
            "INVALID/BATCH_REFUSED",
        ),
        (post().body("{}"), 415, "INVALID/CONTENT_TYPE"),
        (
            post().header("content-type", "text/plain").body("{}"),
            415,
            "INVALID/CONTENT_TYPE",
        ),
        (
            json("{}").header("content-encoding", "gzip"),
            415,
            "INVALID/CONTENT_ENCODING",
        ),
        (json("{}").header("accept", "text/html"), 406, "INVALID/ACCEPT"),
        (
            world.http.request(Method::PUT, world.url("/graphql")),
            405,
            "INVALID/METHOD",
        ),
        (get("mutation { slow }"), 405, "INVALID/MUTATION_BY_GET"),
        (
            world.http.get(world.url("/graphql")),
            400,
            "INVALID/QUERY_MISSING",
        ),
        (
            post().json(&json!({ "query": "subscription { count(to: 1) }" })),
            415,
            "INVALID/SUBSCRIPTIONS_NOT_SUPPORTED",
        ),
    ] {
        assert_eq!(refusal(request).await, (status, words.to_owned()));
    }
    assert_eq!(world.ask("{ deep { end } }").await["data"]["deep"]["end"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_has_at_most_256_kib() {
    let world = World::start().await;
    let query = "query($t: String!) { echo(text: $t) }";
    let request = |size| {
        world
            .http
            .post(world.url("/graphql"))
            .json(&json!({ "query": query, "variables": { "t": "x".repeat(size) } }))
    };
    let answer: Value = request(255 * 1024).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["data"]["echo"].as_str().unwrap().len(), 255 * 1024);
    for size in [256 * 1024, 300 * 1024, 900 * 1024] {
        assert_eq!(
            refusal(request(size)).await,
            (413, "INVALID/BODY_TOO_LARGE".to_owned())
        );
    }
    // Beyond what is read away the connection may break instead; the process lives either way.
    if let Ok(response) = request(20 << 20).send().await {
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
    assert_eq!(world.ask("{ deep { end } }").await["data"]["deep"]["end"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_have_bounds() {
    let world = World::start().await;
    let deep = |levels: usize| format!("{}{{ end }}{}", "{ deep ".repeat(levels), "}".repeat(levels));
    assert!(world.ask(&deep(11)).await.get("errors").is_none());
    assert_eq!(of_query(&world, &deep(12)).await, "INVALID/QUERY_TOO_DEEP");
    let repeat = |many: usize, part: &dyn Fn(usize) -> String| {
        (0..many).fold(String::new(), |mut all, n| {
            write!(all, " {}", part(n)).unwrap();
            all
        })
    };
    let aliases = |many| format!("{{ deep {{ {} }} }}", repeat(many, &|n| format!("a{n}: end")));
    assert!(world.ask(&aliases(30)).await.get("errors").is_none());
    assert_eq!(of_query(&world, &aliases(31)).await, "INVALID/TOO_MANY_ALIASES");
    let directives = |many: usize| {
        format!(
            "{{ deep {{ {} }} }}",
            repeat(many.div_ceil(2), &|n| {
                let second = if 2 * n + 1 < many {
                    "@include(if: true)"
                } else {
                    ""
                };
                format!("end @skip(if: false) {second}")
            })
        )
    };
    assert!(world.ask(&directives(20)).await.get("errors").is_none());
    assert_eq!(
        of_query(&world, &directives(21)).await,
        "INVALID/TOO_MANY_DIRECTIVES"
    );
    assert_eq!(
        of_query(&world, &format!("{{ deep {{ {} }} }}", "end ".repeat(2_000))).await,
        "INVALID/QUERY_TOO_LONG"
    );
    let repeats = |many: usize| format!("{{ deep {{ {} }} }}", "end ".repeat(many));
    assert!(world.ask(&repeats(16)).await.get("errors").is_none());
    assert_eq!(of_query(&world, &repeats(17)).await, "INVALID/TOO_MANY_REPEATS");
}
