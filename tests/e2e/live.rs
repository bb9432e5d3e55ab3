//! Many who follow the same share what feeds them, and nobody notices.

use crate::harness::{Ending, House, Person, Seen, Socket, by_pages, mutation, seen};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Nothing but what is the same for everybody: such an operation is shared.
const SHARED: &str =
    "subscription($channel: ID!, $after: Int) { messageEvents(channelId: $channel, after: $after) {
    __typename seq
    ... on MessageCreated { messageId message { content author { username displayName } } }
    ... on MessageUpdated { messageId } ... on MessageDeleted { messageId }
    ... on ReactionAdded { messageId message { content } }
} }";
const SENDERS: usize = 8;
const EACH: usize = 40;
/// How many events a client that does not read has in front of it.
const MANY: usize = 10_000;
const CROWD: usize = 32;

async fn follow(person: &Person, channel: &str, after: Option<i64>) -> Socket {
    let mut socket = person.socket().await;
    let variables = json!({ "channel": channel, "after": after });
    socket.subscribe("follow", SHARED, variables).await;
    socket
}

/// Reads a stream up to a number: where it began, and all that came.
async fn record(mut socket: Socket, after: Option<i64>, upto: i64) -> (i64, Vec<Seen>) {
    let head = seen(&socket.event("follow").await["messageEvents"]);
    assert_eq!(head.1, "StreamHead");
    let after = after.unwrap_or(head.0);
    let mut record: Vec<Seen> = Vec::new();
    while record.last().map_or(after, |last| last.0) < upto {
        let event = socket.event("follow").await;
        if event["messageEvents"]["__typename"] == "MessageCreated" {
            let author = &event["messageEvents"]["message"]["author"]["username"];
            // Gone when the message is.
            assert!(author == "alice" || author.is_null(), "{event:#}");
        }
        record.push(seen(&event["messageEvents"]));
    }
    (after, record)
}

/// Sends, and deletes every fifth.
async fn talk(person: Person, channel: String, count: usize) {
    for turn in 0..count {
        let sent = person.send(&channel, &format!("word {turn}")).await;
        if turn % 5 == 4 {
            let input = json!({ "input": { "messageId": sent["id"] } });
            person.data(&mutation("deleteMessage", "__typename"), input).await;
        }
    }
}

#[tokio::test]
async fn all_see_the_same_wherever_they_come_in() {
    let mut house = House::start().await;
    let (alice, bob) = (house.register("alice").await, house.register("bob").await);
    let (guild, general) = alice.found("Harbour").await;
    bob.join(&alice.invite(&guild).await).await;
    talk(alice.clone(), general.clone(), 20).await;

    let said = |messages: usize| i64::try_from(messages * 6 / 5).unwrap();
    let upto = said(20) + said(SENDERS * EACH);
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        senders.spawn(talk(alice.clone(), general.clone(), EACH));
    }
    let mut followers = JoinSet::new();
    for turn in 0..CROWD {
        let after = match turn % 4 {
            0 => None,
            1 => Some(0),
            2 => Some(i64::try_from(turn).unwrap()),
            _ => Some(by_pages(&bob, &general, 0).await.len() as i64),
        };
        let socket = follow(if turn % 2 == 0 { &alice } else { &bob }, &general, after).await;
        followers.spawn(record(socket, after, upto));
    }
    senders.join_all().await;
    let truth: Vec<Seen> = by_pages(&alice, &general, 0).await.iter().map(seen).collect();
    assert_eq!(truth.len() as i64, upto);
    for (after, record) in followers.join_all().await {
        let expected = &truth[usize::try_from(after).unwrap()..];
        assert_eq!(record, expected, "after {after}");
    }
    house.lives().await;
}

#[tokio::test]
async fn who_does_not_keep_up_is_told_and_goes_on_from_there() {
    let mut house = House::alone().await;
    let alice = house.register("alice").await;
    let (_, general) = alice.found("Harbour").await;
    let mut paused = Socket::open_small(&alice.api, &alice.token).await;
    let variables = json!({ "channel": general, "after": 0 });
    paused.subscribe("follow", SHARED, variables.clone()).await;
    let mut other = follow(&alice, &general, Some(0)).await;
    let head = |event: &Value| event["messageEvents"]["__typename"] == "StreamHead";
    assert!(head(&paused.event("follow").await) && head(&other.event("follow").await));

    let mut senders = JoinSet::new();
    for _ in 0..CROWD {
        let (alice, general) = (alice.clone(), general.clone());
        senders.spawn(async move {
            for turn in 0..MANY / CROWD {
                alice
                    .send(&general, &format!("{turn} {}", "word ".repeat(40)))
                    .await;
            }
        });
    }
    // Somebody who reads is not held up by somebody who does not.
    let mut heard = 0;
    while heard < MANY / CROWD * CROWD {
        other.event("follow").await;
        heard += 1;
    }
    senders.join_all().await;

    let mut record: Vec<Seen> = Vec::new();
    let (ending, seq) = paused
        .lagging("follow", |data| record.push(seen(&data["messageEvents"])))
        .await;
    assert_eq!(ending, Ending::Refused("LAGGED".to_owned()));
    assert_eq!(seq, record.last().unwrap().0, "it says where it stopped");
    assert!(record.len() < MANY / 2, "{}", record.len());
    // The socket is still good, and the rest is there.
    let variables = json!({ "channel": general, "after": seq });
    paused.subscribe("follow", SHARED, variables).await;
    assert!(head(&paused.event("follow").await));
    while record.len() < heard {
        record.push(seen(&paused.event("follow").await["messageEvents"]));
    }
    let truth: Vec<Seen> = by_pages(&alice, &general, 0).await.iter().map(seen).collect();
    assert_eq!(record, truth);
    house.lives().await;
}

