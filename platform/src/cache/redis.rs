//! The cache of all processes, in Redis.
//!
//! Beside the rows' own keys (`comm:{service}:{kind}:{id}`) there are *guards*: hashes, each for a part of
//! the rows, with all tombstones of that part, the moment it was born and a random generation. Values,
//! leases and tombstones carry the generation that their guard had.
//!
//! - Tombstones are lost only with their guard: by `FLUSHALL`, a restart without data, an eviction, a
//!   failover to an empty replica. Then the guard is born again, under another generation: what is left
//!   of the old one is void, no lease is granted for [`TOMBSTONE`], and no writer that places its
//!   tombstone within that time leaves a value, since an unknown one may commit after it.
//! - A server that comes back with an old copy of the data (a snapshot, a replica that was behind) has
//!   guards and values, and both are wrong. It has no scripts: see `scripts`. Whoever finds that out
//!   turns every guard, which has the same effect as losing it.
//! - [`Cache::wipe`] gives every guard another generation and keeps its tombstones, now mixed.
//!
//! Time is the server's. A step of its clock of more than the five seconds between a transaction's limit
//! and a tombstone's end would cost truth; it must not have one (NTP slews).
//!
//! One script touches one row and its guard, of which there are 64. In a Redis Cluster both are in one
//! slot: there their names end with a tag, as in `comm:user:user:{id}:{7}`. All scripts of a call go out
//! together. Everything expires: rows by their time, guards two hours after the last lease or tombstone,
//! and a guard holds at most a bounded number of tombstones.
//!
//! Redis may also hang and carry out late what nobody waits for any more. That is safe: a late fill or
//! put finds its lease or tombstone gone if anybody wrote or removed since, a late tombstone or lease
//! only makes the row busy for its time.

mod debtors;
mod rows;
mod scripts;

pub(super) use debtors::Owing;

use super::{Cache, CacheError, Debt, Fill, LEASE, Put, Slot, TOMBSTONE, Writer};
use crate::{clock::Clock, db::Db, redis::Redis, task::Guard};
use debtors::Debtors;
use rows::Rows;
use std::{sync::Arc, time::Duration};

/// How long a guard is kept that nobody needs; above every value's time.
const GUARD: Duration = Duration::from_secs(2 * 3600);

/// A [`Cache`] in Redis.
pub struct RedisCache {
    rows: Arc<Rows>,
    debtors: Arc<Debtors>,
    _watch: Option<Guard>,
}

impl RedisCache {
    /// The cache of a Redis for processes over a database; connected when it is first used. Needs a tokio
    /// runtime. `doubt` is called when rows that came from the cache may be old.
    ///
    /// A `clock` that is moved by hand is followed instead of the server's.
    pub fn new(
        redis: &Redis,
        clock: Arc<dyn Clock>,
        db: Db,
        doubt: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let rows = Arc::new(Rows::new(redis, clock));
        let debtors = Arc::new(Debtors::new(Some(db)));
        let watch = Guard::background(
            "cache debtors",
            debtors::watch(debtors.clone(), rows.clone(), doubt),
        );
        Self {
            rows,
            debtors,
            _watch: Some(watch),
        }
    }

    /// The cache of a Redis without the help of a database: right as long as no process is cut off from
    /// it that others are not, and none dies while Redis is away.
    pub fn bare(redis: &Redis, clock: Arc<dyn Clock>) -> Self {
        Self {
            rows: Arc::new(Rows::new(redis, clock)),
            debtors: Arc::new(Debtors::new(None)),
            _watch: None,
        }
    }

    /// Declares that nobody ever wrote in this namespace, so that no tombstone can have been lost and
    /// leases are granted from the start. Not for a namespace that a process may have used.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn declare_new(&self) -> Result<(), CacheError> {
        self.rows.declare_new().await
    }
}

#[async_trait::async_trait]
impl Cache for RedisCache {
    async fn get_many(&self, keys: &[String]) -> Result<Vec<Slot>, CacheError> {
        if self.trusted() {
            self.rows.get_many(keys).await
        } else {
            Ok(vec![Slot::Busy; keys.len()])
        }
    }

    async fn fill(&self, items: Vec<Fill>) -> Result<(), CacheError> {
        self.rows.fill(items).await
    }

    async fn tombstone(&self, writer: Writer, keys: &[String], ttl: Duration) -> Result<(), CacheError> {
        self.rows.tombstone(writer, keys, ttl).await
    }

    async fn put(&self, writer: Writer, items: Vec<Put>) -> Result<(), CacheError> {
        self.rows.put(writer, items).await
    }

    async fn release(&self, writer: Writer, keys: &[String]) -> Result<(), CacheError> {
        self.rows.release(writer, keys).await
    }

    async fn remove(&self, keys: &[String]) -> Result<(), CacheError> {
        self.rows.remove(keys).await
    }

    async fn wipe(&self) -> Result<(), CacheError> {
        self.rows.wipe().await
    }

    async fn owe(&self) -> Debt {
        Debt(Debtors::owe(&self.debtors).await)
    }

    fn trusted(&self) -> bool {
        self.debtors.none()
    }
}

impl std::fmt::Debug for RedisCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisCache")
            .field("trusted", &self.trusted())
            .finish_non_exhaustive()
    }
}
