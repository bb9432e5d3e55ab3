//! Catching up: what happened since a position, in one channel and in many.

use crate::house::{House, numbers, texts, unknown_channel};
use commons_entities::{ChannelId, stream::stream};
use commons_streams::{NewEvent, log};
use sea_orm::{ActiveModelTrait, Set, Unchanged};
use serde_json::{Value, json};

const CATCH_UP: &str =
    "query($p: [StreamPosition!]!, $first: Int) { channelEvents(positions: $p, first: $first) {
    channel { id } hasMore headSeq reset nodes { seq at kind: __typename
        ... on MessageCreated { messageId message { id content } }
        ... on MessageUpdated { messageId message { id content } }
        ... on MessageDeleted { messageId }
        ... on ReactionAdded { messageId message { id } user { id } emoji }
        ... on ReactionRemoved { messageId message { id } user { id } emoji }
        ... on ReactionsCleared { messageId message { id } }
        ... on MessagePinned { messageId message { id } user { id } }
        ... on MessageUnpinned { messageId message { id } user { id } }
        ... on ChannelChanged { channel { id } } } } }";

fn positions(of: &[(ChannelId, i64)]) -> Value {
    of.iter()
        .map(|(channel, after)| json!({ "channelId": channel.to_string(), "after": after }))
        .collect()
}

#[tokio::test]
async fn every_change_is_an_event() {
    let house = House::new().await;
    let (alice, bob) = (house.ask(&house.alice), house.ask(&house.bob));
    let id = house.said(&house.bob, house.general, "one").await;
    for (who, fields) in [
        (
            &bob,
            "editMessage(input: { messageId: $id, content: \"two\" }) { message { id } }",
        ),
        (
            &alice,
            "addReaction(input: { messageId: $id, emoji: \"👍\" }) { message { id } }",
        ),
        (
            &alice,
            "removeReaction(input: { messageId: $id, emoji: \"👍\" }) { message { id } }",
        ),
        (
            &bob,
            "addReaction(input: { messageId: $id, emoji: \"🎉\" }) { message { id } }",
        ),
        (
            &alice,
            "clearReactions(input: { messageId: $id }) { message { id } }",
        ),
        (&alice, "pinMessage(input: { messageId: $id }) { message { id } }"),
        (
            &alice,
            "unpinMessage(input: { messageId: $id }) { message { id } }",
        ),
    ] {
        who.data(&format!("mutation($id: ID!) {{ {fields} }}"), json!({ "id": id }))
            .await;
    }
    // As the channel domain writes it.
    let changed = NewEvent {
        stream: house.general.0,
        kind: "CHANNEL_CHANGED",
        subject: house.general.0,
        rev: 2,
        data: None,
        actor: None,
        at: house.platform.clock.now(),
    };
    log::append(house.platform.db.writer(), vec![changed])
        .await
        .unwrap();

    let data = bob
        .data(CATCH_UP, json!({ "p": positions(&[(house.general, 0)]) }))
        .await;
    let page = &data["channelEvents"][0];
    assert_eq!(
        (&page["headSeq"], &page["hasMore"], &page["reset"]),
        (&json!(9), &json!(false), &json!(false))
    );
    let at = "2023-11-14T22:13:20+00:00";
    let two = json!({ "id": id, "content": "two" });
    let bare = json!({ "id": id });
    let (of_alice, of_bob) = (
        json!({ "id": house.alice.user.to_string() }),
        json!({ "id": house.bob.user.to_string() }),
    );
    assert_eq!(
        page["nodes"],
        json!([
            { "seq": 1, "at": at, "kind": "MessageCreated", "messageId": id, "message": two },
            { "seq": 2, "at": at, "kind": "MessageUpdated", "messageId": id, "message": two },
            { "seq": 3, "at": at, "kind": "ReactionAdded", "messageId": id, "message": bare, "user": of_alice, "emoji": "👍" },
            { "seq": 4, "at": at, "kind": "ReactionRemoved", "messageId": id, "message": bare, "user": of_alice, "emoji": "👍" },
            { "seq": 5, "at": at, "kind": "ReactionAdded", "messageId": id, "message": bare, "user": of_bob, "emoji": "🎉" },
            { "seq": 6, "at": at, "kind": "ReactionsCleared", "messageId": id, "message": bare },
            { "seq": 7, "at": at, "kind": "MessagePinned", "messageId": id, "message": bare, "user": of_alice },
            { "seq": 8, "at": at, "kind": "MessageUnpinned", "messageId": id, "message": bare, "user": of_alice },
            { "seq": 9, "at": at, "kind": "ChannelChanged", "channel": { "id": house.general.to_string() } },
        ])
    );
}

