//! The near cache: decoded rows in this process, the loads that are under way, and who writes.
//!
//! The three are one thing because a row may be stored only if nobody changed it since its load
//! began. A load is known by its key for as long as it may still be stored or joined; whoever
//! changes the row takes it out, *detaches* it: it still answers those who wait for it, but nobody
//! joins it any more and it stores nothing.
//!
//! Reading a stored row takes no lock. Everything else happens under one, without waiting.

use super::{Cached, LoadError, NEAR_TTL, Row, Wanted, suffices};
use crate::cache::{Writer, Writers};
use chrono::{DateTime, Utc};
use futures_util::{FutureExt, future::Shared};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::oneshot;

/// When the memory of rows that nobody asks for is given back, at the latest.
const FREED: Duration = Duration::from_secs(60);

/// What a load found, for every key it was asked for.
pub(super) type Arrival<E> = Result<Arc<HashMap<<E as Cached>::Key, Row<E>>>, LoadError>;
/// What those wait for who joined a load; it fails when the load was given up.
pub(super) type Landing<E> = Shared<oneshot::Receiver<Arrival<E>>>;

/// See the module's text.
pub(super) struct Near<E: Cached> {
    rows: moka::sync::Cache<E::Key, Entry<E>>,
    state: Mutex<State<E>>,
    /// Rows of an earlier epoch are void.
    epoch: AtomicU64,
}

struct Entry<E> {
    row: Row<E>,
    until: DateTime<Utc>,
    epoch: u64,
}

impl<E> Clone for Entry<E> {
    fn clone(&self) -> Self {
        Self {
            row: self.row.clone(),
            until: self.until,
            epoch: self.epoch,
        }
    }
}

struct State<E: Cached> {
    flights: HashMap<E::Key, Flight<E>>,
    writers: HashMap<E::Key, Writers>,
    sweep_at: usize,
    last: u64,
}

struct Flight<E: Cached> {
    number: u64,
    /// What it finds was true at this moment at the earliest.
    begun: DateTime<Utc>,
    /// The revision it will find at least, because somebody who asked for it began the load.
    least: i64,
    landing: Landing<E>,
}

/// A load that its caller has to start.
pub(super) struct Departure<E: Cached> {
    pub(super) number: u64,
    pub(super) wanted: Vec<Wanted<E>>,
    pub(super) arrived: oneshot::Sender<Arrival<E>>,
}

/// What came of asking for keys that were not near.
pub(super) struct Boarding<E: Cached> {
    /// Loads to wait for, each with the keys wanted from it.
    pub(super) waits: Vec<(Landing<E>, Vec<Wanted<E>>)>,
    /// How many of the keys are in loads that others began.
    pub(super) joined: usize,
    /// The load of all other keys; it is among `waits`.
    pub(super) departure: Option<Departure<E>>,
}

impl<E: Cached> Near<E> {
    pub(super) fn new() -> Self {
        Self {
            rows: moka::sync::Cache::builder()
                .max_capacity(E::CAPACITY)
                .time_to_live(FREED)
                .build(),
            state: Mutex::new(State {
                flights: HashMap::new(),
                writers: HashMap::new(),
                sweep_at: 64,
                last: 0,
            }),
            epoch: AtomicU64::new(0),
        }
    }

    /// A row that is stored and new enough.
    pub(super) fn get(&self, key: &E::Key, least: i64, now: DateTime<Utc>) -> Option<Row<E>> {
        let entry = self.rows.get(key)?;
        let live = entry.until > now && entry.epoch == self.epoch.load(Ordering::Acquire);
        (live && suffices(&entry.row, least)).then_some(entry.row)
    }

    /// Joins the loads under way that will do, and plans one for the other keys.
    ///
    /// A load in which an older revision would do is not joined but replaced: it may have read the
    /// row before the event that the caller follows. Nor is one that takes longer than a row may be
    /// stored: writes that nobody here heard of may have come after its reading.
    pub(super) fn board(&self, wanted: Vec<Wanted<E>>, now: DateTime<Utc>) -> Boarding<E> {
        let mut state = self.lock();
        let mut waits: HashMap<u64, (Landing<E>, Vec<Wanted<E>>)> = HashMap::new();
        let mut own = Vec::new();
        for (key, least) in wanted {
            match state.flights.get(&key) {
                Some(flight) if flight.least >= least && now < flight.begun + NEAR_TTL => {
                    let wait = waits
                        .entry(flight.number)
                        .or_insert_with(|| (flight.landing.clone(), Vec::new()));
                    wait.1.push((key, least));
                }
                _ => own.push((key, least)),
            }
        }
        let joined = waits.values().map(|(_, keys)| keys.len()).sum();
        let mut waits: Vec<_> = waits.into_values().collect();
        let departure = (!own.is_empty()).then(|| {
            state.last += 1;
            let number = state.last;
            let (arrived, landing) = oneshot::channel();
            let landing = landing.shared();
            for (key, least) in &own {
                let flight = Flight {
                    number,
                    begun: now,
                    least: *least,
                    landing: landing.clone(),
                };
                state.flights.insert(key.clone(), flight);
            }
            waits.push((landing, own.clone()));
            Departure {
                number,
                wanted: own,
                arrived,
            }
        });
        Boarding {
            waits,
            joined,
            departure,
        }
    }

