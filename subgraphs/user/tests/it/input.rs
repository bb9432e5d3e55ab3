//! Hostile input straight to the subgraph: a typed answer each, and the process lives.

use crate::house::{House, REGISTER, WHO};
use serde_json::{Value, json};
use std::fmt::Write;

async fn raw(house: &House, body: &[u8]) -> Value {
    let answer = house
        .subgraph
        .answer(body, commons_testing::world::call(None))
        .await;
    serde_json::from_slice(&answer).unwrap()
}

#[track_caller]
fn assert_invalid(answer: &Value, reason: Option<&str>, what: &str) {
    let extensions = &answer["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "INVALID", "{what}: {answer:#}");
    assert_eq!(
        extensions.get("reason").and_then(Value::as_str),
        reason,
        "{what}: {answer:#}"
    );
}

#[tokio::test]
async fn bombs_are_refused_unread() {
    let house = House::new().await;
    for size in [100, 1_000, 10_000] {
        for (open, close) in [("[", "]"), ("{a:", "}")] {
            let bomb = format!("{}1{}", open.repeat(size), close.repeat(size));
            for document in [
                format!("{{ users(ids: {bomb}) {{ id }} }}"),
                format!("query($ids: [ID!]! = {bomb}) {{ users(ids: $ids) {{ id }} }}"),
                format!("mutation {{ register(input: {bomb}) {{ signedIn {{ expiresAt }} }} }}"),
                format!("{{ users(ids: {}", open.repeat(size)),
            ] {
                let answer = house.anonymous().send(&document, json!({})).await;
                assert_invalid(&answer, Some("QUERY_TOO_DEEP"), &format!("{size} of {open}"));
            }
        }
        let selections = format!("{}id{}", "{ viewer ".repeat(size), "}".repeat(size));
        assert_invalid(
            &house.anonymous().send(&selections, json!({})).await,
            Some("QUERY_TOO_DEEP"),
            "selections",
        );
    }
    house.register("ada").await;
}

#[tokio::test]
async fn bombs_in_variables_are_refused() {
    let house = House::new().await;
    for size in [100, 1_000, 10_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let bomb = format!("{}1{}", open.repeat(size), close.repeat(size));
            let body =
                format!("{{\"query\":\"{{ instance {{ name }} }}\",\"variables\":{{\"ids\":{bomb}}}}}");
            let answer = raw(&house, body.as_bytes()).await;
            // Below the parser's own bound the value is unused and harmless.
            if answer.get("errors").is_some() {
                assert_invalid(&answer, Some("BODY_MALFORMED"), &format!("{size} of {open}"));
            } else {
                assert_eq!(size, 100);
            }
        }
    }
    house.register("ada").await;
}

#[tokio::test]
async fn wide_documents_are_refused() {
    let house = House::new().await;
    let aliases = (0..33).fold(String::new(), |mut text, i| {
        write!(text, "a{i}: viewer {{ email }} ").unwrap();
        text
    });
    let mut fragments = String::from("{ ...f0 }");
    for i in 0..100 {
        write!(
            fragments,
            " fragment f{i} on Query {{ ...f{n} ...f{n} }}",
            n = i + 1
        )
        .unwrap();
    }
    fragments.push_str(" fragment f100 on Query { viewer { email } }");
    for (document, reason) in [
        (format!("{{ {aliases} }}"), "TOO_MANY_ALIASES"),
        (
            format!("{{ viewer {} {{ email }} }}", "@skip(if: false) ".repeat(21)),
            "TOO_MANY_DIRECTIVES",
        ),
        (fragments, "TOO_MANY_FIELDS"),
        (
            "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }".into(),
            "FRAGMENT_CYCLE",
        ),
        (format!("{{ {} }}", "viewer ".repeat(2_000)), "QUERY_TOO_LONG"),
        ("{ viewer {".into(), "QUERY_SYNTAX"),
        (String::new(), "QUERY_SYNTAX"),
    ] {
        let answer = house.anonymous().send(&document, json!({})).await;
        assert_invalid(
            &answer,
            Some(reason),
            &document.chars().take(60).collect::<String>(),
        );
    }
}

#[tokio::test]
async fn bodies_that_are_no_request_are_refused() {
    let house = House::new().await;
    for (body, reason) in [
        (&b""[..], "BODY_MALFORMED"),
        (b"{", "BODY_MALFORMED"),
        (b"null", "BODY_MALFORMED"),
        (b"\"{ viewer { email } }\"", "BODY_MALFORMED"),
        (b"{\"query\": 5}", "BODY_MALFORMED"),
        (b"\xff\xfe", "BODY_MALFORMED"),
        (b"[]", "BATCH_REFUSED"),
        (b" [{\"query\": \"{ viewer { email } }\"}]", "BATCH_REFUSED"),
    ] {
        assert_invalid(
            &raw(&house, body).await,
            Some(reason),
            &String::from_utf8_lossy(body),
        );
    }
}

#[tokio::test]
async fn what_does_not_fit_the_schema_is_refused() {
    let house = House::new().await;
    for (document, variables) in [
        ("{ nothing }", json!({})),
        ("{ viewer }", json!({})),
        ("{ user(id: {a: 1}) { id } }", json!({})),
        ("{ users(ids: \"a\", extra: 1) { id } }", json!({})),
        (
            "mutation { register(input: { username: 5, password: true }) { signedIn { expiresAt } } }",
            json!({}),
        ),
        (REGISTER, json!({})),
        (REGISTER, json!({ "input": null })),
        (REGISTER, json!({ "input": [] })),
        (REGISTER, json!({ "input": { "username": "ada" } })),
        (
            REGISTER,
            json!({ "input": { "username": ["ada"], "password": 12345678 } }),
        ),
        (
            REGISTER,
            json!({ "input": { "username": "ada", "password": "correct horse", "administrator": true } }),
        ),
        (
            "query A { viewer { email } } query B { viewer { email } }",
            json!({}),
        ),
        ("subscription { viewer { email } }", json!({})),
    ] {
        let answer = house.anonymous().send(document, variables.clone()).await;
        assert_invalid(&answer, None, &format!("{document} {variables}"));
    }
    assert_eq!(
        house.anonymous().data(WHO, json!({})).await,
        json!({ "viewer": null })
    );
}
