//! What the edge runs in the client's place, and what the client gets of it.

use super::*;
use chrono::DateTime;
use hive_router::query_planner::utils::parsing::parse_operation;

fn text(numbered: &Numbered) -> String {
    sent(&numbered.at(None))["query"].as_str().unwrap().to_owned()
}

fn head(numbered: &Numbered) -> Value {
    let answer = numbered.head_answer(12, DateTime::UNIX_EPOCH);
    serde_json::from_slice(&answer).unwrap()
}

#[test]
fn the_edge_s_fields_come_first_whatever_is_selected() {
    let expected = r#"subscription($commonsAfter:Int){messageEvents(channelId:"channel_1" after:$commonsAfter){commonsSeq:seq commonsKind:__typename ...on StreamHead{commonsKind:__typename} "#;
    for (selection, rest) in [
        ("seq", "seq}}"),
        ("number: seq __typename", "number:seq __typename}}"),
        (
            "... on MessageCreated { message { id } } ... on MessageEvent { at }",
            "...on MessageCreated{message{id}} at}}",
        ),
        (
            "... on MessageCreated { message { reactions { users(first: 3, after: \"x\") { totalCount } } } }",
            r#"...on MessageCreated{message{reactions{users(after:"x" first:3){totalCount}}}}}}"#,
        ),
        (
            "at @include(if: true) ... @skip(if: false) { seq } ... on StreamHead @include(if: true) { seq }",
            "at@include(if:true) ...@skip(if:false){seq} ...on StreamHead@include(if:true){seq}}}",
        ),
    ] {
        assert_eq!(text(&events(selection)), format!("{expected}{rest}"));
    }
}

#[test]
fn what_is_run_is_valid() {
    let fragments = "fragment E on MessageEvent { at ...C @include(if: $x) }
        fragment C on MessageCreated { message { ...M author { ... on User { ...U } } } }
        fragment M on Message { text: content author { ...U } }
        fragment U on User { id name: displayName }";
    let root = "events: messageEvents(after: $a, channelId: $c) { ...E ... on MessageDeleted { messageId } }";
    let query = format!("subscription S($x: Boolean = true, $c: ID!, $a: Int = 3) {{ {root} }} {fragments}");
    let text = text(&numbered(&query, &json!({ "c": "channel_1" })));
    let errors = validate(&SHAPES.consumer, &parse_operation(&text), &SHAPES.rules);
    assert!(errors.is_empty(), "{text}: {errors:?}");
    assert!(is_same(&text, &query), "{text}");
}

/// Whether what is run, once more rewritten, is what it was.
fn is_same(text: &str, query: &str) -> bool {
    let again = text
        .replace("$commonsAfter:Int", "$a:Int")
        .replace("$commonsAfter", "$a")
        .replace(
            "commonsSeq:seq commonsKind:__typename ...on StreamHead{commonsKind:__typename} ",
            "",
        );
    let variables = json!({ "c": "channel_1" });
    let (one, other) = (numbered(&again, &variables), numbered(query, &variables));
    sent(&one.at(None)) == sent(&other.at(None))
}

#[test]
fn strings_and_aliases_arrive_as_they_were() {
    let id = "a \"quoted\" \\ {id}\n\ttab 😀 é \u{1}\u{10}\u{7f}";
    let literal = serde_json::to_string(id).unwrap();
    let query = format!("subscription {{ _Ev3nts: messageEvents(channelId: {literal}) {{ _: seq }} }}");
    let numbered = numbered(&query, &Value::Null);
    assert_eq!(numbered.shared.as_ref().unwrap().stream, id);
    let again = super::numbered(
        &text(&numbered)
            .replace("$commonsAfter:Int", "$a:Int")
            .replace("$commonsAfter", "$a")
            .replace(
                "commonsSeq:seq commonsKind:__typename ...on StreamHead{commonsKind:__typename} ",
                "",
            ),
        &Value::Null,
    );
    assert_eq!(again.shared, numbered.shared);
    assert_eq!(head(&numbered), json!({ "data": { "_Ev3nts": { "_": 12 } } }));
    let answer = r#"{"data":{"_Ev3nts":{"commonsSeq":1,"commonsKind":"MessageCreated","_":1}}}"#;
    let seen = numbered.read(answer.as_bytes()).unwrap();
    assert_eq!(seen.json, r#"{"data":{"_Ev3nts":{"_":1}}}"#);
    assert!(events("seq").read(answer.as_bytes()).is_none());
}

#[test]
fn the_head_has_what_is_selected_of_it_in_its_order() {
    for (selection, expected) in [
        ("seq at", r#"{"seq":12,"at":"1970-01-01T00:00:00+00:00"}"#),
        (
            "__typename n: seq seq",
            r#"{"__typename":"StreamHead","n":12,"seq":12}"#,
        ),
        (
            "... on MessageCreated { seq at } ... on StreamReset { seq }",
            "{}",
        ),
        (
            "... on StreamHead { b: seq } a: seq b: seq ... on MessageEvent { k: __typename }",
            r#"{"b":12,"a":12,"k":"StreamHead"}"#,
        ),
        (
            "... { ... on MessageEvent { ... on StreamHead { seq } } }",
            r#"{"seq":12}"#,
        ),
        ("seq @skip(if: true) n: seq @include(if: true)", r#"{"n":12}"#),
        (
            "... @include(if: false) { seq ... on StreamHead { n: seq } } at: __typename",
            r#"{"at":"StreamHead"}"#,
        ),
        ("a: seq @skip(if: true) b: seq a: seq", r#"{"b":12,"a":12}"#),
    ] {
        let answer = events(selection).head_answer(12, DateTime::UNIX_EPOCH);
        assert_eq!(
            answer,
            format!(r#"{{"data":{{"messageEvents":{expected}}}}}"#),
            "{selection}"
        );
    }
}

#[test]
fn conditions_of_the_head_follow_the_variables() {
    let query = r#"subscription($x: Boolean! = true, $y: Boolean!) { messageEvents(channelId: "channel_1") {
        x: seq @include(if: $x) ...F @skip(if: $y) } } fragment F on MessageEvent { y: seq @skip(if: $x) z: seq }"#;
    for (variables, expected) in [
        (json!({ "y": true }), json!({ "x": 12 })),
        (json!({ "y": false }), json!({ "x": 12, "z": 12 })),
        (json!({ "x": false, "y": false }), json!({ "y": 12, "z": 12 })),
        (json!({ "x": false, "y": true }), json!({})),
    ] {
        let head = head(&numbered(query, &variables));
        assert_eq!(
            head,
            json!({ "data": { "messageEvents": expected } }),
            "{variables}"
        );
    }
}

#[test]
fn a_name_is_told_of_what_runs_for_one() {
    let own = r#"subscription Mine { guildEvents(guildId: "guild_1") { seq } }"#;
    assert_eq!(
        numbered(own, &Value::Null).at(None).about().name.as_deref(),
        Some("Mine")
    );
    let shared = r#"subscription Ours { messageEvents(channelId: "channel_1") { seq } }"#;
    assert_eq!(numbered(shared, &Value::Null).at(None).about().name, None);
}
