//! Processes over one truth, one cache and one bus, both of which fail on command.

use super::truth::{Key, Note, Truth};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use commons_platform::{
    bus::{Bus, BusError, Hub, Listener},
    cache::{Cache, CacheError, Fill, MemoryCache, Put, Slot, Writer},
    clock::ManualClock,
    loader::CachedLoader,
};
use sea_orm::DatabaseConnection;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Everything a test needs.
pub(crate) struct World {
    pub(crate) truth: Arc<Truth>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) cache: Arc<Cut>,
    pub(crate) bus: Arc<Line>,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::new(
            DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000),
        ));
        let memory = Arc::new(MemoryCache::new(clock.clone(), 1 << 20));
        Self::over(memory, clock)
    }

    /// Over a cache that goes by a clock.
    pub(crate) fn over(cache: Arc<dyn Cache>, clock: Arc<ManualClock>) -> Self {
        Self {
            truth: Truth::new(),
            clock,
            cache: Arc::new(Cut {
                cache,
                down: AtomicBool::new(false),
                asked: AtomicUsize::new(0),
                busy: AtomicUsize::new(0),
            }),
            bus: Arc::new(Line {
                hub: Hub::new(64),
                down: AtomicBool::new(false),
                kept: Mutex::default(),
            }),
        }
    }

    /// Another process, which listens to the bus if that is up.
    pub(crate) async fn process(&self) -> CachedLoader<Note> {
        let db = DatabaseConnection::default();
        let loader = CachedLoader::new(db, self.cache.clone(), self.bus.clone(), self.clock.clone());
        self.settle().await;
        loader
    }

    pub(crate) fn key(&self, row: u32) -> Key {
        self.truth.key(row)
    }

    pub(crate) fn keys(&self, rows: impl IntoIterator<Item = u32>) -> Vec<Key> {
        rows.into_iter().map(|row| self.key(row)).collect()
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    /// What a process reads now: the revision of a row, if there is one.
    pub(crate) async fn read(&self, process: &CachedLoader<Note>, row: u32) -> Option<i64> {
        process.get(&self.key(row)).await.unwrap().map(|note| note.rev)
    }

    /// A whole write by a process, told to everybody.
    pub(crate) async fn write(&self, process: &CachedLoader<Note>, row: u32, rev: i64) {
        let writing = process.writing(&[self.key(row)]).await;
        writing.wrote(vec![self.truth.commit(row, rev)]).await;
        settle().await;
    }

    /// As [`settle`], also where the cache is somewhere else.
    pub(crate) async fn settle(&self) {
        settle().await;
        while self.cache.busy.load(Ordering::SeqCst) > 0 {
            settle().await;
        }
    }
}

/// Lets every task run until it waits for something that a test has to do. One thread runs all of
/// them, so a task is done or waiting when it had its turns.
pub(crate) async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// A cache that can be cut off: then every call fails. Counts the calls that read.
pub(crate) struct Cut {
    cache: Arc<dyn Cache>,
    down: AtomicBool,
    asked: AtomicUsize,
    /// Calls under way.
    busy: AtomicUsize,
}

/// Counts a call for as long as it is under way.
struct Busy<'a>(&'a AtomicUsize);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Cut {
    pub(crate) fn down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// What is behind the cut.
    pub(crate) fn itself(&self) -> &dyn Cache {
        &*self.cache
    }

    /// How often it was read from.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn up<T>(&self, call: impl Future<Output = Result<T, CacheError>>) -> Result<T, CacheError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(CacheError::TimedOut);
        }
        self.busy.fetch_add(1, Ordering::SeqCst);
        let _busy = Busy(&self.busy);
        call.await
    }
}

#[async_trait::async_trait]
impl Cache for Cut {
    async fn get_many(&self, keys: &[String]) -> Result<Vec<Slot>, CacheError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.up(self.cache.get_many(keys)).await
    }
    async fn fill(&self, items: Vec<Fill>) -> Result<(), CacheError> {
        self.up(self.cache.fill(items)).await
    }
    async fn tombstone(&self, writer: Writer, keys: &[String], ttl: Duration) -> Result<(), CacheError> {
        self.up(self.cache.tombstone(writer, keys, ttl)).await
    }
    async fn put(&self, writer: Writer, items: Vec<Put>) -> Result<(), CacheError> {
        self.up(self.cache.put(writer, items)).await
    }
    async fn release(&self, writer: Writer, keys: &[String]) -> Result<(), CacheError> {
        self.up(self.cache.release(writer, keys)).await
    }
    async fn remove(&self, keys: &[String]) -> Result<(), CacheError> {
        self.up(self.cache.remove(keys)).await
    }
    async fn wipe(&self) -> Result<(), CacheError> {
        self.up(self.cache.wipe()).await
    }
}

/// A bus whose line can be cut: what is said meanwhile is lost, and the loss is heard afterwards.
pub(crate) struct Line {
    hub: Hub,
    down: AtomicBool,
    /// Messages that a test holds back, once it asked for that.
    kept: Mutex<Option<Vec<(String, Bytes)>>>,
}

impl Line {
    pub(crate) fn cut(&self) {
        self.down.store(true, Ordering::SeqCst);
    }

    /// The line is back; the listeners are not told of the loss yet.
    pub(crate) fn mend(&self) {
        self.down.store(false, Ordering::SeqCst);
    }

    /// Loses messages without a word until the listeners are told.
    pub(crate) fn keep(&self) {
        *self.kept.lock().unwrap() = Some(Vec::new());
    }

    /// Delivers what was held back.
    pub(crate) fn deliver(&self) {
        for (subject, payload) in self.kept.lock().unwrap().take().unwrap_or_default() {
            self.hub.tell(&subject, &payload);
        }
    }

    /// How many subjects somebody listens to.
    pub(crate) fn subjects(&self) -> usize {
        self.hub.subjects()
    }

    /// Tells everybody that something was lost.
    pub(crate) fn missed(&self) {
        self.hub.missed();
    }
}

#[async_trait::async_trait]
impl Bus for Line {
    async fn publish(&self, subject: &str, payload: Bytes) {
        if self.down.load(Ordering::SeqCst) {
            return;
        }
        if let Some(kept) = &mut *self.kept.lock().unwrap() {
            kept.push((subject.to_owned(), payload));
            return;
        }
        self.hub.tell(subject, &payload);
    }

    async fn subscribe(&self, subject: &str) -> Result<Listener, BusError> {
        if self.connected() {
            Ok(self.hub.listen(subject))
        } else {
            Err(BusError::Unavailable("a test cut the line".into()))
        }
    }

    fn connected(&self) -> bool {
        !self.down.load(Ordering::SeqCst)
    }
}
