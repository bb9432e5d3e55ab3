//! Changes from the database: the log is read every 400 ms, always, and sooner when the bus says so.

use super::{Heard, Hub, query};
use crate::{Change, Recorded, change};
use bytes::Bytes;
use chrono::TimeDelta;
use commons_platform::{
    Platform,
    auth::{ACCESS_TOKEN_LIFETIME, CONNECTION_LIFETIME},
    bus::{self, Bus},
    clock::Clock,
    db::Db,
};
use sea_orm::DbErr;
use std::{
    cmp::Ordering,
    collections::HashSet,
    future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Mutex as AsyncMutex,
    time::{self, Instant, MissedTickBehavior},
};

/// The bus subject that says that there are new changes; its messages are empty.
pub const BUS_SUBJECT: &str = "access";

/// How often the log is read, whatever the bus says.
const PERIOD: Duration = Duration::from_millis(400);

/// How long after the last reading what this process keeps is still believed.
const FRESH: Duration = Duration::from_secs(1);

/// How long a reading may take before it is given up and begun anew.
const READING: Duration = Duration::from_secs(2);

/// How long the bus may take to let us listen; the log must not wait for it.
const LISTENING: Duration = Duration::from_millis(100);

/// Clocks differ.
const SKEW: TimeDelta = TimeDelta::minutes(1);

/// The log of changes as one process reads it.
pub(crate) struct Log {
    pub(super) hub: Arc<Hub>,
    db: Db,
    bus: Arc<dyn Bus>,
    clock: Arc<dyn Clock>,
    /// The version up to which it was read; locked while it is read.
    read_upto: AsyncMutex<i64>,
    /// Announced here and not yet read.
    announced: Mutex<HashSet<Change>>,
    /// How far old rows were looked for; locked while they are.
    swept_upto: AsyncMutex<query::Place>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log")
            .field("hub", &self.hub)
            .finish_non_exhaustive()
    }
}

impl Log {
    /// Sessions revoked in the last minutes are known when this returns, and all that is committed from
    /// now on is above what was read.
    pub(super) async fn open(
        platform: &Platform,
        forget: impl Fn(&Heard) + Send + Sync + 'static,
    ) -> Result<Self, DbErr> {
        let hub = Arc::new(Hub::new(platform.tokens.clone(), FRESH, forget));
        let began = Instant::now();
        let log = Self {
            hub,
            db: platform.db.clone(),
            bus: platform.bus.clone(),
            clock: platform.clock.clone(),
            read_upto: AsyncMutex::new(change::head(platform.db.read()).await?),
            announced: Mutex::default(),
            swept_upto: AsyncMutex::default(),
        };
        for session in log.revoked(None).await? {
            log.hub.hear(session);
        }
        log.hub.caught_up(began);
        Ok(log)
    }

    /// Tells this process and the others what was recorded and committed.
    pub(super) async fn announce(&self, recorded: &Recorded) {
        for subject in &recorded.subjects {
            let change = Change {
                subject: *subject,
                version: recorded.version,
            };
            self.announced().insert(change);
            self.hub.hear(change);
        }
        self.bus.publish(BUS_SUBJECT, Bytes::new()).await;
    }

    /// Hears all changes above the last version that was read; gives the newest.
    pub(crate) async fn read(&self) -> Result<i64, DbErr> {
        let mut upto = self.read_upto.lock().await;
        let began = Instant::now();
        let head = change::head(self.db.background()).await?;
        match head.cmp(&upto) {
            Ordering::Equal => {}
            // The database was set back to an older state.
            Ordering::Less => {
                *upto = head;
                self.announced().clear();
                self.hub.missed();
            }
            Ordering::Greater => {
                *upto = self.read_above(*upto).await?;
                self.announced().retain(|change| change.version > *upto);
            }
        }
        self.hub.caught_up(began);
        Ok(*upto)
    }

    async fn read_above(&self, version: i64) -> Result<i64, DbErr> {
        let (mut newest, mut place) = (version, None);
        loop {
            let rows = query::after(self.db.background(), version, &place).await?;
            let more = rows.len() == query::PAGE;
            for row in rows {
                if let Some(change) = query::change(&row)
                    && !self.announced().contains(&change)
                {
                    self.hub.hear(change);
                }
                newest = row.version;
                place = Some((row.version, row.subject));
            }
            if !more {
                return Ok(newest);
            }
        }
    }

    /// The revoked sessions that somebody must know who heard everything up to a version; without one,
    /// who begins now, but may be shown tokens of connections that are older.
    pub(crate) async fn revoked(&self, heard_upto: Option<i64>) -> Result<Vec<Change>, DbErr> {
        let (db, now) = (self.db.background(), self.clock.now());
        match heard_upto {
            Some(version) if version <= change::head(db).await? => query::sessions_above(db, version).await,
            // Or the database was set back: what they heard says nothing, and their connections are open.
            _ => query::sessions_since(db, now - longest_life()).await,
        }
    }

    /// Removes the rows of sessions whose last token has expired by itself; how many went. Each
    /// process looks at each row once: what is left behind is no session's, or changes again.
    pub(crate) async fn sweep(&self) -> Result<u64, DbErr> {
        let until = self.clock.now() - longest_life();
        let mut upto = self.swept_upto.lock().await;
        let mut swept = 0;
        loop {
            let mut rows = query::after(self.db.background(), 0, &upto).await?;
            let all = rows.len();
            rows.truncate(rows.iter().take_while(|row| row.at < until).count());
            let (old, Some(last)) = (rows.len(), rows.last().cloned()) else {
                return Ok(swept);
            };
            let sessions: Vec<String> = rows
                .into_iter()
                .filter(query::is_session)
                .map(|row| row.subject)
                .collect();
            if !sessions.is_empty() {
                let tx = self.db.begin().await?;
                swept += query::delete_sessions(&tx, sessions, last.version).await?;
                tx.commit().await?;
            }
            *upto = Some((last.version, last.subject));
            if old < all || all < query::PAGE {
                return Ok(swept);
            }
        }
    }

    /// Reads every period, and sooner when the bus says so. Never ends.
    pub(super) async fn run(self: Arc<Self>) {
        let mut ticks = time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut bus = None;
        let mut failing = false;
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    if bus.is_none() {
                        bus = time::timeout(LISTENING, self.bus.subscribe(BUS_SUBJECT)).await.ok().and_then(Result::ok);
                    }
                }
                heard = hear(&mut bus) => if heard.is_none() {
                    bus = None;
                    continue;
                },
            }
            let failure = match time::timeout(READING, self.read()).await {
                Ok(Ok(_)) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some("the database does not answer".to_owned()),
            };
            let fails = failure.is_some();
            match failure {
                Some(cause) if !failing => tracing::error!(cause, "changes of access cannot be read"),
                None if failing => tracing::info!("changes of access are read again"),
                _ => {}
            }
            failing = fails;
        }
    }

    fn announced(&self) -> MutexGuard<'_, HashSet<Change>> {
        self.announced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a token may live after its session was revoked, where the revocation is not known.
fn longest_life() -> TimeDelta {
    CONNECTION_LIFETIME + ACCESS_TOKEN_LIFETIME + SKEW
}

async fn hear(bus: &mut Option<bus::Listener>) -> Option<bus::Heard> {
    match bus {
        Some(listener) => listener.recv().await,
        None => future::pending().await,
    }
}
