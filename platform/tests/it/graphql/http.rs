//! One request, one answer, whatever the request is.

use super::server::Server;
use commons_platform::graphql::MAX_INTERNAL_BODY;
use reqwest::{Client, Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};

fn post(server: &Server, body: impl Into<String>) -> RequestBuilder {
    let client = Client::builder().no_proxy().build().unwrap();
    client
        .post(server.url("/graphql"))
        .header("x-commons-internal", server.token())
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.into())
}

fn ask(document: &str) -> String {
    json!({ "query": document }).to_string()
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    (
        response.status(),
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap(),
    )
}

#[track_caller]
fn assert_refused(answer: &(StatusCode, Value), status: u16, reason: &str) {
    assert_eq!(answer.0.as_u16(), status, "{:#}", answer.1);
    assert_eq!(answer.1["data"], Value::Null);
    let extensions = &answer.1["errors"][0]["extensions"];
    assert_eq!(
        (&extensions["code"], &extensions["reason"]),
        (&json!("INVALID"), &json!(reason))
    );
}

#[tokio::test]
async fn a_query_is_answered() {
    let server = Server::start().await;
    let expected = json!({ "data": { "echo": "hello" } });
    for content_type in ["application/json", "Application/JSON; charset=utf-8"] {
        let client = Client::builder().no_proxy().build().unwrap();
        let request = client
            .post(server.url("/graphql"))
            .header("x-commons-internal", server.token())
            .header(header::CONTENT_TYPE, content_type)
            .body(ask("{ echo(text: \"hello\") }"));
        assert_eq!(answer(request).await, (StatusCode::OK, expected.clone()));
    }
}

#[tokio::test]
async fn sixty_five_parentheses_in_a_text_are_fine() {
    let server = Server::start().await;
    let text = "(".repeat(65);
    let inline = answer(post(&server, ask(&format!("{{ echo(text: \"{text}\") }}")))).await;
    assert_eq!(inline.1["data"]["echo"], text.as_str());
    let body = json!({ "query": "query($t: String!) { echo(text: $t) }", "variables": { "t": text } });
    assert_eq!(
        answer(post(&server, body.to_string())).await.1["data"]["echo"],
        text.as_str()
    );
}

#[tokio::test]
async fn a_text_that_came_before_is_answered_like_the_first_time() {
    let server = Server::start().await;
    let query = "query A($t: String!) { echo(text: $t) } query B { list(of: [1, 2]) }";
    let ask = async |name: &str, variables: Value| {
        let body = json!({ "query": query, "operationName": name, "variables": variables });
        answer(post(&server, body.to_string())).await.1
    };
    for text in ["one", "two"] {
        let echoed = ask("A", json!({ "t": text })).await;
        assert_eq!(echoed, json!({ "data": { "echo": text } }));
        assert_eq!(ask("B", json!({})).await, json!({ "data": { "list": 2 } }));
        for (name, variables) in [("A", json!({})), ("A", json!({ "t": 1 })), ("C", json!({}))] {
            let refused = ask(name, variables.clone()).await;
            let code = &refused["errors"][0]["extensions"]["code"];
            assert_eq!(code, "INVALID", "{name} {variables}: {refused}");
        }
    }
}

#[tokio::test]
async fn the_origin_is_what_the_gateway_says() {
    let server = Server::start().await;
    let request = post(&server, ask("{ origin }"))
        .header("x-request-id", "request-7")
        .header(header::USER_AGENT, "x".repeat(500))
        .header("x-forwarded-for", "192.0.2.1");
    let expected = format!("127.0.0.1 request-7 {}", "x".repeat(200));
    assert_eq!(answer(request).await.1["data"]["origin"], expected.as_str());
    for (address, origin) in [("2001:db8::7", "2001:db8::7"), ("nowhere", "127.0.0.1")] {
        let request = post(&server, ask("{ origin }")).header("x-commons-client-address", address);
        let said = answer(request).await.1["data"]["origin"].take();
        assert!(said.as_str().unwrap().starts_with(origin), "{said}");
    }
}

#[tokio::test]
async fn a_body_has_its_size() {
    let server = Server::start().await;
    let frame = ask("{ echo(text: \"\") }").len();
    let fitting = ask(&format!(
        "{{ echo(text: \"{}\") }}",
        "x".repeat(MAX_INTERNAL_BODY - frame)
    ));
    assert_eq!(fitting.len(), MAX_INTERNAL_BODY);
    assert_eq!(answer(post(&server, fitting.as_str())).await.0, StatusCode::OK);
    assert_refused(&answer(post(&server, fitting + " ")).await, 413, "BODY_TOO_LARGE");
}

