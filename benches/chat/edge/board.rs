//! What a crowd has in common: how many of it are live, what each got and when, what went wrong.

use anyhow::bail;
use std::{
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{
            AtomicBool, AtomicU64, AtomicUsize,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    time::Instant,
};

/// How many failures are kept to be told.
const EXAMPLES: usize = 3;

/// What one follower got.
#[derive(Debug, Default, Clone)]
pub(super) struct Record {
    /// The number of its last event; 0 before it is live.
    pub(super) last: i64,
    /// Since when it is live: it knows where the stream stood and has everything up to there.
    pub(super) live: Option<Instant>,
    times: Vec<(i64, Instant)>,
}

/// Written by followers, read by the measurement: whoever sees a count sees the records it counts.
#[derive(Debug)]
pub(super) struct Board {
    live: AtomicUsize,
    received: AtomicU64,
    gone: AtomicUsize,
    retries: AtomicUsize,
    /// Whether connections may end.
    ending: AtomicBool,
    /// Whether receipts are written down.
    timing: AtomicBool,
    failed: AtomicUsize,
    failures: Mutex<Vec<String>>,
    sample: OnceLock<Vec<u8>>,
    records: Vec<Mutex<Record>>,
}

impl Board {
    /// For so many followers.
    pub(super) fn new(followers: usize) -> Self {
        Self {
            live: AtomicUsize::new(0),
            received: AtomicU64::new(0),
            gone: AtomicUsize::new(0),
            retries: AtomicUsize::new(0),
            ending: AtomicBool::new(false),
            timing: AtomicBool::new(false),
            failed: AtomicUsize::new(0),
            failures: Mutex::default(),
            sample: OnceLock::new(),
            records: (0..followers).map(|_| Mutex::default()).collect(),
        }
    }

    /// A follower is live from now on.
    pub(super) fn joined(&self, follower: usize, last: i64) {
        let mut record = lock(&self.records[follower]);
        record.last = last;
        record.live = Some(Instant::now());
        self.live.fetch_add(1, Release);
    }

    /// A follower got the message that comes next, in this text.
    pub(super) fn delivered(&self, follower: usize, seq: i64, text: &[u8]) {
        let mut record = lock(&self.records[follower]);
        record.last = seq;
        if self.timing.load(Relaxed) {
            record.times.push((seq, Instant::now()));
        }
        drop(record);
        self.received.fetch_add(1, Release);
        if self.sample.get().is_none() {
            // Another was faster, which is as good.
            let _kept = self.sample.set(text.to_vec());
        }
    }

    /// A follower's connection is over: a failure, unless it may be.
    pub(super) fn ended(&self, follower: usize, why: &anyhow::Error) {
        if self.ending.load(Relaxed) {
            self.gone.fetch_add(1, Release);
            return;
        }
        self.failed.fetch_add(1, Relaxed);
        let mut failures = lock(&self.failures);
        if failures.len() < EXAMPLES {
            failures.push(format!("follower {follower}: {why:#}"));
        }
    }

    /// A connection was refused and is tried again.
    pub(super) fn retried(&self) {
        self.retries.fetch_add(1, Relaxed);
    }

    /// # Errors
    /// When a follower failed.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        match self.failed.load(Relaxed) {
            0 => Ok(()),
            failed => bail!(
                "{failed} of {} followers failed, such as {:?}",
                self.records.len(),
                lock(&self.failures)
            ),
        }
    }

    /// How many are live or were.
    pub(super) fn live(&self) -> usize {
        self.live.load(Acquire)
    }

    /// How many messages were received by all together.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Acquire)
    }

    /// How many connections ended since they may.
    pub(super) fn gone(&self) -> usize {
        self.gone.load(Acquire)
    }

    /// How many connections were refused and tried again.
    pub(super) fn retries(&self) -> usize {
        self.retries.load(Relaxed)
    }

    /// From now on connections may end.
    pub(super) fn expect_the_end(&self) {
        self.ending.store(true, Relaxed);
    }

    /// Whether to write down when messages are received.
    pub(super) fn time(&self, timing: bool) {
        self.timing.store(timing, Relaxed);
    }

    /// What was written down since the last call: numbers and when they were received.
    pub(super) fn times(&self) -> Vec<(i64, Instant)> {
        let take = |record: &Mutex<Record>| std::mem::take(&mut lock(record).times);
        self.records.iter().flat_map(take).collect()
    }

    /// The text in which the first message came.
    pub(super) fn sample(&self) -> Option<&[u8]> {
        self.sample.get().map(Vec::as_slice)
    }

    /// What each follower got.
    pub(super) fn records(&self) -> Vec<Record> {
        self.records.iter().map(|record| lock(record).clone()).collect()
    }
}

/// A follower that panicked left nothing half done.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
