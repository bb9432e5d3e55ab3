//! Somebody who follows a channel and resumes from the last event after every break.

use crate::{
    client::{ANSWER, Client},
    ids::{made_at_ms, uuid_of},
    ledger::{Ledger, Nonce, count},
    recovery::Recovery,
    socket::Broken,
    world::World,
};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use uuid::Uuid;

/// The server pings every 20 s; a connection that is silent for longer is dead.
const SILENCE: Duration = Duration::from_secs(30);
/// How long the last events may take when everything has been repaired.
const LAST_EVENTS: Duration = Duration::from_secs(20);
const BACK_OFF: Duration = Duration::from_millis(20);
const LONGEST_BACK_OFF: Duration = Duration::from_millis(500);
/// How much of the past is told of in a violation.
const NEARBY: usize = 6;

const DOCUMENT: &str = "subscription($channel: ID!, $after: Int) { messageEvents(channelId: $channel, after: $after) {
    __typename seq
    ... on MessageCreated { messageId message { nonce content } }
    ... on MessageUpdated { messageId message { nonce content } }
    ... on MessageDeleted { messageId } ... on ReactionAdded { messageId } ... on ReactionRemoved { messageId } } }";

/// An event as a subscriber keeps it; its number is its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) kind: Kind,
    pub(crate) message: Uuid,
}

/// The kinds of events that this world has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Created,
    Updated,
    Deleted,
    ReactionAdded,
    ReactionRemoved,
}

impl Kind {
    /// From the API's word or the database's.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "MessageCreated" | "MESSAGE_CREATED" => Self::Created,
            "MessageUpdated" | "MESSAGE_UPDATED" => Self::Updated,
            "MessageDeleted" | "MESSAGE_DELETED" => Self::Deleted,
            "ReactionAdded" | "REACTION_ADDED" => Self::ReactionAdded,
            "ReactionRemoved" | "REACTION_REMOVED" => Self::ReactionRemoved,
            _ => return None,
        })
    }
}

impl Seen {
    /// An event of the API.
    pub(crate) fn of(event: &Value) -> Option<Self> {
        Some(Self {
            kind: Kind::parse(event["__typename"].as_str()?)?,
            message: uuid_of(event["messageId"].as_str()?)?,
        })
    }
}

/// One subscriber.
pub(crate) struct Subscriber {
    number: usize,
    /// Which of the world's channels.
    pub(crate) channel: usize,
    id: String,
    client: Client,
    recovery: Arc<Recovery>,
    /// Every event from the first, in order.
    pub(crate) seen: Vec<Seen>,
    /// Where the last subscriptions began and how they ended.
    past: VecDeque<String>,
    deadline: Option<Instant>,
}

impl Subscriber {
    pub(crate) fn new(number: usize, world: &World, recovery: &Arc<Recovery>) -> Self {
        let channel = number % world.channels.len();
        Self {
            number,
            channel,
            id: world.channels[channel].id.clone(),
            client: world.people[number % world.people.len()].clone(),
            recovery: recovery.clone(),
            seen: Vec::new(),
            past: VecDeque::new(),
            deadline: None,
        }
    }

    fn last(&self) -> i64 {
        i64::try_from(self.seen.len()).expect("it fits in memory")
    }

    fn ledger(&self) -> &Ledger {
        &self.client.ledger
    }

    /// Follows its channel, at another gateway after every break, until it is told the heads of all
    /// channels and has seen its own.
    pub(crate) async fn run(mut self, mut heads: watch::Receiver<Option<Arc<[i64]>>>) -> Self {
        let mut back_off = BACK_OFF;
        for turn in self.number.. {
            let gateway = turn % self.client.gateways();
            let before = self.last();
            let broken = self.follow(gateway, &mut heads).await;
            self.note(format!(
                "gateway {gateway} after {before}: {broken} at {}",
                self.last()
            ));
            if self.is_at(&heads) {
                return self;
            }
            if self.is_told(&heads) && self.deadline.is_some_and(|deadline| Instant::now() > deadline) {
                self.violated("the last events do not come");
                return self;
            }
            back_off = if self.last() > before {
                BACK_OFF
            } else {
                (back_off * 2).min(LONGEST_BACK_OFF)
            };
            sleep(back_off).await;
        }
        self
    }

