//! Every root field asked by those who may not: what is hidden answers as what is unknown.

use crate::house::{House, next, unknown_channel, unknown_message};
use commons_testing::Client;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Every root field as a document over `$message` and `$channel`, and whether it is a subscription.
const FIELDS: &[(&str, &str)] = &[
    ("message", "query($message: ID!) { message(id: $message) { id } }"),
    (
        "channelEvents",
        "query($channel: ID!) { channelEvents(positions: [{ channelId: $channel, after: 0 }]) { headSeq } }",
    ),
    (
        "_entities",
        "query($r: [_Any!]!) { _entities(representations: $r) { ... on Channel { id } ... on Message { id } } }",
    ),
    (
        "sendMessage",
        "mutation($channel: ID!) { sendMessage(input: { channelId: $channel, content: \"a\" }) { message { id } } }",
    ),
    (
        "editMessage",
        "mutation($message: ID!) { editMessage(input: { messageId: $message, content: \"a\" }) { message { id } } }",
    ),
    (
        "pinMessage",
        "mutation($message: ID!) { pinMessage(input: { messageId: $message }) { message { id } } }",
    ),
    (
        "unpinMessage",
        "mutation($message: ID!) { unpinMessage(input: { messageId: $message }) { message { id } } }",
    ),
    (
        "addReaction",
        "mutation($message: ID!) { addReaction(input: { messageId: $message, emoji: \"👍\" }) { message { id } } }",
    ),
    (
        "removeReaction",
        "mutation($message: ID!) { removeReaction(input: { messageId: $message, emoji: \"👍\" }) { message { id } } }",
    ),
    (
        "clearReactions",
        "mutation($message: ID!) { clearReactions(input: { messageId: $message }) { message { id } } }",
    ),
    (
        "deleteMessage",
        "mutation($message: ID!) { deleteMessage(input: { messageId: $message }) { messageId } }",
    ),
    (
        "startTyping",
        "mutation($channel: ID!) { startTyping(input: { channelId: $channel }) { lastsSeconds } }",
    ),
    (
        "messageEvents",
        "subscription($channel: ID!) { messageEvents(channelId: $channel, after: 0) { seq } }",
    ),
    (
        "typing",
        "subscription($channel: ID!) { typing(channelId: $channel) { at } }",
    ),
];

/// Root fields that show nothing of anybody.
const OPEN: &[&str] = &["_service"];

async fn ask(client: &Client<'_>, document: &str, message: &str, channel: &str) -> Value {
    let representations =
        json!([{ "__typename": "Channel", "id": channel }, { "__typename": "Message", "id": message }]);
    let variables = json!({ "message": message, "channel": channel, "r": representations });
    match document.starts_with("subscription") {
        true => next(&mut client.subscribe(document, variables)).await.unwrap(),
        false => client.send(document, variables).await,
    }
}

/// The response with nothing in it, or the code of its refusal.
fn verdict(response: &Value) -> String {
    match response["errors"][0]["extensions"]["code"].as_str() {
        Some(code) => code.to_owned(),
        None => {
            let data = response["data"].as_object().unwrap().values().next().unwrap();
            let nothing = data.is_null()
                || data
                    .as_array()
                    .is_some_and(|list| list.iter().all(Value::is_null));
            if nothing {
                "null".to_owned()
            } else {
                "shown".to_owned()
            }
        }
    }
}

