//! Following a channel live.

use crate::house::{House, SEND, next, numbers, said, sending, soon, text, unknown_channel};
use commons_access::Permissions;
use commons_entities::{ChannelId, stream::stream};
use commons_platform::task;
use commons_testing::Identity;
use futures_util::{StreamExt, future::join_all, stream::BoxStream};
use sea_orm::{ActiveModelTrait, Set, Unchanged};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const FOLLOW: &str =
    "subscription($channel: ID!, $after: Int) { messageEvents(channelId: $channel, after: $after) {
    seq kind: __typename
    ... on MessageCreated { messageId message { content reactions { count } } }
    ... on MessageUpdated { messageId message { content } }
    ... on MessageDeleted { messageId }
    ... on ReactionAdded { emoji message { reactions { emoji count viewerHasReacted } } } } }";

fn follow(
    house: &House,
    who: &Identity,
    channel: ChannelId,
    after: Option<i64>,
) -> BoxStream<'static, Value> {
    house
        .ask(who)
        .subscribe(FOLLOW, json!({ "channel": channel.to_string(), "after": after }))
}

pub(crate) async fn event(stream: &mut BoxStream<'static, Value>) -> Value {
    let mut response = next(stream).await.expect("the stream goes on");
    assert!(response.get("errors").is_none(), "{response}");
    response["data"]["messageEvents"].take()
}

/// The error with which a stream ends within a second.
pub(crate) async fn end(mut stream: BoxStream<'static, Value>) -> Value {
    let within = Duration::from_secs(1);
    let last = tokio::time::timeout(within, stream.next())
        .await
        .expect("within a second")
        .unwrap();
    assert!(
        soon(stream.next()).await.is_none(),
        "nothing comes after the error"
    );
    last["errors"][0]["extensions"].clone()
}

