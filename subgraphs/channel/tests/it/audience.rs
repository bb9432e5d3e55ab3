//! A channel's audience: it sees the channel, no guild, and changes nothing.

use crate::{
    denied::{answer, cases, hidden},
    house::{House, id},
};
use serde_json::{Value, json};

const ENTITIES: &str = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Channel {
    id kind name topic position nsfw slowmodeSeconds archivedAt createdAt
    overwrites { target { ... on Role { id name } ... on User { id } } allow deny } } } }";

#[tokio::test]
async fn an_audience_sees_of_its_channel_what_a_member_sees() {
    let house = House::new().await;
    let overwrites = json!([
        { "roleId": house.everyone, "deny": ["SEND_MESSAGES"] },
        { "userId": id(house.bob.user), "allow": ["SEND_MESSAGES"] },
    ]);
    let input = json!({ "name": "news", "topic": "What is new", "overwrites": overwrites });
    let news = house.channel(input).await;
    let channel = |id: &str| json!({ "__typename": "Channel", "id": id });
    let references = json!({ "r": [channel(&news), channel(&house.general)] });
    let seen = house.audience(&news).data(ENTITIES, references.clone()).await;
    let of_member = house.of(&house.carol).data(ENTITIES, references.clone()).await;
    assert_eq!(seen["_entities"][0], of_member["_entities"][0]);
    assert_eq!(seen["_entities"][0]["topic"], "What is new");
    assert_eq!(seen["_entities"][1], Value::Null);

    house
        .mutate(
            &house.alice,
            "deleteChannel",
            json!({ "channelId": news }),
            "__typename",
        )
        .await;
    let gone = house.audience(&news).data(ENTITIES, references).await;
    assert_eq!(gone["_entities"], json!([null, null]));
}

/// What hangs on who asks is nobody's, and the guild is not the channel.
#[tokio::test]
async fn an_audience_is_no_viewer_and_no_member() {
    let house = House::new().await;
    let heading = house
        .channel(json!({ "name": "heading", "kind": "CATEGORY" }))
        .await;
    let news = house
        .channel(json!({ "name": "news", "parentId": heading }))
        .await;
    let document = "query($id: ID!, $user: ID!) {
        channel(id: $id) { name viewerPermissions guild { name } parent { name } }
        explainPermissions(userId: $user, channelId: $id) { permission } }";
    let variables = json!({ "id": news, "user": id(house.bob.user) });
    let seen = house.audience(&news).data(document, variables).await;
    let channel = json!({ "name": "news", "viewerPermissions": [], "guild": null, "parent": null });
    assert_eq!(seen, json!({ "channel": channel, "explainPermissions": null }));
}

/// As for who has no token, also where the channel is its own.
#[tokio::test]
async fn an_audience_changes_nothing_in_its_channel() {
    let house = House::new().await;
    let named = hidden(&house).await;
    let client = house.audience(&named.channel);
    for case in cases(&named) {
        let answered = answer(&client, &case).await;
        match (case.1, case.0) {
            ("query", "channel") => assert_eq!(answered["data"]["channel"]["id"], named.channel.as_str()),
            ("query", _) => assert_eq!(answered["data"][case.0], json!(null), "{}", case.0),
            _ => assert!(
                answered.to_string().contains("UNAUTHENTICATED"),
                "{}: {answered:#}",
                case.0
            ),
        }
    }
}