    /// Stores what a load found, where it was not detached and nobody writes, and ends it.
    pub(super) fn land(
        &self,
        number: u64,
        rows: &HashMap<E::Key, Row<E>>,
        trusted: bool,
        now: DateTime<Utc>,
    ) {
        let mut state = self.lock();
        for (key, row) in rows {
            if let Some(begun) = state.end(key, number)
                && trusted
                && !state.written(key, now)
            {
                self.store(key, row.clone(), begun);
            }
        }
    }

    /// Ends a load that found nothing: it failed, died or was given up.
    pub(super) fn crash(&self, number: u64, wanted: &[Wanted<E>]) {
        let mut state = self.lock();
        for (key, _) in wanted {
            state.end(key, number);
        }
    }

    /// A writer of this process is about to change rows: they are not near until it is done.
    pub(super) fn enter(&self, writer: Writer, keys: &[E::Key], until: DateTime<Utc>, now: DateTime<Utc>) {
        let mut state = self.lock();
        state.sweep(now);
        for key in keys {
            state
                .writers
                .entry(key.clone())
                .or_default()
                .enter(writer, until, now);
            self.rows.invalidate(key);
        }
    }

    /// A writer of this process has changed a row since it entered at `begun`. What it wrote is stored
    /// if nobody else did; none means that the row is gone or as it was.
    pub(super) fn leave(
        &self,
        writer: Writer,
        key: &E::Key,
        row: Row<E>,
        trusted: bool,
        [begun, now]: [DateTime<Utc>; 2],
    ) {
        let mut state = self.lock();
        state.flights.remove(key);
        let alone = state
            .writers
            .get_mut(key)
            .is_some_and(|writers| writers.leave(writer, now));
        if !state.written(key, now) {
            state.writers.remove(key);
        }
        if alone && trusted && row.is_some() {
            self.store(key, row, begun);
        } else {
            self.rows.invalidate(key);
        }
    }

    /// A writer of this process ended without a word: whatever is known of its rows is void.
    pub(super) fn forget<'a>(&self, keys: impl IntoIterator<Item = &'a E::Key>) {
        let mut state = self.lock();
        for key in keys {
            state.flights.remove(key);
            self.rows.invalidate(key);
        }
    }

    /// Another process has written a row: what is older than `rev` is void.
    pub(super) fn heard(&self, key: &E::Key, rev: i64) {
        let mut state = self.lock();
        if state.flights.get(key).is_some_and(|flight| flight.least < rev) {
            state.flights.remove(key);
        }
        if let Some(writers) = state.writers.get_mut(key) {
            writers.disturb();
        }
        if self.rows.get(key).is_some_and(|entry| !suffices(&entry.row, rev)) {
            self.rows.invalidate(key);
        }
    }

    /// Anything may have been written unheard: everything is void.
    pub(super) fn reset(&self) {
        let mut state = self.lock();
        self.epoch.fetch_add(1, Ordering::AcqRel);
        state.flights.clear();
        for writers in state.writers.values_mut() {
            writers.disturb();
        }
    }

    /// Stores a row as of a moment after which alone others may have replaced it. That it is the newest
    /// that this process knows of follows from who may call: nobody here writes the row, and nobody did
    /// since it was read.
    fn store(&self, key: &E::Key, row: Row<E>, as_of: DateTime<Utc>) {
        let epoch = self.epoch.load(Ordering::Acquire);
        self.rows.insert(
            key.clone(),
            Entry {
                row,
                until: as_of + NEAR_TTL,
                epoch,
            },
        );
    }

    fn lock(&self) -> MutexGuard<'_, State<E>> {
        // A panic under this lock can only come from a key's own `Hash` or `Eq`.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Cached> State<E> {
    /// Ends a load of a key and tells when it began; none when it was detached before.
    fn end(&mut self, key: &E::Key, number: u64) -> Option<DateTime<Utc>> {
        let begun = self
            .flights
            .get(key)
            .filter(|flight| flight.number == number)?
            .begun;
        self.flights.remove(key);
        Some(begun)
    }

    /// Whether a writer of this process is at work on a row.
    fn written(&mut self, key: &E::Key, now: DateTime<Utc>) -> bool {
        self.writers.get_mut(key).is_some_and(|writers| writers.any(now))
    }

    /// Forgets, now and then, the writers that never said how it ended.
    fn sweep(&mut self, now: DateTime<Utc>) {
        if self.writers.len() >= self.sweep_at {
            self.writers.retain(|_, writers| writers.any(now));
            self.sweep_at = (2 * self.writers.len()).max(64);
        }
    }
}