#[tokio::test]
async fn who_may_not_read_history_has_a_stream_of_their_own() {
    let house = House::start().await;
    let (alice, bob) = (house.register("alice").await, house.register("bob").await);
    let (guild, general) = alice.found("Harbour").await;
    bob.join(&alice.invite(&guild).await).await;
    let old = alice.send(&general, "before").await;
    let overwrite =
        json!({ "channelId": general, "overwrite": { "userId": bob.id, "deny": ["READ_HISTORY"] } });
    alice.mutate("setOverwrite", overwrite, "channel { id }").await;

    let (mut shared, mut own) = (
        follow(&alice, &general, None).await,
        follow(&bob, &general, None).await,
    );
    shared.event("follow").await;
    own.event("follow").await;
    let reaction = json!({ "input": { "messageId": old["id"], "emoji": "👍" } });
    alice.data(&mutation("addReaction", "__typename"), reaction).await;
    let (with, without) = (shared.event("follow").await, own.event("follow").await);
    assert_eq!(with["messageEvents"]["message"]["content"], "before");
    assert_eq!(without["messageEvents"]["message"], Value::Null);
    assert_eq!(with["messageEvents"]["seq"], without["messageEvents"]["seq"]);
}

#[tokio::test]
async fn a_position_that_never_was_starts_anew_whoever_came_first() {
    let house = House::start().await;
    let alice = house.register("alice").await;
    let (_, general) = alice.found("Harbour").await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        alice.send(&general, "word").await;
        let mut socket = follow(&alice, &general, Some(1_000)).await;
        let head = seen(&socket.event("follow").await["messageEvents"]);
        let reset = seen(&socket.event("follow").await["messageEvents"]);
        assert_eq!((head.1.as_str(), reset.1.as_str()), ("StreamHead", "StreamReset"));
        assert_eq!(head.0, reset.0);
        sockets.push(socket);
    }
    let sent = alice.send(&general, "the same for all").await;
    for mut socket in sockets {
        loop {
            let event = seen(&socket.event("follow").await["messageEvents"]);
            if sent["seq"] == event.0 {
                break;
            }
        }
    }
}

#[tokio::test]
async fn whoever_loses_the_history_begins_anew_without_it() {
    let house = House::start().await;
    let (alice, bob) = (house.register("alice").await, house.register("bob").await);
    let (guild, general) = alice.found("Harbour").await;
    bob.join(&alice.invite(&guild).await).await;
    let old = alice.send(&general, "before").await;
    let mut stays = follow(&alice, &general, None).await;
    let mut shared = follow(&bob, &general, None).await;
    // With a field of the viewer's own it is not shared.
    let mut own = bob.socket().await;
    let query = SHARED.replace(
        "__typename seq",
        "__typename seq ... on MessagePinned { message { viewerCanEdit } }",
    );
    own.subscribe("follow", &query, json!({ "channel": general }))
        .await;
    for socket in [&mut stays, &mut shared, &mut own] {
        socket.event("follow").await;
    }
    let overwrite =
        json!({ "channelId": general, "overwrite": { "userId": bob.id, "deny": ["READ_HISTORY"] } });
    alice.mutate("setOverwrite", overwrite, "channel { id }").await;
    let ending = shared.ending("follow", |_| {}).await;
    assert_eq!(ending, Ending::Refused("UNAVAILABLE".to_owned()));
    let variables = json!({ "channel": general });
    shared.subscribe("follow", SHARED, variables).await;
    shared.event("follow").await;
    // One's own stream is opened again by the gateway, and says so.
    while own.event("follow").await["messageEvents"]["__typename"] != "StreamReset" {}

    let reaction = json!({ "input": { "messageId": old["id"], "emoji": "👍" } });
    alice.data(&mutation("addReaction", "__typename"), reaction).await;
    assert_eq!(reaction_to(&mut stays).await["content"], "before");
    for socket in [&mut shared, &mut own] {
        assert_eq!(reaction_to(socket).await, Value::Null);
    }
}

/// The message that the next reaction is to; what else happens in the channel comes before it.
async fn reaction_to(socket: &mut Socket) -> Value {
    loop {
        let mut event = socket.event("follow").await["messageEvents"].take();
        if event["__typename"] == "ReactionAdded" {
            return event["message"].take();
        }
    }
}