#[tokio::test]
async fn events_come_in_pages() {
    let house = House::new().await;
    house.say_many(&house.bob, house.general, 120).await;
    let bob = house.ask(&house.bob);
    let query =
        "query($r: [_Any!]!, $after: Int!, $first: Int) { _entities(representations: $r) { ... on Channel {
        events(after: $after, first: $first) { hasMore headSeq reset nodes { seq } } } } }";
    let general = json!([{ "__typename": "Channel", "id": house.general.to_string() }]);
    let (mut seen, mut after) = (Vec::new(), 0);
    loop {
        let data = bob
            .data(query, json!({ "r": general, "after": after, "first": 50 }))
            .await;
        let page = &data["_entities"][0]["events"];
        assert_eq!((&page["headSeq"], &page["reset"]), (&json!(120), &json!(false)));
        seen.extend(numbers(&page["nodes"], "/seq"));
        after = *seen.last().unwrap();
        if page["hasMore"] == false {
            break;
        }
    }
    assert!(seen.into_iter().eq(1..=120));
    let at_head = bob.data(query, json!({ "r": general, "after": 120 })).await;
    assert_eq!(
        at_head["_entities"][0]["events"],
        json!({ "hasMore": false, "headSeq": 120, "reset": false, "nodes": [] })
    );
    for (wrong, field, reason) in [
        (json!({ "r": general, "after": -1 }), "after", "AFTER_NEGATIVE"),
        (
            json!({ "r": general, "after": 0, "first": 0 }),
            "first",
            "PAGE_SIZE",
        ),
        (
            json!({ "r": general, "after": 0, "first": 101 }),
            "first",
            "PAGE_SIZE",
        ),
    ] {
        let error = bob.error(query, wrong).await;
        assert_eq!(
            error,
            json!({ "code": "INVALID", "field": field, "reason": reason })
        );
    }
}

#[tokio::test]
async fn a_position_outside_what_is_kept_is_reset() {
    let house = House::new().await;
    house.say_many(&house.bob, house.general, 10).await;
    let floor = stream::ActiveModel {
        id: Unchanged(house.general.0),
        floor_seq: Set(4),
        ..Default::default()
    };
    floor.update(house.platform.db.writer()).await.unwrap();
    let asked = [3, 4, 10, 11, i64::MAX].map(|after| (house.general, after));
    let data = house
        .ask(&house.bob)
        .data(CATCH_UP, json!({ "p": positions(&asked), "first": 3 }))
        .await;
    let pages = data["channelEvents"].as_array().unwrap();
    let told: Vec<(bool, bool, Vec<i64>)> = pages
        .iter()
        .map(|page| {
            assert_eq!(page["headSeq"], 10);
            let seqs = numbers(&page["nodes"], "/seq");
            (
                page["reset"].as_bool().unwrap(),
                page["hasMore"].as_bool().unwrap(),
                seqs,
            )
        })
        .collect();
    let reset = (true, false, vec![]);
    assert_eq!(
        told,
        [
            reset.clone(),
            (false, true, vec![5, 6, 7]),
            (false, false, vec![]),
            reset.clone(),
            reset
        ]
    );
}

#[tokio::test]
async fn many_channels_are_caught_up_at_once() {
    let house = House::new().await;
    let mut channels = Vec::new();
    for i in 0..40 {
        channels.push(house.channel(&format!("c{i}")).await);
        house.say(&house.alice, channels[i], &format!("in {i}")).await;
    }
    house.say(&house.alice, house.hidden, "secret").await;
    let mut asked: Vec<_> = channels.iter().map(|channel| (*channel, 0)).collect();
    asked.insert(7, (house.hidden, 0));
    asked.insert(9, (unknown_channel(&house), 0));
    let data = house
        .ask(&house.bob)
        .data(CATCH_UP, json!({ "p": positions(&asked) }))
        .await;
    let mut pages = data["channelEvents"].as_array().unwrap().clone();
    assert_eq!(
        (pages.remove(9), pages.remove(7)),
        (Value::Null, Value::Null),
        "hidden and unknown are the same"
    );
    for (i, (page, channel)) in pages.iter().zip(&channels).enumerate() {
        assert_eq!(
            page["channel"]["id"],
            channel.to_string(),
            "in the order of the positions"
        );
        assert_eq!(texts(&page["nodes"], "/message/content"), [format!("in {i}")]);
    }
    let bob = house.ask(&house.bob);
    let too_many = vec![(house.general, 0); 51];
    let error = bob.error(CATCH_UP, json!({ "p": positions(&too_many) })).await;
    assert_eq!(
        error,
        json!({ "code": "INVALID", "field": "positions", "reason": "TOO_MANY_POSITIONS" })
    );
    assert_eq!(
        bob.error(CATCH_UP, json!({ "p": positions(&[(house.general, -1)]) }))
            .await["reason"],
        "AFTER_NEGATIVE"
    );
    let nobody = house
        .nobody()
        .data(CATCH_UP, json!({ "p": positions(&[(house.general, 0)]) }))
        .await;
    assert_eq!(nobody["channelEvents"], json!([null]));
}
