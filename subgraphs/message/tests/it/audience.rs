//! A channel's audience: what it follows and reads, and what it is not told.

use crate::{
    house::{House, text},
    live::{end, event},
};
use commons_access::Permissions;
use commons_entities::ChannelId;
use commons_platform::auth::AUDIENCE_LIFETIME;
use commons_testing::Client;
use futures_util::stream::BoxStream;
use serde_json::{Value, json};

/// Everything that is the same for all who may read the channel.
const FOLLOW: &str =
    "subscription($channel: ID!, $after: Int) { messageEvents(channelId: $channel, after: $after) {
    seq at kind: __typename
    ... on MessageCreated { messageId message { ...words } }
    ... on MessageUpdated { messageId message { ...words } } ... on MessageDeleted { messageId } ... on ReactionAdded { emoji user { id } message { ...words } }
    ... on MessagePinned { user { id } message { ...words } } } }
    fragment words on Message { id author { id } kind seq ordinal content nonce createdAt editedAt pinnedAt
    isReply mentions { id } reactions { emoji count } }";

fn follow(client: &Client<'_>, channel: ChannelId, after: Option<i64>) -> BoxStream<'static, Value> {
    client.subscribe(FOLLOW, json!({ "channel": channel.to_string(), "after": after }))
}

#[tokio::test]
async fn an_audience_is_told_what_a_reader_is_told() {
    let house = House::new().await;
    house.say_many(&house.bob, house.general, 2).await;
    let mut of_carol = follow(&house.ask(&house.carol), house.general, Some(0));
    let mut of_all = follow(&house.audience(house.general), house.general, Some(0));
    let mut both = async || {
        let told = event(&mut of_all).await;
        assert_eq!(told, event(&mut of_carol).await);
        told
    };
    assert_eq!(both().await["kind"], "StreamHead");
    for seq in 1..=2 {
        let earlier = both().await;
        assert_eq!(
            (&earlier["seq"], &earlier["message"]["content"]),
            (&json!(seq), &json!(format!("m{seq}")))
        );
    }
    let mention = format!("<@{}>, look", house.carol.user);
    let id = house.said(&house.bob, house.general, &mention).await;
    let created = both().await;
    let author = json!({ "id": house.bob.user.to_string() });
    assert_eq!(created["message"]["author"], author);
    assert_eq!(
        created["message"]["mentions"],
        json!([{ "id": house.carol.user.to_string() }])
    );
    for (who, change, kind) in [
        (
            &house.carol,
            "addReaction(input: { messageId: $id, emoji: \"👍\" })",
            "ReactionAdded",
        ),
        (
            &house.bob,
            "editMessage(input: { messageId: $id, content: \"bye\" })",
            "MessageUpdated",
        ),
        (
            &house.alice,
            "pinMessage(input: { messageId: $id })",
            "MessagePinned",
        ),
        (
            &house.bob,
            "deleteMessage(input: { messageId: $id })",
            "MessageDeleted",
        ),
    ] {
        let document = format!("mutation($id: ID!) {{ {change} {{ __typename }} }}");
        house.ask(who).data(&document, json!({ "id": id })).await;
        assert_eq!(both().await["kind"], kind);
    }

    // Without `after` it begins at the head.
    let mut late = follow(&house.audience(house.general), house.general, None);
    let head = event(&mut late).await;
    assert_eq!(head["kind"], "StreamHead");
    assert_eq!(head["seq"], house.counts(house.general).await.1);
}

/// What hangs on who asks is nobody's: false for an audience, never an error.
#[tokio::test]
async fn an_audience_is_no_viewer() {
    let house = House::new().await;
    let id = house.said(&house.bob, house.general, "hello").await;
    let react =
        "mutation($id: ID!) { addReaction(input: { messageId: $id, emoji: \"👍\" }) { message { id } } }";
    house.ask(&house.bob).data(react, json!({ "id": id })).await;
    let document = "query($id: ID!) { message(id: $id) { content viewerCanEdit viewerCanDelete
        reactions { count viewerHasReacted users { nodes { id } } }
        channel { headSeq messages { nodes { content } } pinnedMessages { id } lastMessage { id } } } }";
    let audience = house.audience(house.general);
    let data = audience.data(document, json!({ "id": id })).await;
    let people = json!({ "nodes": [{ "id": house.bob.user.to_string() }] });
    assert_eq!(
        data["message"],
        json!({
            "content": "hello", "viewerCanEdit": false, "viewerCanDelete": false,
            "reactions": [{ "count": 1, "viewerHasReacted": false, "users": people }],
            "channel": { "headSeq": 2, "messages": { "nodes": [{ "content": "hello" }] },
                "pinnedMessages": [], "lastMessage": { "id": id } },
        })
    );
}

