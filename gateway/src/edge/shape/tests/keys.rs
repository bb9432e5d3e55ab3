//! Who may share, and with whom: never two whose answers could differ.

use super::*;
use std::collections::HashMap;

const QUERY: &str = "subscription($c: ID!) { messageEvents(channelId: $c) {
    seq at ... on MessageCreated { message { id content author { id displayName } } } } }";

fn channel(id: &str) -> Value {
    json!({ "c": id })
}

#[test]
fn the_same_is_shared_however_it_is_written() {
    let expected = key(QUERY, &channel("channel_1"));
    let with_name = QUERY.replacen("subscription", "subscription Room", 1);
    let fragments = "subscription Other($c: ID!, $after: Int) { ...Root }
        fragment Author on User { id, displayName }
        fragment Root on Subscription { messageEvents(after: $after, channelId: $c) { ...Event } }
        fragment Event on MessageEvent { seq ... { at } ...Created }
        fragment Created on MessageCreated { message { ... on Message { id content: content author { ...Author } } } }";
    let commented =
        "# a comment\nsubscription ( $c : ID ! ) { , , messageEvents ( channelId : $c ) { seq # here\n at
        ... on MessageCreated { message { id content } ... on MessageCreated { x: seq } } } }";
    for query in [&with_name, fragments] {
        assert_eq!(key(query, &channel("channel_1")), expected, "{query}");
    }
    let merged = "subscription($c: ID!) { messageEvents(channelId: $c) { seq at }
        ... on Subscription { messageEvents(channelId: $c) { ... on MessageCreated {
            message { id content author { id displayName } } } } } }";
    assert_eq!(key(merged, &channel("channel_1")), expected);
    let tidy = "subscription($c:ID!){messageEvents(channelId:$c){seq at ...on MessageCreated{message{id content}x:seq}}}";
    assert_eq!(
        key(commented, &channel("channel_1")),
        key(tidy, &channel("channel_1"))
    );
}

#[test]
fn variables_count_by_what_they_mean() {
    let query = "subscription($b: ID! = \"channel_1\", $a: Int) {
        messageEvents(channelId: $b, after: $a) { seq } }";
    let expected = key(query, &json!({ "b": "channel_1", "a": 3 }));
    for variables in [
        json!({ "a": 9, "b": "channel_1" }),
        json!({ "b": "channel_1", "unused": { "z": 1, "a": [2] } }),
        json!({ "b": "channel\u{5f}1", "commonsAfter": 5 }),
        json!({}),
        Value::Null,
    ] {
        assert_eq!(key(query, &variables), expected, "{variables}");
        assert_eq!(numbered(query, &variables).shared.unwrap().stream, "channel_1");
    }
    let turned = query.replace(
        "$b: ID! = \"channel_1\", $a: Int",
        "$a: Int, $b: ID! = \"channel_1\"",
    );
    assert_eq!(key(&turned, &Value::Null), expected);
}

#[test]
fn whatever_changes_the_answer_changes_the_key() {
    let one = |selection: &str| {
        format!("subscription($c: ID!) {{ messageEvents(channelId: $c) {{ {selection} }} }}")
    };
    let mut keys: HashMap<Arc<str>, String> = HashMap::new();
    let mut add = |query: &str, variables: &Value| {
        let name = format!("{query} {variables}");
        if let Some(other) = keys.insert(key(query, variables), name.clone()) {
            panic!("{name} has the key of {other}");
        }
    };
    for selection in [
        "seq",
        "seq at",
        "at seq",
        "number: seq",
        "seq number: seq",
        "__typename",
        "seq __typename",
        "... on MessageCreated { seq }",
        "... on MessageDeleted { seq }",
        "... on MessageCreated { message { id } }",
        "... on MessageCreated { message { id seq } }",
        "... on MessageCreated { message { id } } seq",
        "... on MessageCreated { message { id author { id } } }",
        "... on MessageCreated { message { id } seq }",
        "... on MessageCreated { m: message { id } }",
        "... on MessageCreated { message { id mentions { id } } }",
    ] {
        add(&one(selection), &channel("channel_1"));
    }
    let seq = one("seq");
    add(&seq, &channel("channel_2"));
    add(&seq, &channel("channel_1\n{}"));
    add(&seq, &channel("channel_1\"},\"c\":\"channel_1"));
    add(&seq, &channel("Channel_1"));
    add(&seq, &channel("channel_1 "));
    add(&seq, &channel("chännel_1 😀"));
    add(
        &seq.replace("messageEvents", "events: messageEvents"),
        &channel("channel_1"),
    );
    for literal in [
        r#""channel_1""#,
        r#""channel_1 ""#,
        r#""channel_1\" {seq}}""#,
        r#""channel_1\\""#,
        r#""channel_1\n""#,
        r#""channel_1\u0010""#,
        r#""channel_1\u0016""#,
        r#""channel_1😀\"""#,
        r#""channel_1\u128512\"""#,
        "\"\"\"\n  channel_1\n    indented\n\"\"\"",
        "\"\"\"\n  channel_1\n  indented\n\"\"\"",
    ] {
        let query = format!("subscription {{ messageEvents(channelId: {literal}) {{ seq }} }}");
        add(&query, &Value::Null);
    }
}

