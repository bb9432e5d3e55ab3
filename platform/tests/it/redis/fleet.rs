//! Processes over one Redis and one database, and an audit of all they read.

use crate::loader::truth::{Note, Truth};
use commons_platform::{
    Platform, cache::Slot, clock::SystemClock, config::RedisConfig, loader::CachedLoader, secret::Secret,
    task::Guard,
};
use commons_testing::{
    TestDatabase,
    redis::{declare_new, ready, server::Server, settings},
};
use sea_orm::DatabaseConnection;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// The row that is read and written.
const ROW: u32 = 1;
/// How old a read may be.
const OLD: Duration = Duration::from_secs(2);
/// How long a call of the cache may take, on a busy machine.
const SLOW: Duration = Duration::from_millis(800);

/// A server, a database and a truth.
pub(crate) struct Fleet {
    pub(crate) server: Server,
    pub(crate) database: TestDatabase,
    redis: RedisConfig,
    audit: Arc<Audit>,
}

/// What was committed, and what was read.
struct Audit {
    truth: Arc<Truth>,
    last: AtomicI64,
    commits: Mutex<Vec<(Instant, i64)>>,
    old: Mutex<Vec<String>>,
    reads: AtomicUsize,
}

/// One process: it reads all the time, and writes until it is told to rest.
pub(crate) struct Process {
    pub(crate) platform: Platform,
    pub(crate) loader: CachedLoader<Note>,
    audit: Arc<Audit>,
    resting: Arc<AtomicBool>,
    _busy: Vec<Guard>,
}

impl Fleet {
    /// None where tests have no Redis.
    pub(crate) async fn new() -> Option<Self> {
        let server = Server::start().await?;
        let redis = settings(&server.url(), 250);
        declare_new(&redis).await;
        let truth = Truth::new();
        truth.commit(ROW, 0);
        Some(Self {
            server,
            database: TestDatabase::new().await,
            redis,
            audit: Arc::new(Audit {
                truth,
                last: AtomicI64::new(0),
                commits: Mutex::default(),
                old: Mutex::default(),
                reads: AtomicUsize::new(0),
            }),
        })
    }

    /// Another process.
    pub(crate) async fn process(&self) -> Process {
        self.process_by(&self.server.url()).await
    }

    /// Another process, which reaches Redis by an address of its own.
    pub(crate) async fn process_by(&self, url: &str) -> Process {
        let mut config = self.database.config.clone();
        config.redis = self.redis.clone();
        url.clone_into(&mut config.redis.url);
        let db = self.database.reconnect().await;
        let platform = Platform::assemble(
            config,
            db,
            Secret::new("a fleet"),
            Arc::new(SystemClock::default()),
        );
        let loader = CachedLoader::new(
            DatabaseConnection::default(),
            platform.cache.clone(),
            platform.bus.clone(),
            platform.clock.clone(),
        );
        ready(&*platform.bus, &*platform.cache).await;
        let resting = Arc::new(AtomicBool::new(false));
        let busy = vec![
            Guard::spawn(self.audit.clone().read(loader.clone())),
            Guard::spawn(self.audit.clone().read(loader.clone())),
            Guard::spawn(self.audit.clone().write(loader.clone(), resting.clone())),
        ];
        Process {
            platform,
            loader,
            audit: self.audit.clone(),
            resting,
            _busy: busy,
        }
    }

    /// Lets everything go on for a while.
    pub(crate) async fn live(&self, time: Duration) {
        let until = Instant::now() + time;
        eventually(time + OLD, "time passes", async || Instant::now() >= until).await;
    }

    /// Ends the test: what was read was new enough, and there were writes to be missed.
    pub(crate) fn judge(&self, least: usize) {
        let old = self.audit.old.lock().unwrap();
        assert!(old.is_empty(), "{} old reads, such as {}", old.len(), old[0]);
        let (reads, commits) = (
            self.audit.reads.load(Ordering::SeqCst),
            self.audit.commits.lock().unwrap().len(),
        );
        assert!(
            reads > 100 && commits >= least,
            "{reads} reads and {commits} commits prove little"
        );
    }
}

