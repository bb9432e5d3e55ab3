//! What clients were told, and what was wrong with it.

use crate::{process::lock, socket::Broken};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};
use uuid::Uuid;

/// Violations that are kept with their text; the others are only counted.
const KEPT: usize = 60;

/// A sender's word for one of its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Nonce {
    pub(crate) sender: u16,
    pub(crate) turn: u32,
}

impl Nonce {
    /// The nonce in a text that begins with one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (sender, turn) = text.split_once('-')?;
        Some(Self {
            sender: sender.parse().ok()?,
            turn: turn.parse().ok()?,
        })
    }

    /// What its message says.
    pub(crate) fn text(self) -> String {
        format!("the text of {self}")
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.sender, self.turn)
    }
}

/// A send that was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) nonce: Nonce,
    /// Which of the world's channels.
    pub(crate) channel: usize,
    pub(crate) message: Uuid,
    pub(crate) seq: i64,
}

/// What an actor knows of one of its messages at the end.
#[derive(Debug, Clone)]
pub(crate) struct Fate {
    pub(crate) message: Uuid,
    /// Its body, or none once it is deleted; unknown when nothing was answered in time.
    pub(crate) content: Known<Option<String>>,
    /// Whether the actor's emoji is on it.
    pub(crate) reaction: Known<bool>,
}

/// What a client can be sure of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Known<T> {
    Surely(T),
    Unknown,
}

/// Everything that is counted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) acknowledged: AtomicU64,
    /// Attempts beyond the first.
    pub(crate) retries: AtomicU64,
    /// Sends that were made again on purpose after they were acknowledged.
    pub(crate) repeated: AtomicU64,
    /// Sends that got no acknowledgement in time.
    pub(crate) given_up: AtomicU64,
    /// Edits, deletes and reactions that were acknowledged.
    pub(crate) acts: AtomicU64,
    pub(crate) events: AtomicU64,
    /// Subscriptions that were begun.
    pub(crate) subscriptions: AtomicU64,
    pub(crate) missing: AtomicU64,
    pub(crate) double: AtomicU64,
    pub(crate) disordered: AtomicU64,
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// What a counter says.
pub(crate) fn counted(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// The records of all clients.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) counts: Counts,
    sent: Mutex<Vec<Sent>>,
    given_up: Mutex<Vec<Nonce>>,
    fates: Mutex<Vec<Fate>>,
    endings: Mutex<BTreeMap<String, u64>>,
    violations: Mutex<(u64, Vec<String>)>,
}

impl Ledger {
    pub(crate) fn sent(&self, sent: Sent) {
        count(&self.counts.acknowledged);
        lock(&self.sent).push(sent);
    }

    /// Nobody knows whether it is there.
    pub(crate) fn gave_up(&self, nonce: Nonce) {
        count(&self.counts.given_up);
        lock(&self.given_up).push(nonce);
    }

    pub(crate) fn fate(&self, fate: Fate) {
        lock(&self.fates).push(fate);
    }

    /// A request was refused with a code.
    pub(crate) fn refused(&self, what: &str, code: &str) {
        self.ended(format!("{what}: {code}"));
    }

    /// A socket ended.
    pub(crate) fn socket_ended(&self, broken: &Broken) {
        self.ended(match broken {
            Broken::Unopened => "socket: not opened".to_owned(),
            Broken::Closed(code) => format!("socket: closed with {code}"),
            Broken::Cut => "socket: cut".to_owned(),
        });
    }

    /// Something ended in a way that is worth counting.
    pub(crate) fn ended(&self, how: String) {
        *lock(&self.endings).entry(how).or_default() += 1;
    }

    /// A promise is broken; said at once, so that the fault it belongs to is seen beside it.
    pub(crate) fn violated(&self, what: String) {
        println!("violation: {what}");
        let mut violations = lock(&self.violations);
        violations.0 += 1;
        if violations.1.len() < KEPT {
            violations.1.push(what);
        }
    }

    /// How many promises were broken, and the first of them.
    pub(crate) fn violations(&self) -> (u64, Vec<String>) {
        lock(&self.violations).clone()
    }

    pub(crate) fn all_sent(&self) -> Vec<Sent> {
        lock(&self.sent).clone()
    }

    pub(crate) fn all_given_up(&self) -> Vec<Nonce> {
        lock(&self.given_up).clone()
    }

    pub(crate) fn fates(&self) -> Vec<Fate> {
        lock(&self.fates).clone()
    }

    pub(crate) fn endings(&self) -> BTreeMap<String, u64> {
        lock(&self.endings).clone()
    }
}