#[tokio::test]
async fn references_are_resolved_in_its_channel_alone() {
    let house = House::new().await;
    let other = house.channel("other").await;
    let here = house.said(&house.bob, house.general, "here").await;
    let answer = crate::house::said(
        house
            .ask(&house.carol)
            .data(
                crate::house::SEND,
                crate::house::replying(house.general, "yes", &here),
            )
            .await,
    );
    let elsewhere = house.said(&house.bob, other, "elsewhere").await;
    let secret = house.said(&house.alice, house.hidden, "secret").await;
    let reference = |kind: &str, id: &str| json!({ "__typename": kind, "id": id });
    let document = "query($r: [_Any!]!) { _entities(representations: $r) {
        ... on Message { content replyTo { content } channel { id } } ... on Channel { id } } }";
    let references = json!({ "r": [
        reference("Message", &here),
        reference("Message", &text(&answer["id"])),
        reference("Message", &elsewhere),
        reference("Message", &secret),
        reference("Channel", &house.general.to_string()),
        reference("Channel", &other.to_string()),
        reference("Channel", &house.hidden.to_string()),
    ] });
    let data = house
        .audience(house.general)
        .data(document, references.clone())
        .await;
    let channel = json!({ "id": house.general.to_string() });
    assert_eq!(
        data["_entities"],
        json!([
            { "content": "here", "replyTo": null, "channel": channel },
            { "content": "yes", "replyTo": { "content": "here" }, "channel": channel },
            null, null, channel, null, null,
        ])
    );
    house.delete(house.general).await;
    house.hear().await;
    let data = house.audience(house.general).data(document, references).await;
    assert_eq!(data["_entities"], Value::from(vec![Value::Null; 7]));
}

#[tokio::test]
async fn a_stream_for_all_ends_within_a_second_of_its_channel_s_end_and_not_before() {
    let house = House::new().await;
    let lost = house.channel("lost").await;
    let begun = async |channel| {
        let mut live = follow(&house.audience(channel), channel, None);
        assert_eq!(event(&mut live).await["kind"], "StreamHead");
        live
    };
    let (of_lost, mut of_general) = (begun(lost).await, begun(house.general).await);
    house
        .take(house.general, house.bob.user, Permissions::VIEW_CHANNEL)
        .await;
    house.kick(house.carol.user).await;
    house.revoke(house.alice.session).await;
    house.delete(lost).await;
    assert_eq!(end(of_lost).await, json!({ "code": "NOT_FOUND" }));
    house.hear().await;
    let alice = house.world.identity(house.alice.user).await;
    house.say(&alice, house.general, "still here").await;
    assert_eq!(event(&mut of_general).await["message"]["content"], "still here");
    house.delete_guild().await;
    assert_eq!(end(of_general).await, json!({ "code": "NOT_FOUND" }));
}

#[tokio::test]
async fn a_token_for_all_passes_for_an_hour() {
    let house = House::new().await;
    let id = house.said(&house.bob, house.general, "hello").await;
    let audience = house.audience(house.general);
    let document = "query($id: ID!) { message(id: $id) { content } }";
    house
        .world
        .clock
        .advance(AUDIENCE_LIFETIME - chrono::TimeDelta::seconds(1));
    let data = audience.data(document, json!({ "id": id })).await;
    assert_eq!(data["message"]["content"], "hello");
    house.world.clock.advance(chrono::TimeDelta::seconds(1));
    let refused = audience.error(document, json!({ "id": id })).await;
    assert_eq!(refused, json!({ "code": "UNAUTHENTICATED" }));
}