#[test]
fn only_live_fields_are_shared() {
    for selection in [
        "seq at __typename",
        "... on MessageCreated { messageId message { author { id username bot } } }",
        "... on MessageCreated { message { id reactions { emoji count } isReply pinnedAt nonce } }",
        "... on ReactionAdded { user { displayName } emoji } ... on ChannelChanged { seq }",
    ] {
        assert!(events(selection).shared.is_some(), "{selection}");
    }
    for selection in [
        "... on MessageCreated { message { viewerCanEdit } }",
        "... on MessageCreated { message { viewerCanDelete } }",
        "... on MessageUpdated { message { replyTo { id } } }",
        "... on MessageCreated { message { channel { id } } }",
        "... on ChannelChanged { channel { id } }",
        "... on MessageCreated { message { reactions { viewerHasReacted } } }",
        "... on MessageCreated { message { reactions { users { totalCount } } } }",
        "... on MessageCreated { message { ... on Node { id } } }",
        "seq at ... on MessageCreated { message { id content hidden: viewerCanEdit } }",
    ] {
        assert!(events(selection).shared.is_none(), "{selection}");
    }
}

#[test]
fn a_private_field_is_found_in_fragments() {
    for (field, shared) in [("content", true), ("viewerCanEdit", false)] {
        let query = format!(
            r#"subscription {{ messageEvents(channelId: "channel_1") {{ seq ...F }} }}
            fragment F on MessageEvent {{ ... on MessageCreated {{ message {{ ...M }} }} }}
            fragment M on Message {{ id {field} }}"#
        );
        assert_eq!(numbered(&query, &Value::Null).shared.is_some(), shared, "{field}");
    }
}

#[test]
fn a_guild_s_events_are_each_one_s_own() {
    let query = r#"subscription { guildEvents(guildId: "guild_1", after: 4) { seq ... on GuildUpdated { guild { name } } } }"#;
    let numbered = numbered(query, &Value::Null);
    assert_eq!((numbered.after, numbered.shared.is_none()), (Some(4), true));
    let answer = numbered.head_answer(3, chrono::DateTime::UNIX_EPOCH);
    assert_eq!(answer, r#"{"data":{"guildEvents":{"seq":3}}}"#);
}

#[test]
fn directives_are_not_shared() {
    for selection in [
        "seq @include(if: true)",
        "seq ... @skip(if: false) { at }",
        "seq ... on MessageCreated @include(if: true) { at }",
        "seq ... on MessageCreated { message { id author { id @skip(if: false) } } }",
    ] {
        assert!(events(selection).shared.is_none(), "{selection}");
    }
    let query = r#"subscription { messageEvents(channelId: "channel_1") { seq ...F @include(if: true) } }
        fragment F on MessageEvent { at }"#;
    assert!(numbered(query, &Value::Null).shared.is_none());
}

#[test]
fn a_stream_without_an_id_is_not_shared() {
    let query = "subscription($c: ID!) { messageEvents(channelId: $c) { seq } }";
    for variables in [
        json!({}),
        json!({ "c": null }),
        json!({ "c": 5 }),
        json!({ "c": ["channel_1"] }),
    ] {
        assert!(numbered(query, &variables).shared.is_none(), "{variables}");
    }
    assert!(
        numbered(
            "subscription { messageEvents(channelId: 5) { seq } }",
            &Value::Null
        )
        .shared
        .is_none()
    );
}