impl Audit {
    async fn read(self: Arc<Self>, loader: CachedLoader<Note>) {
        let mut pace = tokio::time::interval(Duration::from_millis(3));
        loop {
            pace.tick().await;
            let begun = Instant::now();
            let read = loader.get(&self.truth.key(ROW)).await;
            let read = read.unwrap().map_or(-1, |note| note.rev);
            self.reads.fetch_add(1, Ordering::SeqCst);
            let commits = self.commits.lock().unwrap();
            let known = commits.iter().rev().find(|(at, _)| *at + OLD <= begun);
            if let Some((at, rev)) = known.filter(|(_, rev)| *rev > read) {
                let age = begun - *at;
                self.old
                    .lock()
                    .unwrap()
                    .push(format!("{read} when {rev} was {age:?} old"));
            }
        }
    }

    async fn write(self: Arc<Self>, loader: CachedLoader<Note>, resting: Arc<AtomicBool>) {
        let mut pace = tokio::time::interval(Duration::from_millis(70));
        for turn in 1_u32.. {
            pace.tick().await;
            if resting.load(Ordering::SeqCst) {
                continue;
            }
            let begun = Instant::now();
            let writing = loader.writing(&[self.truth.key(ROW)]).await;
            let note = self.commit();
            // Now and then a request is cancelled after its commit.
            if turn % 9 != 0 {
                writing.wrote(vec![note]).await;
            }
            let took = begun.elapsed();
            if took > 2 * SLOW {
                self.old
                    .lock()
                    .unwrap()
                    .push(format!("a write that took {took:?}"));
            }
        }
    }

    fn commit(&self) -> Note {
        let mut commits = self.commits.lock().unwrap();
        let rev = self.last.fetch_add(1, Ordering::SeqCst) + 1;
        let note = self.truth.commit(ROW, rev);
        commits.push((Instant::now(), rev));
        note
    }
}

impl Process {
    /// Writes no more, for good or until [`Process::work`].
    pub(crate) fn rest(&self) {
        self.resting.store(true, Ordering::SeqCst);
    }

    pub(crate) fn work(&self) {
        self.resting.store(false, Ordering::SeqCst);
    }

    /// A write that is committed and never told of.
    pub(crate) async fn write_and_say_nothing(&self) {
        let writing = self.loader.writing(&[self.audit.truth.key(ROW)]).await;
        self.audit.commit();
        // Dropping it would say that it ended without a word; a process that dies says not even that.
        std::mem::forget(writing);
    }

    /// What the shared cache has for the row.
    pub(crate) async fn cached(&self) -> Option<Slot> {
        let key = format!("comm:test:note:{}", self.audit.truth.key(ROW));
        let keys = [key];
        let slot = self.platform.cache.get_many(&keys).await.ok()?.pop();
        if let Some(Slot::Miss(_)) = slot {
            // Somebody else is to fill it.
            self.platform.cache.remove(&keys).await.ok()?;
        }
        slot
    }

    /// Whether Redis answers calls, and how long it took to say so.
    pub(crate) async fn call(&self) -> (bool, Duration) {
        let begun = Instant::now();
        let answered = self
            .platform
            .cache
            .remove(&["comm:test:note:none".to_owned()])
            .await;
        (answered.is_ok(), begun.elapsed())
    }

    /// No call waits for a Redis that is away: the first for its deadline, the next not at all.
    pub(crate) async fn calls_fail_at_once(&self) {
        let (_, first) = self.call().await;
        assert!(first < SLOW, "the first call took {first:?}");
        let begun = Instant::now();
        for _ in 0..20 {
            assert!(!self.call().await.0);
        }
        assert!(begun.elapsed() < SLOW, "20 calls took {:?}", begun.elapsed());
    }

    /// Redis answers again, and so does the bus.
    pub(crate) async fn recovers(&self) {
        let what = "Redis answers this process again";
        eventually(Duration::from_secs(4), what, async || {
            self.call().await.0 && self.platform.bus.connected()
        })
        .await;
    }

    /// The shared cache has the row again.
    pub(crate) async fn caches_again(&self) {
        let what = "the shared cache is used again";
        eventually(Duration::from_secs(20), what, async || {
            matches!(self.cached().await, Some(Slot::Hit(_)))
        })
        .await;
    }
}

/// Waits for something that must come in time.
pub(crate) async fn eventually(patience: Duration, what: &str, mut done: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(patience, waiting)
        .await
        .unwrap_or_else(|_| panic!("in time: {what}"));
}