#[tokio::test]
async fn hidden_and_unknown_are_the_same_over_every_root_field() {
    let house = House::new().await;
    let secret = house.said(&house.alice, house.hidden, "secret").await;
    let hidden = house.hidden.to_string();
    let (no_message, no_channel) = (unknown_message(&house), unknown_channel(&house).to_string());
    let open = house.said(&house.alice, house.general, "open").await;
    let mut table = "field           nobody          stranger        member          audience        \
                     in sight        owner           its own\n"
        .to_owned();
    for (field, document) in FIELDS {
        let mut row = vec![(*field).to_owned()];
        for client in [
            house.nobody(),
            house.ask(&house.mallory),
            house.ask(&house.bob),
            house.audience(house.general),
        ] {
            let of_hidden = ask(&client, document, &secret, &hidden).await;
            let of_unknown = ask(&client, document, &no_message, &no_channel).await;
            assert_eq!(of_hidden, of_unknown, "{field}");
            row.push(verdict(&of_hidden));
        }
        // A member asks about another's message where everybody talks; the owner about the hidden one; an
        // audience about its own channel.
        let general = house.general.to_string();
        for (client, message, channel) in [
            (house.ask(&house.bob), &open, &general),
            (house.ask(&house.alice), &secret, &hidden),
            (house.audience(house.general), &open, &general),
        ] {
            row.push(verdict(&ask(&client, document, message, channel).await));
        }
        let row: String = row.iter().map(|cell| format!("{cell:<16}")).collect();
        table.push_str(row.trim_end());
        table.push('\n');
    }
    insta::assert_snapshot!(table, @r"
    field           nobody          stranger        member          audience        in sight        owner           its own
    message         null            null            null            null            shown           shown           shown
    channelEvents   null            null            null            null            shown           shown           shown
    _entities       null            null            null            null            shown           shown           shown
    sendMessage     UNAUTHENTICATED NOT_FOUND       NOT_FOUND       UNAUTHENTICATED shown           shown           UNAUTHENTICATED
    editMessage     UNAUTHENTICATED NOT_FOUND       NOT_FOUND       UNAUTHENTICATED FORBIDDEN       shown           UNAUTHENTICATED
    pinMessage      UNAUTHENTICATED NOT_FOUND       NOT_FOUND       UNAUTHENTICATED FORBIDDEN       shown           UNAUTHENTICATED
    unpinMessage    UNAUTHENTICATED NOT_FOUND       NOT_FOUND       UNAUTHENTICATED FORBIDDEN       shown           UNAUTHENTICATED
    addReaction     UNAUTHENTICATED NOT_FOUND       NOT_FOUND       UNAUTHENTICATED shown           shown           UNAUTHENTICATED
    removeReaction  UNAUTHENTICATED NOT_FOUND       NOT_FOUND       UNAUTHENTICATED shown           shown           UNAUTHENTICATED
    clearReactions  UNAUTHENTICATED NOT_FOUND       NOT_FOUND       UNAUTHENTICATED FORBIDDEN       shown           UNAUTHENTICATED
    deleteMessage   UNAUTHENTICATED NOT_FOUND       NOT_FOUND       UNAUTHENTICATED FORBIDDEN       shown           UNAUTHENTICATED
    startTyping     UNAUTHENTICATED NOT_FOUND       NOT_FOUND       UNAUTHENTICATED shown           shown           UNAUTHENTICATED
    messageEvents   UNAUTHENTICATED NOT_FOUND       NOT_FOUND       NOT_FOUND       shown           shown           shown
    typing          UNAUTHENTICATED NOT_FOUND       NOT_FOUND       UNAUTHENTICATED shown           shown           UNAUTHENTICATED
    ");
}

#[tokio::test]
async fn every_root_field_is_in_the_table() {
    let house = House::new().await;
    let roots = "{ __schema { queryType { fields { name } } mutationType { fields { name } } subscriptionType { fields { name } } } }";
    let schema = house.nobody().data(roots, json!({})).await;
    let fields: BTreeSet<&str> = ["queryType", "mutationType", "subscriptionType"]
        .iter()
        .flat_map(|root| schema["__schema"][*root]["fields"].as_array().unwrap())
        .map(|field| field["name"].as_str().unwrap())
        .collect();
    let listed: BTreeSet<&str> = FIELDS
        .iter()
        .map(|(field, _)| *field)
        .chain(OPEN.iter().copied())
        .collect();
    assert_eq!(fields, listed);
}

#[tokio::test]
async fn a_bad_token_is_no_anonymous_request() {
    let house = House::new().await;
    for authorization in ["Bearer x", "Basic YTpi", "", "Bearer "] {
        let client = Client::with(&house.subgraph, authorization);
        let answer = client.send("{ __typename }", json!({})).await;
        let code = answer["errors"][0]["extensions"]["code"].as_str();
        assert_eq!(code, Some("UNAUTHENTICATED"), "{authorization:?}");
    }
}
