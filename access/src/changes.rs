//! How a process hears that somebody's standing changed: from itself at once, from others within
//! 400 ms.
//!
//! The log in the database is the truth and is read every 400 ms, always; the bus only makes it
//! sooner. Whatever way a change is heard, what is kept of its subject is forgotten first, then
//! those who wait for the subject are woken.

mod listeners;
mod log;
mod reader;

pub use listeners::Listener;

use crate::{Change, Recorded, Subject, change};
use bytes::Bytes;
use chrono::TimeDelta;
use commons_entities::{SessionId, TypedId};
use commons_platform::{Platform, auth::Tokens, bus::Bus, db::Db, task::Guard};
use listeners::Listeners;
use sea_orm::DbErr;
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Mutex as AsyncMutex, broadcast},
    time::Instant,
};

/// The bus subject that says that there are new changes; its messages are empty.
pub const BUS_SUBJECT: &str = "access";

/// How many changes a follower may be behind.
const FEED: usize = 4096;

/// How long after the last reading of the log what this process keeps is still believed.
const FRESH: Duration = Duration::from_secs(1);

/// How far back sessions are asked for at the start: an access token's life and a minute for clocks
/// that differ.
const SESSIONS: TimeDelta = TimeDelta::minutes(6);

/// The changes of standing that a process hears of; cheap to clone. One a process.
#[derive(Clone, Debug)]
pub struct Changes {
    hub: Arc<Hub>,
    _reader: Arc<Guard>,
}

struct Hub {
    db: Db,
    bus: Arc<dyn Bus>,
    tokens: Arc<Tokens>,
    forget: Box<dyn Fn(&Subject) + Send + Sync>,
    listeners: Arc<Listeners>,
    feed: broadcast::Sender<Change>,
    /// The version up to which the log was read; locked while it is read.
    read_upto: AsyncMutex<i64>,
    /// When the last reading that succeeded began.
    read_at: Mutex<Instant>,
    /// Announced here and not yet read from the log.
    announced: Mutex<HashSet<Change>>,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub")
            .field("listeners", &self.listeners)
            .finish_non_exhaustive()
    }
}

/// What a follower hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// A change; the same one may be heard twice.
    Change(Change),
    /// The follower was too slow and changes are gone: everything must be checked again.
    Missed,
}

/// Hears every change from its start on.
#[derive(Debug)]
pub struct Follower(broadcast::Receiver<Change>);

impl Changes {
    /// Begins to hear: sessions revoked in the last minutes are known when this returns, and all
    /// that is committed from now on will be heard.
    ///
    /// `forget` is called for each change before anybody else hears of it; it must not block.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start(
        platform: &Platform,
        forget: impl Fn(&Subject) + Send + Sync + 'static,
    ) -> Result<Self, DbErr> {
        let started = Instant::now();
        let head = change::head(platform.db.read()).await?;
        for session in log::sessions_since(platform.db.read(), platform.clock.now() - SESSIONS).await? {
            platform.tokens.revoke_session(session.uuid());
        }
        let hub = Arc::new(Hub {
            db: platform.db.clone(),
            bus: platform.bus.clone(),
            tokens: platform.tokens.clone(),
            forget: Box::new(forget),
            listeners: Arc::default(),
            feed: broadcast::Sender::new(FEED),
            read_upto: AsyncMutex::new(head),
            read_at: Mutex::new(started),
            announced: Mutex::default(),
        });
        let reader = Guard::spawn(reader::run(hub.clone()));
        Ok(Self {
            hub,
            _reader: Arc::new(reader),
        })
    }

    /// Tells this process and the others what a transaction recorded, once it is committed. When
    /// this returns, nothing here answers from before the change.
    pub async fn announce(&self, recorded: Recorded) {
        self.hub.announce(&recorded);
        self.hub.bus.publish(BUS_SUBJECT, Bytes::new()).await;
    }

    /// Waits for changes of these subjects only.
    pub fn listen(&self, subjects: &[Subject]) -> Listener {
        self.hub.listeners.listen(subjects)
    }

    /// Hears every change.
    pub fn follow(&self) -> Follower {
        Follower(self.hub.feed.subscribe())
    }

    /// Whether a session was revoked lately; see [`Tokens::is_revoked`].
    pub fn is_revoked(&self, session: SessionId) -> bool {
        self.hub.tokens.is_revoked(session.uuid())
    }

    /// Whether all changes older than a second have been heard. While this is false, answers come
    /// from the database alone.
    pub fn is_fresh(&self) -> bool {
        lock(&self.hub.read_at).elapsed() < FRESH
    }

    /// Reads the log now instead of at the next turn.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(&self) -> Result<(), DbErr> {
        self.hub.read().await
    }
}

impl Follower {
    /// The next change; none once the process hears nothing any more. Safe to cancel.
    pub async fn next(&mut self) -> Option<Heard> {
        match self.0.recv().await {
            Ok(change) => Some(Heard::Change(change)),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Heard::Missed),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

impl Hub {
    fn announce(&self, recorded: &Recorded) {
        for subject in &recorded.subjects {
            let change = Change {
                subject: *subject,
                version: recorded.version,
            };
            lock(&self.announced).insert(change);
            self.hear(change);
        }
    }

    fn hear(&self, change: Change) {
        if let Subject::Session(session) = change.subject {
            self.tokens.revoke_session(session.uuid());
        }
        (self.forget)(&change.subject);
        self.listeners.wake(&change.subject);
        // Without a follower there is nobody to tell.
        let _ = self.feed.send(change);
    }

    /// Hears all changes above the last version that was read.
    async fn read(&self) -> Result<(), DbErr> {
        let mut upto = self.read_upto.lock().await;
        let began = Instant::now();
        let (mut newest, mut place, mut more) = (*upto, None, true);
        while more {
            let rows;
            (rows, more) = log::after(self.db.background(), *upto, &place).await?;
            for row in rows {
                // The head of the log, and what a newer version of this program writes, is nobody's.
                if let Ok(subject) = row.subject.parse() {
                    let change = Change {
                        subject,
                        version: row.version,
                    };
                    if !lock(&self.announced).contains(&change) {
                        self.hear(change);
                    }
                }
                newest = row.version;
                place = Some((row.version, row.subject));
            }
        }
        *upto = newest;
        lock(&self.announced).retain(|change| change.version > newest);
        *lock(&self.read_at) = began;
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
