//! Two message services on one database keep every promise: what one alone would have kept by writing
//! alone, both keep under the lock of the channel's stream.

use crate::{
    house::{House, SEND, next, said, sending, sending_as, soon, text},
    replica::Replica,
};
use commons_entities::{
    MessageId,
    message::{MessageKind, message, reaction},
};
use commons_message::service::{self, ImportedMessage, Names};
use commons_platform::task;
use commons_streams::log;
use commons_testing::{Client, Identity};
use futures_util::future::join_all;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use std::{collections::HashSet, sync::Arc};

const REACT: &str = "mutation($id: ID!, $emoji: String!) {
    addReaction(input: { messageId: $id, emoji: $emoji }) { message { id } } }";
const PIN: &str = "mutation($id: ID!) { pinMessage(input: { messageId: $id }) { message { id } } }";
const EDIT: &str = "mutation($id: ID!, $content: String!) {
    editMessage(input: { messageId: $id, content: $content }) { message { id } } }";
const DELETE: &str = "mutation($id: ID!) { deleteMessage(input: { messageId: $id }) { messageId } }";

/// A house with a second process.
struct Pair {
    house: House,
    other: Replica,
}

impl Pair {
    async fn new() -> Arc<Self> {
        let house = House::new().await;
        let other = Replica::of(&house).await;
        Arc::new(Self { house, other })
    }

    /// One process or the other, in turn.
    fn ask(&self, turn: usize, who: &Identity) -> Client<'_> {
        match turn % 2 {
            0 => self.house.ask(who),
            _ => self.other.ask(who),
        }
    }

    /// Asks the same many times at once, in turn of one process and the other.
    async fn all(
        self: &Arc<Self>,
        who: &Identity,
        document: &'static str,
        variables: Vec<Value>,
    ) -> Vec<Value> {
        let asking = variables.into_iter().enumerate().map(|(turn, variables)| {
            let (pair, who) = (self.clone(), who.clone());
            task::spawn(async move { pair.ask(turn, &who).send(document, variables).await })
        });
        let answers = soon(join_all(asking)).await;
        answers.into_iter().map(Result::unwrap).collect()
    }

    /// The channel's events, which must be dense.
    async fn events(&self) -> Vec<Arc<commons_streams::Event>> {
        let db = self.house.platform.db.read();
        let events = log::read(db, self.house.general.0, 0, 10_000).await.unwrap();
        let count = i64::try_from(events.len()).unwrap();
        assert!(events.iter().map(|event| event.seq).eq(1..=count));
        assert_eq!(self.house.counts(self.house.general).await.1, count);
        events
    }

    async fn row(&self, id: &str) -> message::Model {
        let id: MessageId = id.parse().unwrap();
        let row = message::Entity::find_by_id(id).one(self.house.platform.db.read());
        row.await.unwrap().unwrap()
    }
}

fn reason(answer: &Value) -> Option<&str> {
    answer["errors"][0]["extensions"]["reason"].as_str()
}