#[tokio::test]
async fn a_follower_is_told_the_head_and_then_what_happens() {
    let house = House::new().await;
    house.say_many(&house.bob, house.general, 3).await;
    let mut live = follow(&house, &house.carol, house.general, None);
    assert_eq!(event(&mut live).await, json!({ "seq": 3, "kind": "StreamHead" }));
    let id = house.said(&house.bob, house.general, "hello").await;
    let created = event(&mut live).await;
    let message = json!({ "content": "hello", "reactions": [] });
    assert_eq!(
        created,
        json!({ "seq": 4, "kind": "MessageCreated", "messageId": id, "message": message })
    );
    let react =
        "mutation($id: ID!) { addReaction(input: { messageId: $id, emoji: \"👍\" }) { message { id } } }";
    for (seq, who) in [(5, &house.carol), (6, &house.bob)] {
        house.ask(who).data(react, json!({ "id": id })).await;
        let added = event(&mut live).await;
        assert_eq!((&added["seq"], &added["emoji"]), (&json!(seq), &json!("👍")));
        let group = json!([{ "emoji": "👍", "count": seq - 4, "viewerHasReacted": true }]);
        assert_eq!(added["message"]["reactions"], group, "as the event left it");
    }
    let edit =
        "mutation($id: ID!) { editMessage(input: { messageId: $id, content: \"bye\" }) { message { id } } }";
    house.ask(&house.bob).data(edit, json!({ "id": id })).await;
    assert_eq!(event(&mut live).await["message"]["content"], "bye");
    let delete = "mutation($id: ID!) { deleteMessage(input: { messageId: $id }) { messageId } }";
    house.ask(&house.bob).data(delete, json!({ "id": id })).await;
    assert_eq!(
        event(&mut live).await,
        json!({ "seq": 8, "kind": "MessageDeleted", "messageId": id })
    );

    // Whoever replays it later knows that it was there, and nothing of what it said.
    let mut replay = follow(&house, &house.alice, house.general, Some(3));
    assert_eq!(
        event(&mut replay).await,
        json!({ "seq": 8, "kind": "StreamHead" })
    );
    let created = json!({ "seq": 4, "kind": "MessageCreated", "messageId": id, "message": null });
    assert_eq!(event(&mut replay).await, created);
    for seq in 5..=8 {
        assert_eq!(event(&mut replay).await["seq"], seq);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn followers_have_every_event_once_and_in_order() {
    let house = Arc::new(House::new().await);
    house.say_many(&house.alice, house.general, 10).await;
    let total = 10 + 8 * 40;
    let followers = [Some(0), Some(7), None].map(|after| {
        let mut live = follow(&house, &house.carol, house.general, after);
        task::spawn(async move {
            let head = event(&mut live).await;
            assert_eq!(head["kind"], "StreamHead");
            let first = after.unwrap_or_else(|| head["seq"].as_i64().unwrap());
            let mut seen = Vec::new();
            while seen.last() != Some(&total) {
                let event = event(&mut live).await;
                assert!(event["message"]["content"].is_string(), "{event}");
                seen.push(event["seq"].as_i64().unwrap());
            }
            assert!(seen.into_iter().eq(first + 1..=total));
        })
    });
    let writers = (0..8).map(|writer| {
        let house = house.clone();
        task::spawn(async move {
            for i in 0..40 {
                said(
                    house
                        .ask(&house.bob)
                        .data(SEND, sending(house.general, &format!("{writer}/{i}")))
                        .await,
                );
            }
        })
    });
    // One that comes, goes and comes back all the time misses nothing either.
    let restless = {
        let house = house.clone();
        task::spawn(async move {
            let mut seen = Vec::new();
            while seen.len() < usize::try_from(total).unwrap() {
                let last = seen.last().copied().unwrap_or(0);
                let mut live = follow(&house, &house.alice, house.general, Some(last));
                assert_eq!(event(&mut live).await["kind"], "StreamHead");
                for _ in 0..13.min(total - last) {
                    seen.push(event(&mut live).await["seq"].as_i64().unwrap());
                }
            }
            assert!(seen.into_iter().eq(1..=total));
        })
    };
    for done in soon(join_all(followers.into_iter().chain([restless]).chain(writers))).await {
        done.unwrap();
    }
}

#[tokio::test]
async fn a_position_that_is_not_kept_is_reset() {
    let house = House::new().await;
    house.say_many(&house.bob, house.general, 10).await;
    let floor = stream::ActiveModel {
        id: Unchanged(house.general.0),
        floor_seq: Set(4),
        ..Default::default()
    };
    floor.update(house.platform.db.writer()).await.unwrap();
    for after in [3, 11] {
        let mut live = follow(&house, &house.carol, house.general, Some(after));
        assert_eq!(event(&mut live).await, json!({ "seq": 10, "kind": "StreamHead" }));
        assert_eq!(
            event(&mut live).await,
            json!({ "seq": 10, "kind": "StreamReset" })
        );
        let seq = house.counts(house.general).await.1;
        assert_eq!(seq, 10);
    }
    let negative = next(&mut follow(&house, &house.carol, house.general, Some(-1)))
        .await
        .unwrap();
    assert_eq!(negative["errors"][0]["extensions"]["reason"], "AFTER_NEGATIVE");
}

#[tokio::test]
async fn without_history_a_stream_starts_now() {
    let house = House::new().await;
    let blind = house.channel("blind").await;
    house.deny(blind, Permissions::READ_HISTORY).await;
    let earlier = house.say_many(&house.alice, blind, 3).await;
    let mut live = follow(&house, &house.bob, blind, Some(0));
    assert_eq!(event(&mut live).await, json!({ "seq": 3, "kind": "StreamHead" }));
    assert_eq!(event(&mut live).await, json!({ "seq": 3, "kind": "StreamReset" }));
    house.say(&house.alice, blind, "from now on").await;
    let created = event(&mut live).await;
    assert_eq!(
        (&created["seq"], &created["message"]["content"]),
        (&json!(4), &json!("from now on"))
    );

    // What becomes of the earlier ones is told, but not what they say.
    let edit = "mutation($input: EditMessageInput!) { editMessage(input: $input) { message { id } } }";
    let later = text(&created["messageId"]);
    for (id, shown) in [
        (&earlier[0], json!(null)),
        (&later, json!({ "content": "other words" })),
    ] {
        let input = json!({ "input": { "messageId": id, "content": "other words" } });
        house.ask(&house.alice).data(edit, input).await;
        let updated = event(&mut live).await;
        assert_eq!((&updated["messageId"], &updated["message"]), (&json!(id), &shown));
    }
}

#[tokio::test]
async fn a_stream_ends_within_a_second_of_its_viewers_right() {
    let house = House::new().await;
    let lost = house.channel("lost").await;
    let subject = "subscription($channel: ID!) { typing(channelId: $channel) { at } }";
    let following = async |who: &Identity, channel: ChannelId| {
        let mut live = follow(&house, who, channel, None);
        assert_eq!(event(&mut live).await["kind"], "StreamHead");
        let typing = house
            .ask(who)
            .subscribe(subject, json!({ "channel": channel.to_string() }));
        (live, typing)
    };
    // Typing begins with its first poll: it is polled where it must end.
    let (viewing, _typing) = following(&house.carol, lost).await;
    house
        .take(lost, house.carol.user, Permissions::VIEW_CHANNEL)
        .await;
    assert_eq!(end(viewing).await, json!({ "code": "NOT_FOUND" }));

    let (kicked, _typing) = following(&house.bob, house.general).await;
    let (stays, _) = following(&house.carol, house.general).await;
    house.kick(house.bob.user).await;
    assert_eq!(end(kicked).await, json!({ "code": "NOT_FOUND" }));

    let (revoked, _typing) = following(&house.carol, house.general).await;
    house.revoke(house.carol.session).await;
    assert_eq!(end(revoked).await, json!({ "code": "UNAUTHENTICATED" }));
    assert_eq!(end(stays).await, json!({ "code": "UNAUTHENTICATED" }));
}

/// What is sent after a kick was heard does not reach who was kicked.
#[tokio::test]
async fn nothing_is_delivered_after_the_end() {
    let house = House::new().await;
    let mut live = follow(&house, &house.bob, house.general, None);
    assert_eq!(event(&mut live).await["kind"], "StreamHead");
    house.kick(house.bob.user).await;
    house.hear().await;
    house.say(&house.alice, house.general, "among us").await;
    assert_eq!(end(live).await, json!({ "code": "NOT_FOUND" }));
}

#[tokio::test]
async fn a_stream_that_may_not_be_seen_is_unknown() {
    let house = House::new().await;
    let unknown = unknown_channel(&house);
    let refused = next(&mut follow(&house, &house.bob, unknown, None))
        .await
        .unwrap();
    assert_eq!(refused["errors"][0]["extensions"], json!({ "code": "NOT_FOUND" }));
    for after in [None, Some(0), Some(i64::MAX)] {
        let hidden = next(&mut follow(&house, &house.bob, house.hidden, after))
            .await
            .unwrap();
        assert_eq!(hidden, refused);
    }
    assert_eq!(
        next(&mut follow(&house, &house.mallory, house.general, None))
            .await
            .unwrap(),
        refused
    );
    let variables = json!({ "channel": house.general.to_string() });
    let nobody = next(&mut house.nobody().subscribe(FOLLOW, variables))
        .await
        .unwrap();
    assert_eq!(
        nobody["errors"][0]["extensions"],
        json!({ "code": "UNAUTHENTICATED" })
    );
}

/// What the log has and what a follower was told are the same, whatever changed.
#[tokio::test]
async fn repaired_and_live_are_the_same_record() {
    let house = House::new().await;
    let mut live = follow(&house, &house.carol, house.general, Some(0));
    assert_eq!(event(&mut live).await["kind"], "StreamHead");
    let ids = house.say_many(&house.bob, house.general, 5).await;
    let mut told = Vec::new();
    for _ in 0..5 {
        told.push(event(&mut live).await);
    }
    assert!(told.iter().map(|event| text(&event["messageId"])).eq(ids));
    let catch_up = "query($p: [StreamPosition!]!) { channelEvents(positions: $p) { nodes { seq } } }";
    let position = json!({ "p": [{ "channelId": house.general.to_string(), "after": 0 }] });
    let data = house.ask(&house.carol).data(catch_up, position).await;
    assert_eq!(
        numbers(&data["channelEvents"][0]["nodes"], "/seq"),
        numbers(&told.into(), "/seq")
    );
}
