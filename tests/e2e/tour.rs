//! What people do with the platform, in the order in which they do it.

use crate::harness::{House, Person};
use serde_json::{Value, json};

const MESSAGES: &str = "query($channel: ID!, $first: Int, $after: String, $last: Int, $before: String, $around: ID) {
    channel(id: $channel) { messages(first: $first, after: $after, last: $last, before: $before, around: $around) {
        nodes { content author { displayName } channel { name guild { name } } }
        pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } }";

/// A page of a channel.
async fn page(person: &Person, mut arguments: Value, channel: &str) -> Value {
    arguments["channel"] = json!(channel);
    person.data(MESSAGES, arguments).await["channel"]["messages"].take()
}

fn contents(page: &Value) -> Vec<&str> {
    page["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["content"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn two_people_talk() {
    let mut house = House::start().await;
    let alice = house.register("alice").await;
    alice
        .mutate(
            "updateProfile",
            json!({ "displayName": "Alice A." }),
            "user { id }",
        )
        .await;
    let (guild, general) = alice.found("Harbour").await;
    let made = json!({ "guildId": guild, "name": "news", "topic": "What is new" });
    let made = alice
        .mutate(
            "createChannel",
            made,
            "channel { id name guild { name channels { name } } }",
        )
        .await;
    assert_eq!(
        made["channel"]["guild"],
        json!({ "name": "Harbour", "channels": [{ "name": "general" }, { "name": "news" }] })
    );
    let news = made["channel"]["id"].as_str().unwrap();

    // Bob follows what Alice does.
    let bob = house.register("bob").await;
    bob.join(&alice.invite(&guild).await).await;
    let mut live = bob.follow(news, None).await;
    let first = alice.send(news, "Ahoy").await;
    let event = live.event("1").await["messageEvents"].take();
    assert_eq!(
        (&event["seq"], &event["messageId"]),
        (&first["seq"], &first["id"])
    );
    assert_eq!(
        event["message"],
        json!({ "content": "Ahoy", "nonce": null, "author": { "displayName": "Alice A." },
                "channel": { "name": "news", "guild": { "name": "Harbour" } } })
    );
    let id = json!({ "messageId": first["id"] });
    bob.mutate(
        "addReaction",
        json!({ "messageId": first["id"], "emoji": "👍" }),
        "message { id }",
    )
    .await;
    alice
        .mutate(
            "editMessage",
            json!({ "messageId": first["id"], "content": "Ahoy!" }),
            "message { editedAt }",
        )
        .await;
    alice
        .mutate("pinMessage", id.clone(), "message { pinnedAt }")
        .await;
    let reply = json!({ "channelId": news, "content": "Hello", "replyTo": first["id"] });
    let reply = bob
        .mutate(
            "sendMessage",
            reply,
            "message { replyTo { content author { username } } }",
        )
        .await;
    assert_eq!(
        reply["message"]["replyTo"],
        json!({ "content": "Ahoy!", "author": { "username": "alice" } })
    );
    let shown = "query($id: ID!) { channel(id: $id) { pinnedMessages { content reactions { emoji count users { nodes { username } } } } } }";
    let shown = alice.data(shown, json!({ "id": news })).await;
    assert_eq!(
        shown["channel"]["pinnedMessages"],
        json!([{ "content": "Ahoy!", "reactions": [{ "emoji": "👍", "count": 1, "users": { "nodes": [{ "username": "bob" }] } }] }])
    );
    alice.mutate("deleteMessage", id, "messageId").await;
    let mut heard = Vec::new();
    for _ in 0..5 {
        let event = live.event("1").await["messageEvents"].take();
        heard.push((
            event["seq"].as_i64().unwrap(),
            event["__typename"].as_str().unwrap().to_owned(),
        ));
    }
    let kinds = [
        "ReactionAdded",
        "MessageUpdated",
        "MessagePinned",
        "MessageCreated",
        "MessageDeleted",
    ];
    assert_eq!(heard, (2..).zip(kinds.map(str::to_owned)).collect::<Vec<_>>());
    assert_eq!(contents(&page(&alice, json!({}), news).await), ["Hello"]);
    assert_eq!(contents(&page(&alice, json!({}), &general).await), [""; 0]);
    house.lives().await;
}

#[tokio::test]
async fn who_is_invited_comes_in_and_hears() {
    let house = House::start().await;
    let (alice, carol) = (house.register("alice").await, house.register("carol").await);
    let (guild, general) = alice.found("Harbour").await;
    let code = alice.invite(&guild).await;
    let preview =
        "query($code: String!) { invite(code: $code) { guildName memberCount inviter { username } } }";
    let preview = carol.data(preview, json!({ "code": code })).await;
    assert_eq!(
        preview["invite"],
        json!({ "guildName": "Harbour", "memberCount": 1, "inviter": { "username": "alice" } })
    );

    let mut guild_live = alice.socket().await;
    let document = "subscription($id: ID!) { guildEvents(guildId: $id) { __typename seq
        ... on MemberJoined { user { username } member { roles { name } guild { name } } } } }";
    guild_live.subscribe("g", document, json!({ "id": guild })).await;
    assert_eq!(
        guild_live.event("g").await["guildEvents"]["__typename"],
        "GuildStreamHead"
    );
    carol.join(&code).await;
    loop {
        let event = guild_live.event("g").await["guildEvents"].take();
        if event["__typename"] == "MemberJoined" {
            assert_eq!(
                (&event["user"]["username"], &event["member"]["guild"]["name"]),
                (&json!("carol"), &json!("Harbour"))
            );
            break;
        }
    }
    let mut live = carol.follow(&general, None).await;
    alice.send(&general, "Welcome").await;
    assert_eq!(
        live.event("1").await["messageEvents"]["message"]["content"],
        "Welcome"
    );
    carol.send(&general, "Thanks").await;
    assert_eq!(
        live.event("1").await["messageEvents"]["message"]["author"]["displayName"],
        "carol"
    );
    let members =
        "query($id: ID!) { guild(id: $id) { memberCount members { nodes { user { username } } } } }";
    let members = alice.data(members, json!({ "id": guild })).await;
    let listed = json!([{ "user": { "username": "alice" } }, { "user": { "username": "carol" } }]);
    assert_eq!(
        members["guild"],
        json!({ "memberCount": 2, "members": { "nodes": listed } })
    );
}