/// How many were refused for a reason; the others must have succeeded.
fn refused(answers: &[Value], with: &str) -> usize {
    let refused = answers
        .iter()
        .filter(|answer| reason(answer) == Some(with))
        .count();
    let done = answers.iter().filter(|answer| answer.get("errors").is_none());
    assert_eq!(refused + done.count(), answers.len(), "{answers:?}");
    refused
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_services_send_into_the_same_channels() {
    const SENDERS: usize = 12;
    const EACH: usize = 20;
    let pair = Pair::new().await;
    let busy = pair.house.channel("busy").await;
    let people = [&pair.house.alice, &pair.house.bob, &pair.house.carol].map(Clone::clone);
    let senders = (0..SENDERS).map(|sender| {
        let (pair, who) = (pair.clone(), people[sender % 3].clone());
        let channel = if sender % 4 == 0 { busy } else { pair.house.general };
        task::spawn(async move {
            let mut ids = Vec::new();
            for i in 0..EACH {
                let body = format!("{sender}/{i}");
                let variables = sending_as(channel, &body, &body);
                // Each is sent by both processes, as a client does that lost its connection.
                let first = said(pair.ask(i, &who).data(SEND, variables.clone()).await);
                let again = said(pair.ask(i + 1, &who).data(SEND, variables).await);
                assert_eq!(first["id"], again["id"]);
                ids.push(text(&first["id"]));
            }
            ids
        })
    });
    let acknowledged: Vec<Vec<String>> = soon(join_all(senders))
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let rows = message::Entity::find()
        .order_by_asc(message::Column::Seq)
        .all(pair.house.platform.db.read())
        .await
        .unwrap();
    assert_eq!(rows.len(), SENDERS * EACH, "nothing is there twice");
    for channel in [pair.house.general, busy] {
        let of_channel = rows.iter().filter(|row| row.channel_id == channel);
        let count = i64::try_from(of_channel.clone().count()).unwrap();
        assert!(of_channel.clone().map(|row| row.seq).eq(1..=count));
        assert!(of_channel.map(|row| row.ordinal).eq(1..=count));
        assert_eq!(pair.house.counts(channel).await, (count, count));
    }
    let order: Vec<String> = rows.iter().map(|row| row.id.to_string()).collect();
    for ids in acknowledged {
        let of_sender: HashSet<&String> = ids.iter().collect();
        let kept = order.iter().filter(|id| of_sender.contains(id));
        assert!(kept.eq(ids.iter()), "one sender's messages keep their order");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_nonce_is_one_message_whoever_is_asked() {
    let pair = Pair::new().await;
    let variables = sending_as(pair.house.general, "once", "n");
    let answers = pair.all(&pair.house.bob, SEND, vec![variables; 24]).await;
    let ids: HashSet<String> = answers
        .iter()
        .map(|answer| text(&answer["data"]["sendMessage"]["message"]["id"]))
        .collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(pair.house.counts(pair.house.general).await, (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn slow_mode_counts_all_services() {
    let pair = Pair::new().await;
    pair.house.slow(pair.house.general, 10).await;
    let sends = (0..12).map(|i| sending(pair.house.general, &format!("{i}")));
    let answers = pair.all(&pair.house.bob, SEND, sends.collect()).await;
    assert_eq!(refused(&answers, "SLOW_MODE"), 11);
    assert_eq!(pair.house.counts(pair.house.general).await, (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_message_has_twenty_emojis_however_many_come_at_once() {
    let pair = Pair::new().await;
    let id = pair.house.said(&pair.house.bob, pair.house.general, "m").await;
    let emojis = (0..30).map(|i| json!({ "id": id, "emoji": format!(":e{i}:") }));
    let answers = pair.all(&pair.house.carol, REACT, emojis.collect()).await;
    assert_eq!(refused(&answers, "TOO_MANY_EMOJIS"), 10);
    let count = reaction::Entity::find().count(pair.house.platform.db.read());
    assert_eq!(count.await.unwrap(), 20);
    assert_eq!(pair.events().await.len(), 21);
    assert_eq!(pair.row(&id).await.rev, 21);

    // The same emoji of the same person is one, and says so once.
    let same = vec![json!({ "id": id, "emoji": ":e0:" }); 12];
    let before = pair.events().await.len();
    let clear = "mutation($id: ID!) { clearReactions(input: { messageId: $id }) { message { id } } }";
    let alice = pair.house.ask(&pair.house.alice);
    alice.data(clear, json!({ "id": id })).await;
    let answers = pair.all(&pair.house.carol, REACT, same).await;
    assert_eq!(refused(&answers, "-"), 0);
    assert_eq!(pair.events().await.len(), before + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_channel_has_250_pins_however_many_come_at_once() {
    let pair = Pair::new().await;
    let ids = pair
        .house
        .say_many(&pair.house.bob, pair.house.general, 262)
        .await;
    let pin_most = "UPDATE message SET pinned_at = created_at WHERE ordinal <= 246";
    let db = pair.house.platform.db.writer();
    db.execute_unprepared(pin_most).await.unwrap();
    let pins = ids[246..].iter().map(|id| json!({ "id": id }));
    let answers = pair.all(&pair.house.alice, PIN, pins.collect()).await;
    assert_eq!(refused(&answers, "TOO_MANY_PINS"), 12);
    let pinned = message::Entity::find().filter(message::Column::PinnedAt.is_not_null());
    assert_eq!(pinned.count(db).await.unwrap(), 250);
    assert_eq!(pair.events().await.len(), 262 + 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_of_one_message_follow_each_other() {
    let pair = Pair::new().await;
    let id = pair.house.said(&pair.house.bob, pair.house.general, "0").await;
    let edits = (1..=16).map(|i| json!({ "id": id, "content": format!("{i}") }));
    let edits = pair.all(&pair.house.bob, EDIT, edits.collect());
    let emojis = (0..16).map(|i| json!({ "id": id, "emoji": format!(":e{i}:") }));
    let reactions = pair.all(&pair.house.carol, REACT, emojis.collect());
    let pins = pair.all(&pair.house.alice, PIN, vec![json!({ "id": id }); 4]);
    let (edits, reactions, pins) = tokio::join!(edits, reactions, pins);
    for answers in [&edits, &reactions, &pins] {
        assert_eq!(refused(answers, "-"), 0);
    }
    let events = pair.events().await;
    assert_eq!(events.len(), 1 + 16 + 16 + 1, "the same pin again is nothing");
    assert!(
        events.iter().map(|event| event.rev).eq(1..=34),
        "each saw what the one before left"
    );
    assert_eq!(pair.row(&id).await.rev, 34);

    // Deleted while it is changed: whoever comes late finds nothing, and nothing comes back.
    let emojis = (16..20).map(|i| json!({ "id": id, "emoji": format!(":e{i}:") }));
    let late = pair.all(&pair.house.carol, REACT, emojis.collect());
    let deletions = pair.all(&pair.house.bob, DELETE, vec![json!({ "id": id }); 4]);
    let (_, deletions) = tokio::join!(late, deletions);
    let deleted = deletions.iter().filter(|answer| answer.get("errors").is_none());
    assert_eq!(deleted.count(), 1, "{deletions:?}");
    let row = pair.row(&id).await;
    assert!(row.deleted_at.is_some() && row.content.is_none() && row.pinned_at.is_none());
    let left = reaction::Entity::find().count(pair.house.platform.db.read());
    assert_eq!(left.await.unwrap(), 0);
    let events = pair.events().await;
    assert_eq!(events.last().unwrap().kind, "MESSAGE_DELETED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_imports_of_the_same_are_one() {
    let pair = Pair::new().await;
    let messages: Vec<ImportedMessage> = (0..50)
        .map(|i| ImportedMessage {
            external_id: i.to_string(),
            author: pair.house.bob.user,
            at: pair.house.platform.clock.now(),
            kind: MessageKind::Default,
            content: Some(format!("m{i}")),
            reply_to: None,
            edited_at: None,
            reactions: Vec::new(),
        })
        .collect();
    let messages = Arc::new(messages);
    let imports = (0..4).map(|turn| {
        let (pair, messages) = (pair.clone(), messages.clone());
        task::spawn(async move {
            let service = if turn % 2 == 0 {
                &pair.house.service
            } else {
                &pair.other.service
            };
            service::import_messages(service, pair.house.general, &messages, &Names::default()).await
        })
    });
    let mut done: Vec<usize> = soon(join_all(imports))
        .await
        .into_iter()
        .map(|done| done.unwrap().unwrap().messages)
        .collect();
    done.sort_unstable();
    assert_eq!(done, [0, 0, 0, 50]);
    assert_eq!(pair.house.counts(pair.house.general).await, (50, 50));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_one_service_writes_the_other_tells() {
    let pair = Pair::new().await;
    let follow = "subscription($channel: ID!) { messageEvents(channelId: $channel, after: 0) {
        __typename seq ... on MessageCreated { message { content } } } }";
    let variables = json!({ "channel": pair.house.general.to_string() });
    let mut live = pair
        .other
        .ask(&pair.house.carol)
        .subscribe(follow, variables.clone());
    let head = soon(next(&mut live)).await.unwrap();
    assert!(head.get("errors").is_none(), "{head}");
    for i in 1..=5 {
        pair.house
            .say(&pair.house.bob, pair.house.general, &format!("m{i}"))
            .await;
        let event = next(&mut live).await.unwrap()["data"]["messageEvents"].take();
        assert_eq!(
            (&event["seq"], &event["message"]["content"]),
            (&json!(i), &json!(format!("m{i}")))
        );
    }

    let typing = "subscription($channel: ID!) { typing(channelId: $channel) { user { id } } }";
    let start = "mutation($channel: ID!) { startTyping(input: { channelId: $channel }) { lastsSeconds } }";
    let mut live = pair
        .other
        .ask(&pair.house.carol)
        .subscribe(typing, variables.clone());
    // Who listens when is not told; somebody new types until one is heard.
    let heard = async {
        loop {
            let bob = pair.house.ask(&pair.house.bob);
            bob.data(start, variables.clone()).await;
            pair.house.world.clock.advance(chrono::TimeDelta::seconds(4));
            let soon = std::time::Duration::from_millis(200);
            if let Ok(heard) = tokio::time::timeout(soon, next(&mut live)).await {
                return heard.unwrap();
            }
        }
    };
    let heard = soon(heard).await;
    assert_eq!(
        heard["data"]["typing"]["user"]["id"],
        pair.house.bob.user.to_string()
    );
}

/// On PostgreSQL alone can somebody hold one channel and not the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_channel_that_is_held_holds_up_no_other() {
    let pair = Pair::new().await;
    let house = &pair.house;
    if !house.platform.db.is_postgres() {
        return;
    }
    let held = house.channel("held").await;
    for channel in [held, house.general] {
        house.say(&house.bob, channel, "warm").await;
    }
    let tx = house.platform.db.begin().await.unwrap();
    log::lock_waiting(&tx, &[held.0]).await.unwrap();
    let waiting: Vec<_> = (0..3)
        .map(|i| {
            let (pair, body) = (pair.clone(), format!("w{i}"));
            task::spawn(async move {
                let house = &pair.house;
                said(house.ask(&house.bob).data(SEND, sending(held, &body)).await)
            })
        })
        .collect();
    for i in 0..20 {
        house.say(&house.carol, house.general, &format!("m{i}")).await;
    }
    assert!(waiting.iter().all(|send| !send.is_finished()));
    tx.rollback().await.unwrap();
    let mut seqs: Vec<Value> = soon(join_all(waiting))
        .await
        .into_iter()
        .map(|message| message.unwrap()["seq"].take())
        .collect();
    seqs.sort_by_key(Value::as_i64);
    assert_eq!(seqs, [2, 3, 4].map(Value::from));

    // Held for longer than anybody waits, it fails alone, and works again after.
    let tx = house.platform.db.begin().await.unwrap();
    log::lock_waiting(&tx, &[held.0]).await.unwrap();
    // Whoever does nothing in a transaction is put out of it.
    let busy = async {
        loop {
            tx.execute_unprepared("SELECT pg_sleep(0.2)").await.unwrap();
        }
    };
    let bob = house.ask(&house.bob);
    let refused = tokio::select! {
        refused = soon(bob.send(SEND, sending(held, "late"))) => refused,
        () = busy => unreachable!(),
    };
    let code = refused["errors"][0]["extensions"]["code"].as_str();
    assert!(matches!(code, Some("UNAVAILABLE" | "OVERLOADED")), "{refused}");
    tx.rollback().await.unwrap();
    assert_eq!(house.say(&house.bob, held, "after").await["seq"], 5);
}
