//! Shapes of operations on the committed supergraph.

mod keys;
mod positions;
mod rewriting;

use super::*;
use crate::SUPERGRAPH;
use serde_json::{Value, json};
use std::sync::LazyLock;

static SHAPES: LazyLock<Shapes> = LazyLock::new(|| Shapes::of_supergraph(SUPERGRAPH).unwrap());

fn operation(body: &Value) -> Operation {
    Operation::from_json(body.to_string().as_bytes()).unwrap()
}

fn shape(query: &str, variables: &Value) -> Result<Shape, ApiError> {
    SHAPES.shape(&operation(&json!({ "query": query, "variables": variables })))
}

#[track_caller]
fn numbered(query: &str, variables: &Value) -> Numbered {
    match shape(query, variables) {
        Ok(Shape::Numbered(numbered)) => numbered,
        other => panic!("{query}: {other:?}"),
    }
}

/// A subscription to `channel_1` with this selection.
fn events(selection: &str) -> Numbered {
    let query = format!(r#"subscription {{ messageEvents(channelId: "channel_1") {{ {selection} }} }}"#);
    numbered(&query, &Value::Null)
}

fn key(query: &str, variables: &Value) -> Arc<str> {
    numbered(query, variables).shared.expect("it can be shared").key
}

fn refusal(query: &str, variables: &Value) -> (Option<&'static str>, Value) {
    let error = shape(query, variables).expect_err(query);
    let reason = error.reason();
    let error: async_graphql::Error = error.into();
    (reason, json!(error.extensions.unwrap())["field"].clone())
}

fn is_alone(query: &str, variables: &Value) -> bool {
    matches!(shape(query, variables), Ok(Shape::Alone))
}

fn sent(operation: &Operation) -> Value {
    serde_json::from_slice(&operation.to_json()).unwrap()
}

#[test]
fn shapes_are_known_everywhere() {
    fn check<T: Send + Sync>() {}
    check::<Shapes>();
    check::<Numbered>();
    check::<Seen>();
}

#[test]
fn what_has_no_numbers_is_alone() {
    for query in [
        "{ viewer { user { id } } }",
        "mutation { logout { sessionId } }",
        r#"subscription { typing(channelId: "channel_1") { at } }"#,
        // Nobody knows which is meant.
        r#"subscription A { messageEvents(channelId: "1") { seq } } subscription B { typing(channelId: "1") { at } }"#,
    ] {
        assert!(is_alone(query, &Value::Null), "{query}");
    }
}

#[test]
fn what_is_not_valid_is_left_to_the_router() {
    for query in [
        "subscription { messageEvents(channelId: ",
        r#"subscription { messageEvents(channelId: "1") { nothing } }"#,
        r#"subscription { messageEvents(channelId: "1") }"#,
        "subscription { messageEvents { seq } }",
        "subscription { messageEvents(channelId: $c) { seq } }",
        r#"subscription($unused: Int) { messageEvents(channelId: "1") { seq } }"#,
        r#"subscription { messageEvents(channelId: "1") { ...Missing } }"#,
        r#"subscription { messageEvents(channelId: "1") { seq } } fragment Unused on Message { id }"#,
        r#"subscription { messageEvents(channelId: "1") { ... on Message { id } } }"#,
        r#"subscription { messageEvents(channelId: "1") { a: seq a: at } }"#,
        r#"subscription { messageEvents(channelId: "1") { seq } typing(channelId: "1") { at } }"#,
        r#"subscription { messageEvents(channelId: "1", channelId: "2") { seq } }"#,
        r#"subscription { messageEvents(channelId: "1", after: "5") { seq } }"#,
        r#"subscription { messageEvents(channelId: "1", after: 5.0) { seq } }"#,
        r#"subscription($a: String) { messageEvents(channelId: "1", after: $a) { seq } }"#,
        r#"subscription { messageEvents(channelId: "1") { seq @unknown } }"#,
        r#"subscription { messageEvents(channelId: "1") { commonsSeq: seq nothing } }"#,
    ] {
        assert!(is_alone(query, &Value::Null), "{query}");
    }
    let body =
        json!({ "query": "subscription A { messageEvents(channelId: 1) { seq } }", "operationName": "B" });
    assert!(matches!(SHAPES.shape(&operation(&body)), Ok(Shape::Alone)));
}

#[test]
fn the_operation_that_is_named_is_the_one() {
    let query = r#"query Q { viewer { user { id } } }
        subscription A { messageEvents(channelId: "channel_1") { ...S } }
        subscription B { typing(channelId: "channel_1") { at } }
        fragment S on MessageEvent { seq }"#;
    let of = |name| SHAPES.shape(&operation(&json!({ "query": query, "operationName": name })));
    assert!(matches!(of("Q"), Ok(Shape::Alone)));
    assert!(matches!(of("B"), Ok(Shape::Alone)));
    let Ok(Shape::Numbered(numbered)) = of("A") else {
        panic!("A is numbered");
    };
    assert_eq!(numbered.shared, events("seq").shared);
}

#[test]
fn names_of_the_edge_are_refused() {
    for query in [
        r#"subscription { messageEvents(channelId: "1") { commonsSeq: at } }"#,
        r#"subscription { messageEvents(channelId: "1") { ... on MessageCreated { commonsKind: at } } }"#,
        r#"subscription { commonsSeq: messageEvents(channelId: "1") { at } }"#,
        r#"subscription { messageEvents(channelId: "1") { ...F } } fragment F on MessageEvent { commonsSeq: seq }"#,
        "subscription($commonsAfter: ID!) { messageEvents(channelId: $commonsAfter) { seq } }",
        r#"subscription($commonsAfter: Int) { messageEvents(channelId: "1", after: $commonsAfter) { seq } }"#,
    ] {
        let expected = (Some("NAME_RESERVED"), json!("query"));
        assert_eq!(
            refusal(query, &json!({ "commonsAfter": null })),
            expected,
            "{query}"
        );
    }
}

#[test]
fn a_condition_around_the_root_is_refused() {
    for query in [
        r#"subscription($x: Boolean!) { messageEvents(channelId: "1") @include(if: $x) { seq } }"#,
        r#"subscription($x: Boolean!) { ... @skip(if: $x) { messageEvents(channelId: "1") { seq } } }"#,
        r#"subscription($x: Boolean!) { ...F @skip(if: $x) }
            fragment F on Subscription { messageEvents(channelId: "1") { seq } }"#,
    ] {
        let expected = (Some("ROOT_CONDITION"), json!("query"));
        assert_eq!(refusal(query, &json!({ "x": true })), expected, "{query}");
    }
}

#[test]
fn a_text_that_fragments_blow_up_is_refused() {
    let alias = "a".repeat(4_000);
    let spreads: String = (0..10)
        .map(|i| format!("... on MessageCreated {{ m{i}: message {{ ...F }} }} "))
        .collect();
    let query = format!(
        r#"subscription {{ messageEvents(channelId: "1") {{ {spreads} }} }} fragment F on Message {{ {alias}: id }}"#
    );
    assert_eq!(
        refusal(&query, &Value::Null),
        (Some("QUERY_TOO_LONG"), json!("query"))
    );
}

#[test]
fn what_is_kept_is_bounded_and_understood_the_same() {
    let shapes = Shapes::of_supergraph(SUPERGRAPH).unwrap();
    let ask = |i: usize| {
        let query = format!(r#"subscription {{ messageEvents(channelId: "channel_{i:07000}") {{ seq }} }}"#);
        match shapes.shape(&operation(&json!({ "query": query }))) {
            Ok(Shape::Numbered(numbered)) => numbered.shared.unwrap().key,
            other => panic!("{other:?}"),
        }
    };
    let first = ask(0);
    assert_eq!(first, ask(0));
    assert_eq!(shapes.kept().plans.len(), 1);
    for i in 1..400 {
        ask(i);
        let kept = shapes.kept();
        assert!(kept.bytes <= MAX_KEPT && kept.plans.len() * 14_000 <= MAX_KEPT);
    }
    assert_eq!(first, ask(0));
    let long = format!(
        "subscription {{ typing(channelId: \"{}\") {{ at }} }}",
        "x".repeat(MAX_KEPT_TEXT)
    );
    let before = shapes.kept().plans.len();
    assert!(matches!(
        shapes.shape(&operation(&json!({ "query": long }))),
        Ok(Shape::Alone)
    ));
    assert_eq!(shapes.kept().plans.len(), before);
}