#[tokio::test]
async fn history_is_read_both_ways_and_around() {
    let house = House::start().await;
    let alice = house.register("alice").await;
    let (_, general) = alice.found("Harbour").await;
    let mut ids = Vec::new();
    for number in 0..10 {
        ids.push(alice.send(&general, &number.to_string()).await["id"].take());
    }
    let newest = page(&alice, json!({ "last": 4 }), &general).await;
    assert_eq!(contents(&newest), ["6", "7", "8", "9"]);
    assert_eq!(newest["pageInfo"]["hasPreviousPage"], true);
    let before = page(
        &alice,
        json!({ "last": 4, "before": newest["pageInfo"]["startCursor"] }),
        &general,
    )
    .await;
    assert_eq!(contents(&before), ["2", "3", "4", "5"]);
    let oldest = page(
        &alice,
        json!({ "last": 4, "before": before["pageInfo"]["startCursor"] }),
        &general,
    )
    .await;
    assert_eq!(
        (contents(&oldest), &oldest["pageInfo"]["hasPreviousPage"]),
        (vec!["0", "1"], &json!(false))
    );
    let forwards = page(
        &alice,
        json!({ "first": 3, "after": oldest["pageInfo"]["endCursor"] }),
        &general,
    )
    .await;
    assert_eq!(
        (contents(&forwards), &forwards["pageInfo"]["hasNextPage"]),
        (vec!["2", "3", "4"], &json!(true))
    );
    let around = page(&alice, json!({ "around": ids[5], "first": 5 }), &general).await;
    assert_eq!(contents(&around), ["3", "4", "5", "6", "7"]);
    assert_eq!(
        around["nodes"][0],
        json!({ "content": "3", "author": { "displayName": "alice" }, "channel": { "name": "general", "guild": { "name": "Harbour" } } })
    );
}