#[tokio::test]
async fn only_json_by_post() {
    let server = Server::start().await;
    let client = Client::builder().no_proxy().build().unwrap();
    let document = ask("{ echo(text: \"hello\") }");
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/jsonx",
    ] {
        let request = client
            .post(server.url("/graphql"))
            .header("x-commons-internal", server.token())
            .header(header::CONTENT_TYPE, content_type)
            .body(document.clone());
        assert_refused(&answer(request).await, 415, "CONTENT_TYPE");
    }
    let untyped = client
        .post(server.url("/graphql"))
        .header("x-commons-internal", server.token());
    assert_refused(&answer(untyped.body(document.clone())).await, 415, "CONTENT_TYPE");
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let request = client
            .request(method, server.url("/graphql?query={echo(text:\"x\")}"))
            .header("x-commons-internal", server.token());
        let refused = request.send().await.unwrap();
        assert_eq!(refused.headers()[header::ALLOW], "POST");
        let refused = (refused.status(), refused.json().await.unwrap());
        assert_refused(&refused, 405, "METHOD");
    }
}

#[tokio::test]
async fn malformed_bodies_are_refused() {
    let server = Server::start().await;
    for (body, reason) in [
        ("", "BODY_MALFORMED"),
        ("{", "BODY_MALFORMED"),
        ("{\"query\": 5}", "BODY_MALFORMED"),
        ("[{\"query\": \"{ origin }\"}]", "BATCH_REFUSED"),
        ("{\"query\": \"{ echo(\"}", "QUERY_SYNTAX"),
    ] {
        assert_refused(&answer(post(&server, body)).await, 200, reason);
    }
}

#[tokio::test]
async fn bombs_are_refused_and_the_process_lives() {
    let server = Server::start().await;
    for size in [65, 100, 1_000, 10_000] {
        for (open, close) in [("[", "]"), ("{a:", "}")] {
            let bomb = format!("{}1{}", open.repeat(size), close.repeat(size));
            for document in [
                format!("{{ list(of: {bomb}) }}"),
                format!("query($of: [Int!]! = {bomb}) {{ list(of: $of) }}"),
                format!("{{ list(of: {}", open.repeat(size)),
            ] {
                assert_refused(
                    &answer(post(&server, ask(&document))).await,
                    200,
                    "QUERY_TOO_DEEP",
                );
            }
        }
    }
    let aliases: String = (0..33).map(|i| format!("a{i}: origin ")).collect();
    assert_refused(
        &answer(post(&server, ask(&format!("{{ {aliases} }}")))).await,
        200,
        "TOO_MANY_ALIASES",
    );
    let directives = "@skip(if: false) ".repeat(21);
    assert_refused(
        &answer(post(&server, ask(&format!("{{ origin {directives} }}")))).await,
        200,
        "TOO_MANY_DIRECTIVES",
    );
    assert_eq!(answer(post(&server, ask("{ origin }"))).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_bad_token_is_never_anonymous() {
    let server = Server::start().await;
    let ada = server.person().await;
    let me = |authorization: &[u8]| {
        let value = header::HeaderValue::from_bytes(authorization).unwrap();
        answer(post(&server, ask("{ me origin }")).header(header::AUTHORIZATION, value))
    };
    let good = me(format!("Bearer {}", ada.token).as_bytes()).await;
    assert_eq!(good.1["data"]["me"], ada.user.0.to_string());
    for bad in [
        &b"Bearer nonsense"[..],
        b"",
        b"\xff",
        ada.token.as_bytes(),
        b"Basic eDp5",
    ] {
        let (status, body) = me(bad).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(body["data"], Value::Null);
        assert_eq!(
            body["errors"][0]["extensions"],
            json!({ "code": "UNAUTHENTICATED" })
        );
    }
}

#[tokio::test]
async fn what_goes_wrong_inside_stays_inside() {
    let server = Server::start().await;
    let (status, body) = answer(post(&server, ask("{ broken }"))).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["errors"][0]["extensions"], json!({ "code": "INTERNAL" }));
    assert!(!body.to_string().contains("secret"), "{body}");

    let response = post(&server, ask("{ panics }")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.text().await.unwrap(), "Service panicked");
    assert_eq!(answer(post(&server, ask("{ origin }"))).await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    let server = Server::start().await;
    let request = post(&server, ask("{ never }"));
    // Time runs to the next deadline whenever nothing else happens.
    tokio::time::pause();
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().get(header::CONTENT_TYPE).is_none());
    assert_eq!(response.text().await.unwrap(), "");
}

#[tokio::test]
async fn the_health_routes_answer() {
    let server = Server::start().await;
    let client = Client::builder().no_proxy().build().unwrap();
    for path in ["/health", "/ready", "/metrics"] {
        assert_eq!(
            client.get(server.url(path)).send().await.unwrap().status(),
            StatusCode::OK,
            "{path}"
        );
    }
    assert!(!server.running.is_finished());
}
