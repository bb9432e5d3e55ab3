//! Bad arguments get a typed error and nothing else; the process lives.

use crate::harness::{House, Person, Socket, is_only, mutation, refusal};
use serde_json::{Value, json};

/// A guild with a channel in it, and who founded it.
pub(crate) async fn scene() -> (House, Person, String) {
    let house = House::start().await;
    let alice = house.register("alice").await;
    let (_, general) = alice.found("Harbour").await;
    (house, alice, general)
}

/// Over HTTP and a socket the same refusal.
async fn both_refuse(alice: &Person, socket: &mut Socket, query: &str, variables: Value, code: &str) {
    let over_http = alice.ask(query, variables.clone()).await;
    is_only(&over_http, code);
    let over_socket = socket.ask(query, variables).await;
    assert_eq!(refusal(&over_socket), refusal(&over_http), "{query:.200}");
}

#[tokio::test]
async fn arguments() {
    let (mut house, alice, general) = scene().await;
    let mut socket = alice.socket().await;
    let sent = alice.send(&general, "Ahoy").await["id"].take();
    let page = "query($id: ID!, $first: Int, $last: Int, $after: String, $before: String, $around: ID) { channel(id: $id) {
        messages(first: $first, last: $last, after: $after, before: $before, around: $around) { nodes { id } } } }";
    let cursor = "query($id: ID!) { channel(id: $id) { messages { pageInfo { endCursor } } } }";
    let cursor = alice.data(cursor, json!({ "id": general })).await;
    let cursor = cursor["channel"]["messages"]["pageInfo"]["endCursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let tampered: String = cursor.chars().rev().collect();
    for arguments in [
        json!({ "first": 0 }),
        json!({ "first": 101 }),
        json!({ "first": -1 }),
        json!({ "last": 0 }),
        json!({ "last": 101 }),
        json!({ "first": 5, "last": 5 }),
        json!({ "after": "nonsense" }),
        json!({ "after": tampered }),
        json!({ "before": format!("{cursor}A") }),
        json!({ "before": "" }),
        json!({ "after": alice.id }),
        json!({ "around": "nonsense" }),
        json!({ "around": general }),
    ] {
        let mut variables = arguments;
        variables["id"] = json!(general);
        both_refuse(&alice, &mut socket, page, variables, "INVALID").await;
    }
    let send = mutation("sendMessage", "message { id }");
    let longest = "x".repeat(4_000);
    for input in [
        json!({ "channelId": general, "content": "" }),
        json!({ "channelId": general, "content": " \n\t " }),
        json!({ "channelId": general, "content": format!("{longest}x") }),
        json!({ "channelId": general, "content": "x", "nonce": "n".repeat(65) }),
        json!({ "channelId": general, "content": "x", "replyTo": general }),
        json!({ "channelId": sent, "content": "x" }),
        json!({ "channelId": "nonsense", "content": "x" }),
        json!({ "channelId": general, "content": 7 }),
        json!({ "channelId": general }),
        json!({ "channelId": general, "content": "x", "colour": "red" }),
    ] {
        both_refuse(&alice, &mut socket, &send, json!({ "input": input }), "INVALID").await;
    }
    for query in [
        format!("{{ message(id: \"{general}\") {{ id }} }}"),
        format!("{{ channel(id: \"{}\") {{ id }} }}", alice.id),
        "{ guild(id: \"\") { id } }".to_owned(),
        format!(
            "{{ users(ids: [{}]) {{ id }} }}",
            format!("\"{}\" ", alice.id).repeat(101)
        ),
        "subscription { messageEvents(channelId: \"x\") { seq } }".to_owned(),
        format!("subscription {{ messageEvents(channelId: \"{general}\", after: -1) {{ seq }} }}"),
    ] {
        is_only(&socket.ask(&query, json!({})).await, "INVALID");
    }
    assert_eq!(alice.send(&general, &longest).await["content"], longest);
    house.lives().await;
}

#[tokio::test]
async fn sixty_five_parentheses_are_a_message() {
    let (mut house, alice, general) = scene().await;
    let text = "(".repeat(65);
    assert_eq!(alice.send(&general, &text).await["content"], text);
    let literal = format!(
        "mutation {{ sendMessage(input: {{ channelId: \"{general}\", content: \"{text}\" }}) {{ message {{ content }} }} }}"
    );
    let sent = json!({ "data": { "sendMessage": { "message": { "content": text } } } });
    assert_eq!(alice.ask(&literal, json!({})).await, sent);
    assert_eq!(alice.socket().await.ask(&literal, json!({})).await, sent);
    house.lives().await;
}
