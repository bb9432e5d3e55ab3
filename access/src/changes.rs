//! How a process hears that somebody's standing changed: from itself at once, from others within
//! 400 ms.
//!
//! The log in the database is the truth. Who has the database reads it every 400 ms, always; the bus
//! only makes it sooner. Who has none watches somebody who has, and counts as heard only what was read
//! after it asked. Whatever way a change is heard, what is kept of its subject is forgotten first, then
//! those who wait for the subject are woken.

mod hub;
mod listeners;
mod log;
mod query;
mod sweeper;
mod watcher;

pub use listeners::Listener;
pub use log::BUS_SUBJECT;
pub(crate) use log::Log;

use crate::{Change, Recorded, Subject, rpc::Client};
use commons_entities::{SessionId, TypedId};
use commons_platform::{ApiError, Platform, auth::Tokens, task::Guard};
use hub::Hub;
use sea_orm::DbErr;
use std::sync::Arc;
use tokio::sync::broadcast;
use watcher::Watcher;

/// The changes of standing that a process hears of; cheap to clone. One a process.
#[derive(Clone, Debug)]
pub struct Changes {
    hub: Arc<Hub>,
    source: Source,
    _tasks: Arc<[Guard]>,
}

#[derive(Clone, Debug)]
enum Source {
    Log(Arc<Log>),
    Watch(Arc<Watcher>),
}

/// What a follower hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// A change; the same one may be heard twice.
    Change(Change),
    /// The follower was too slow, or the process could not hear for a while: everything must be checked
    /// again.
    Missed,
}

/// Hears every change from its start on.
#[derive(Debug)]
pub struct Follower(broadcast::Receiver<Heard>);

impl Changes {
    /// Begins to read the log: sessions revoked in the last minutes are known when this returns, and
    /// all that is committed from now on will be heard.
    ///
    /// `forget` is called for each change before anybody else hears of it, with [`Heard::Missed`] when
    /// everything must be forgotten; it must not block.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start(
        platform: &Platform,
        forget: impl Fn(&Heard) + Send + Sync + 'static,
    ) -> Result<Self, DbErr> {
        let log = Arc::new(Log::open(platform, forget).await?);
        let tasks = [
            Guard::background("access changes", log.clone().run()),
            Guard::background("access sweeper", sweeper::run(log.clone())),
        ];
        Ok(Self {
            hub: log.hub.clone(),
            source: Source::Log(log),
            _tasks: Arc::new(tasks),
        })
    }

    /// Begins to watch somebody who reads the log. Nothing is heard when this returns.
    pub(crate) fn watch(client: Client, tokens: Arc<Tokens>) -> Self {
        let watcher = Arc::new(Watcher::new(client, tokens));
        let tasks = [Guard::background("access watch", watcher.clone().run())];
        Self {
            hub: watcher.hub.clone(),
            source: Source::Watch(watcher),
            _tasks: Arc::new(tasks),
        }
    }

    /// The log, where this process reads it.
    pub(crate) fn log(&self) -> Option<&Arc<Log>> {
        match &self.source {
            Source::Log(log) => Some(log),
            Source::Watch(_) => None,
        }
    }

    /// Tells this process and the others what a transaction recorded, once it is committed. When
    /// this returns, nothing here answers from before the change.
    pub async fn announce(&self, recorded: Recorded) {
        match &self.source {
            Source::Log(log) => log.announce(&recorded).await,
            Source::Watch(watcher) => watcher.announce(&recorded),
        }
    }

    /// Waits for changes of these subjects only; also woken when changes may have been missed.
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

    /// Whether all changes older than a second have been heard. While this is false, what is kept is
    /// not believed, and what streams give is held back.
    pub fn is_fresh(&self) -> bool {
        self.hub.is_fresh()
    }

    /// Returns once [`Changes::is_fresh`]; at once when it is.
    pub async fn fresh(&self) {
        self.hub.fresh().await;
    }

    /// Hears now, instead of at the next turn, what is committed.
    ///
    /// # Errors
    /// Those of a failing database; `UNAVAILABLE` when whoever is watched does not tell within a second.
    pub async fn read(&self) -> Result<(), ApiError> {
        match &self.source {
            Source::Log(log) => {
                log.read().await?;
                Ok(())
            }
            Source::Watch(watcher) => watcher.read().await,
        }
    }

    /// Removes now, instead of once an hour, the rows of sessions whose last token has expired by
    /// itself; how many went. Nothing where the log is somebody else's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self) -> Result<u64, DbErr> {
        match &self.source {
            Source::Log(log) => log.sweep().await,
            Source::Watch(_) => Ok(0),
        }
    }
}

impl Follower {
    /// The next change; none once the process hears nothing any more. Safe to cancel.
    pub async fn next(&mut self) -> Option<Heard> {
        match self.0.recv().await {
            Ok(heard) => Some(heard),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Heard::Missed),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// The next change if it is there already.
    pub(crate) fn ready(&mut self) -> Option<Heard> {
        match self.0.try_recv() {
            Ok(heard) => Some(heard),
            Err(broadcast::error::TryRecvError::Lagged(_)) => Some(Heard::Missed),
            Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => None,
        }
    }
}
