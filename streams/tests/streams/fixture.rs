//! A database with streams in it, and short ways to write and to follow.

use crate::bus::{Faults, FaultyBus};
use chrono::{DateTime, Utc};
use commons_platform::{clock::SystemClock, db::Db};
use commons_streams::{Delivery, Event, NewEvent, StreamError, Streams, Subscription, Tuning, log};
use commons_testing::TestDatabase;
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// Nothing happens by itself: tests call `compare`.
pub(crate) fn by_hand() -> Tuning {
    Tuning {
        compare: HOUR,
        compare_fast: HOUR,
        linger: Duration::ZERO,
        ..Tuning::default()
    }
}

/// A small window and small pages, so that every path is walked.
pub(crate) fn cramped() -> Tuning {
    Tuning {
        window: 8,
        page: 5,
        ..by_hand()
    }
}

pub(crate) struct Fixture {
    pub(crate) database: TestDatabase,
    pub(crate) bus: Arc<FaultyBus>,
    pub(crate) streams: Streams,
    pub(crate) stream: Uuid,
}

impl Fixture {
    pub(crate) async fn new(faults: Faults, tuning: Tuning) -> Self {
        let database = TestDatabase::new().await;
        let bus = Arc::new(FaultyBus::new(1, faults));
        let stream = Uuid::from_u128(1);
        create(&database.db, stream).await;
        let streams = streams(&database.db, &bus, tuning);
        Self {
            database,
            bus,
            streams,
            stream,
        }
    }

    pub(crate) fn db(&self) -> &Db {
        &self.database.db
    }

    /// What another process has: its own connections, the same bus.
    pub(crate) async fn other(&self, tuning: Tuning) -> Streams {
        streams(&self.database.reconnect().await, &self.bus, tuning)
    }

    /// Commits `count` events without a word.
    pub(crate) async fn write(&self, count: usize) -> Vec<Arc<Event>> {
        write(self.db(), self.stream, count).await
    }

    /// Commits `count` events and announces them.
    pub(crate) async fn send(&self, count: usize) -> Vec<Arc<Event>> {
        let events = self.write(count).await;
        self.streams.announce(&events);
        events
    }

    pub(crate) async fn follow(&self, after: impl Into<Option<i64>>) -> Subscription {
        self.streams.follow(self.stream, after.into()).await.unwrap()
    }
}

fn streams(db: &Db, bus: &Arc<FaultyBus>, tuning: Tuning) -> Streams {
    Streams::tuned(db.clone(), bus.clone(), Arc::new(SystemClock::default()), tuning)
}

pub(crate) async fn create(db: &Db, stream: Uuid) {
    let tx = db.begin().await.unwrap();
    log::create(&tx, stream).await.unwrap();
    tx.commit().await.unwrap();
}

pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

pub(crate) fn event(stream: Uuid, number: usize) -> NewEvent {
    NewEvent {
        stream,
        kind: "happened",
        subject: Uuid::from_u128(number as u128),
        rev: 1,
        data: number
            .is_multiple_of(3)
            .then(|| serde_json::json!({ "number": number })),
        actor: number.is_multiple_of(2).then(|| Uuid::from_u128(99)),
        at: at(number as i64),
    }
}

pub(crate) async fn write(db: &Db, stream: Uuid, count: usize) -> Vec<Arc<Event>> {
    let tx = db.begin().await.unwrap();
    let events = (0..count).map(|number| event(stream, number)).collect();
    let stored = log::append(&tx, events).await.unwrap();
    tx.commit().await.unwrap();
    stored
}

/// All events of a stream after a number, straight from the table.
pub(crate) async fn stored(db: &Db, stream: Uuid, after: i64) -> Vec<Arc<Event>> {
    log::read(db.read(), stream, after, u32::MAX).await.unwrap()
}

/// The next delivery; a test that waits for what never comes fails.
pub(crate) async fn next(subscription: &mut Subscription) -> Result<Delivery, StreamError> {
    tokio::time::timeout(Duration::from_secs(60), subscription.next())
        .await
        .expect("nothing was delivered")
}

pub(crate) async fn head(subscription: &mut Subscription) -> i64 {
    match next(subscription).await.unwrap() {
        Delivery::Head(seq) => seq,
        other => panic!("{other:?} came before the head"),
    }
}

/// The events up to a number, without anything in between.
pub(crate) async fn until(subscription: &mut Subscription, seq: i64) -> Vec<Arc<Event>> {
    let mut events: Vec<Arc<Event>> = Vec::new();
    while events.last().is_none_or(|last| last.seq < seq) {
        match next(subscription).await.unwrap() {
            Delivery::Event(event) => events.push(event),
            other => panic!("{other:?} came between events"),
        }
    }
    events
}

pub(crate) fn seqs(events: &[Arc<Event>]) -> Vec<i64> {
    events.iter().map(|event| event.seq).collect()
}

/// Waits for what other tasks are about to do.
pub(crate) async fn eventually(mut happened: impl FnMut() -> bool) {
    let wait = async {
        while !happened() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait)
        .await
        .expect("it never happened");
}
