//! A client that is cut off and comes back has every event once and in order.

use crate::harness::{CREATED, House, Person, Random, Seen, Socket, by_pages, mutation, seen};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::{sync::watch, task::JoinSet};

const SENDERS: u64 = 16;
const MESSAGES: u64 = 20;

/// What a client knows of a channel, as a real one keeps it: it drops what it has, and fills holes.
struct Record<'p> {
    person: &'p Person,
    channel: &'p str,
    events: Vec<Seen>,
    repairs: usize,
}

impl Record<'_> {
    fn last(&self) -> i64 {
        self.events.last().map_or(0, |event| event.0)
    }

    /// Asks for what is missing.
    async fn repair(&mut self) {
        self.repairs += 1;
        let missed = by_pages(self.person, self.channel, self.last()).await;
        self.events.extend(missed.iter().map(seen));
    }

    /// Takes over what the stream says.
    async fn take(&mut self, event: &Value) {
        let event = seen(&event["messageEvents"]);
        if event.1 == "StreamHead" || event.0 <= self.last() {
            return;
        }
        if event.0 > self.last() + 1 {
            self.repair().await;
        } else {
            self.events.push(event);
        }
    }
}

async fn follow(record: &Record<'_>, after: Option<i64>) -> Socket {
    let mut socket = record.person.socket().await;
    let query =
        "subscription($channel: ID!, $after: Int) { messageEvents(channelId: $channel, after: $after) {
        __typename seq ... on MessageCreated { messageId } ... on MessageUpdated { messageId }
        ... on MessageDeleted { messageId } ... on ReactionAdded { messageId } } }";
    socket
        .subscribe("1", query, json!({ "channel": record.channel, "after": after }))
        .await;
    socket
}

/// Sends, and changes some of it; each acknowledged event as kind and message.
async fn talk(
    person: Person,
    channel: String,
    number: u64,
    open: watch::Sender<u64>,
) -> Vec<(String, String)> {
    let mut acknowledged = Vec::new();
    for turn in 0..MESSAGES {
        let sent = person.send(&channel, &format!("{number}/{turn}")).await;
        let id = sent["id"].as_str().unwrap().to_owned();
        acknowledged.push((CREATED.to_owned(), id.clone()));
        let (field, input, kind) = match turn % 5 {
            1 => (
                "editMessage",
                json!({ "messageId": id, "content": "changed" }),
                "MessageUpdated",
            ),
            2 => (
                "addReaction",
                json!({ "messageId": id, "emoji": "👍" }),
                "ReactionAdded",
            ),
            3 => ("deleteMessage", json!({ "messageId": id }), "MessageDeleted"),
            _ => continue,
        };
        person
            .data(&mutation(field, "__typename"), json!({ "input": input }))
            .await;
        acknowledged.push((kind.to_owned(), id));
    }
    open.send_modify(|open| *open -= 1);
    acknowledged
}

async fn is_cut_off(seed: u64) {
    let mut house = House::start().await;
    let (alice, bob) = (house.register("alice").await, house.register("bob").await);
    let (guild, general) = alice.found("Harbour").await;
    bob.join(&alice.invite(&guild).await).await;
    let open = watch::Sender::new(SENDERS);
    let mut talking = JoinSet::new();
    for number in 0..SENDERS {
        talking.spawn(talk(alice.clone(), general.clone(), number, open.clone()));
    }
    let mut random = Random::seeded(seed);
    let mut record = Record {
        person: &bob,
        channel: &general,
        events: Vec::new(),
        repairs: 0,
    };
    let mut cuts = 0;
    while *open.borrow() > 0 {
        // A careful client comes back with `after`, another one reads what it missed before or later.
        let after = match random.between(0, 4) {
            0 => None,
            1 => {
                record.repair().await;
                Some(record.last())
            }
            _ => Some(record.last()),
        };
        let mut socket = follow(&record, after).await;
        for _ in 0..random.between(1, 40) {
            let mut over = open.subscribe();
            let event = tokio::select! {
                event = socket.event("1") => event,
                _ = over.wait_for(|open| *open == 0) => break,
            };
            record.take(&event).await;
        }
        cuts += 1;
    }
    record.repair().await;
    assert!(cuts >= 5, "{cuts}");

    let acknowledged: BTreeSet<_> = talking.join_all().await.into_iter().flatten().collect();
    let truth: Vec<Seen> = by_pages(&alice, &general, 0).await.iter().map(seen).collect();
    assert_eq!(record.events, truth);
    let told: BTreeSet<_> = truth
        .iter()
        .map(|(_, kind, id)| (kind.clone(), id.clone()))
        .collect();
    assert_eq!((told.len(), &told), (truth.len(), &acknowledged));
    house.lives().await;
}

#[tokio::test]
async fn a_client_that_is_cut_off_misses_nothing() {
    is_cut_off(1).await;
}

#[tokio::test]
async fn nor_does_one_that_is_cut_off_elsewhere() {
    is_cut_off(2).await;
}