    /// One subscription: how it ended.
    async fn follow(&mut self, gateway: usize, heads: &mut watch::Receiver<Option<Arc<[i64]>>>) -> String {
        let opened = timeout(ANSWER, async {
            let mut socket = self.client.socket(gateway).await?;
            let variables = json!({ "channel": self.id, "after": self.last() });
            socket.subscribe("1", DOCUMENT, &variables).await?;
            Ok(socket)
        });
        let mut socket = match opened.await {
            Ok(Ok(socket)) => socket,
            Ok(Err(broken)) => return self.broken(&broken),
            Err(_) => return "not opened in time".to_owned(),
        };
        count(&self.ledger().counts.subscriptions);
        while !self.is_at(heads) {
            let is_told = self.is_told(heads);
            let left = self
                .deadline
                .map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let message = tokio::select! {
                message = timeout(left.unwrap_or(SILENCE), socket.hear()) => message,
                // An error is that the test ends.
                _ = heads.changed(), if !is_told => continue,
            };
            match message {
                Ok(Ok(message)) => {
                    if let Err(ended) = self.hear(&message) {
                        return ended;
                    }
                }
                Ok(Err(broken)) => return self.broken(&broken),
                Err(_) => {
                    self.ledger().ended("subscription: silent".to_owned());
                    return "silent".to_owned();
                }
            }
        }
        "all seen".to_owned()
    }

    /// Whether it knows the heads; from then on its time is limited.
    fn is_told(&mut self, heads: &watch::Receiver<Option<Arc<[i64]>>>) -> bool {
        let is_told = heads.borrow().is_some();
        if is_told {
            self.deadline.get_or_insert_with(|| Instant::now() + LAST_EVENTS);
        }
        is_told
    }

    fn is_at(&self, heads: &watch::Receiver<Option<Arc<[i64]>>>) -> bool {
        let heads = heads.borrow();
        heads
            .as_ref()
            .is_some_and(|heads| self.last() >= heads[self.channel])
    }

    fn broken(&self, broken: &Broken) -> String {
        self.ledger().socket_ended(broken);
        if let Broken::Closed(code @ (4400 | 4401 | 4403 | 4409)) = broken {
            self.violated(&format!("the socket was closed with {code}"));
        }
        format!("{broken:?}")
    }

    /// One message of the protocol; an error is the end of the subscription.
    fn hear(&mut self, message: &Value) -> Result<(), String> {
        let errors = match message["type"].as_str() {
            Some("next") => &message["payload"]["errors"],
            Some("error") => &message["payload"],
            Some("complete") => {
                self.ledger().ended("subscription: complete".to_owned());
                return Err("complete".to_owned());
            }
            _ => return Ok(()),
        };
        if let Some(error) = errors.get(0) {
            let code = error["extensions"]["code"].as_str().unwrap_or("without a code");
            self.ledger().refused("subscription", code);
            if !matches!(code, "UNAVAILABLE" | "OVERLOADED" | "RATE_LIMITED" | "LAGGED") {
                self.violated(&format!("the subscription ended with {message}"));
            }
            return Err(code.to_owned());
        }
        self.event(&message["payload"]["data"]["messageEvents"]);
        Ok(())
    }

    fn event(&mut self, event: &Value) {
        let seq = event["seq"].as_i64().unwrap_or_default();
        if event["__typename"] == "StreamHead" {
            return;
        }
        let Some(seen) = Seen::of(event) else {
            self.violated(&format!("it is told {event} after {}", self.last()));
            return;
        };
        let counts = &self.ledger().counts;
        if seq != self.last() + 1 {
            let before = usize::try_from(seq - 1).ok().and_then(|at| self.seen.get(at));
            let (counter, what) = match before {
                Some(before) if *before == seen => (&counts.double, "double"),
                Some(_) => (&counts.disordered, "out of order"),
                None => (&counts.missing, "missing before it"),
            };
            count(counter);
            self.violated(&format!("{what}: {event} after {}", self.last()));
            return;
        }
        count(&counts.events);
        self.seen.push(seen);
        self.is_its_own(event);
        if seen.kind == Kind::Created {
            self.recovery.seen(self.number, made_at_ms(seen.message));
        }
    }

    /// A body belongs to its nonce, also when it is that of an edit or gone.
    fn is_its_own(&self, event: &Value) {
        let (nonce, content) = (&event["message"]["nonce"], &event["message"]["content"]);
        if let (Some(nonce), Some(content)) = (nonce.as_str().and_then(Nonce::parse), content.as_str())
            && content != nonce.text()
            && content != format!("{}, edited", nonce.text())
        {
            self.violated(&format!("a body of something else: {event}"));
        }
    }

    fn note(&mut self, what: String) {
        if self.past.len() == NEARBY {
            self.past.pop_front();
        }
        self.past.push_back(what);
    }

    /// Tells of a broken promise with what went before it.
    fn violated(&self, what: &str) {
        let from = self.seen.len().saturating_sub(NEARBY);
        let nearby: Vec<String> = self.seen[from..]
            .iter()
            .enumerate()
            .map(|(at, seen)| format!("{} {:?} {}", from + at + 1, seen.kind, seen.message))
            .collect();
        self.ledger().violated(format!(
            "subscriber {} of {}: {what}\n    seen last: {}\n    subscriptions: {}",
            self.number,
            self.id,
            nearby.join(", "),
            self.past.iter().cloned().collect::<Vec<_>>().join("; "),
        ));
    }
}
