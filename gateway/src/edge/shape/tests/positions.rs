//! Where a client goes on from: `after` in all its spellings, and what becomes of it.

use super::*;

const VARIABLE: &str = "subscription($c: ID!, $a: Int) { messageEvents(channelId: $c, after: $a) { seq } }";

fn after(query: &str, variables: &Value) -> Option<i64> {
    numbered(query, variables).after
}

fn literal(after: &str) -> String {
    format!(r#"subscription {{ messageEvents(channelId: "channel_1"{after}) {{ seq }} }}"#)
}

#[test]
fn the_position_is_read_however_it_is_written() {
    assert_eq!(after(&literal(""), &Value::Null), None);
    assert_eq!(after(&literal(", after: null"), &Value::Null), None);
    assert_eq!(after(&literal(", after: 0"), &Value::Null), Some(0));
    assert_eq!(after(&literal(", after: 12"), &Value::Null), Some(12));
    let given = |a: Value| after(VARIABLE, &json!({ "c": "channel_1", "a": a }));
    assert_eq!(given(json!(12)), Some(12));
    assert_eq!(given(json!(5_000_000_000_i64)), Some(5_000_000_000));
    assert_eq!(given(Value::Null), None);
    assert_eq!(after(VARIABLE, &json!({ "c": "channel_1" })), None);
}

#[test]
fn a_default_stands_for_what_is_not_given() {
    let query = VARIABLE.replace("$a: Int", "$a: Int = 7");
    assert_eq!(after(&query, &json!({ "c": "channel_1" })), Some(7));
    assert_eq!(after(&query, &json!({ "c": "channel_1", "a": 8 })), Some(8));
    assert_eq!(after(&query, &json!({ "c": "channel_1", "a": null })), None);
    let query = VARIABLE.replace("$a: Int", "$a: Int!");
    assert_eq!(after(&query, &json!({ "c": "channel_1", "a": 8 })), Some(8));
}

#[test]
fn what_is_no_number_of_an_event_is_refused() {
    let given = |a: Value| refusal(VARIABLE, &json!({ "c": "channel_1", "a": a }));
    let malformed = (Some("AFTER_MALFORMED"), json!("after"));
    let negative = (Some("AFTER_NEGATIVE"), json!("after"));
    for value in [
        json!("12"),
        json!(1.5),
        json!(12.0),
        json!(true),
        json!([12]),
        json!({}),
        json!(u64::MAX),
    ] {
        assert_eq!(given(value.clone()), malformed, "{value}");
    }
    assert_eq!(given(json!(-1)), negative);
    assert_eq!(refusal(&literal(", after: -1"), &Value::Null), negative);
    let query = VARIABLE.replace("$a: Int", "$a: Int = -7");
    assert_eq!(refusal(&query, &json!({ "c": "channel_1" })), negative);
    let query = VARIABLE.replace("$a: Int", "$a: Int!");
    assert_eq!(refusal(&query, &json!({ "c": "channel_1" })), malformed);
    assert_eq!(
        refusal(&query, &json!({ "c": "channel_1", "a": null })),
        malformed
    );
}

#[test]
fn the_position_is_the_edge_s_own() {
    let numbered = numbered(VARIABLE, &json!({ "c": "channel_1", "a": 3 }));
    let text = "subscription($c:ID! $commonsAfter:Int){messageEvents(channelId:$c after:$commonsAfter)\
        {commonsSeq:seq commonsKind:__typename ...on StreamHead{commonsKind:__typename} seq}}";
    assert_eq!(
        sent(&numbered.at(Some(12))),
        json!({ "query": text, "variables": { "c": "channel_1", "commonsAfter": 12 } })
    );
    assert_eq!(
        sent(&numbered.at(None)),
        json!({ "query": text, "variables": { "c": "channel_1" } })
    );
    let numbered = super::numbered(&literal(", after: 9"), &Value::Null);
    assert_eq!(
        sent(&numbered.at(Some(12)))["variables"],
        json!({ "commonsAfter": 12 })
    );
    assert_eq!(sent(&numbered.at(None))["variables"], json!({}));
    assert_eq!(numbered.at(None).about().kind, "subscription");
}

#[test]
fn a_variable_that_stands_elsewhere_too_stays() {
    let query = "subscription($a: Int) { messageEvents(channelId: \"channel_1\", after: $a) {
        ... on MessageCreated { message { reactions { users(first: $a) { totalCount } } } } } }";
    let numbered = numbered(query, &json!({ "a": 3 }));
    assert_eq!(numbered.after, Some(3));
    assert_eq!(
        sent(&numbered.at(Some(12)))["variables"],
        json!({ "a": 3, "commonsAfter": 12 })
    );
}

#[test]
fn the_position_makes_no_difference_to_who_shares() {
    let shared = events("seq").shared.unwrap();
    assert_eq!(shared.stream, "channel_1");
    for written in [", after: null", ", after: 0", ", after: 12"] {
        assert_eq!(key(&literal(written), &Value::Null), shared.key);
    }
    let with = "subscription($a: Int) { messageEvents(channelId: \"channel_1\", after: $a) { seq } }";
    for variables in [Value::Null, json!({}), json!({ "a": null }), json!({ "a": 3 })] {
        assert_eq!(key(with, &variables), shared.key);
    }
    assert_eq!(
        key(&with.replace("$a: Int", "$a: Int = 4"), &Value::Null),
        shared.key
    );
}
