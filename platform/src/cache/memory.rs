//! The cache of one process: for the embedded default, where nothing outside has to be started.
//!
//! Values are bounded by bytes and may be evicted at any time. Leases and tombstones are kept apart
//! from them, since losing a tombstone would cost truth: they are bounded by number, a lease over the
//! bound is not granted and a tombstone over it is an error.

use super::{Cache, CacheError, Fill, LEASE, Lease, Put, Slot, Writer, Writers};
use crate::clock::Clock;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

const SHARDS: usize = 16;
/// Keys with a lease or a tombstone, a shard.
const GUARDS: usize = 8192;
/// What an entry costs beside its key and value, about.
const OVERHEAD: usize = 160;

/// A [`Cache`] in this process's memory.
pub struct MemoryCache {
    clock: Arc<dyn Clock>,
    values: moka::sync::Cache<String, Stored>,
    /// A key's shard is locked for as long as the key is looked at or changed, its value included.
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    guards: usize,
}

#[derive(Clone)]
struct Stored {
    value: Bytes,
    until: DateTime<Utc>,
}

#[derive(Default)]
struct Shard {
    guarded: HashMap<String, Guarded>,
    sweep_at: usize,
}

#[derive(Default)]
struct Guarded {
    lease: Option<(Lease, DateTime<Utc>)>,
    writers: Writers,
}

impl Guarded {
    fn live(&mut self, now: DateTime<Utc>) -> bool {
        self.lease.take_if(|(_, until)| *until <= now);
        self.lease.is_some() || self.writers.any(now)
    }
}

impl Shard {
    /// The guards of a key, unless there is no room for another one.
    fn guard(&mut self, key: &str, bound: usize, now: DateTime<Utc>) -> Option<&mut Guarded> {
        if self.guarded.len() >= self.sweep_at && !self.guarded.contains_key(key) {
            self.guarded.retain(|_, guarded| guarded.live(now));
            if self.guarded.len() >= bound {
                return None;
            }
            self.sweep_at = (2 * self.guarded.len()).clamp(bound.min(64), bound);
        }
        Some(self.guarded.entry(key.to_owned()).or_default())
    }

    /// Drops the guards of a key if there is none left.
    fn tidy(&mut self, key: &str, now: DateTime<Utc>) {
        if self
            .guarded
            .get_mut(key)
            .is_some_and(|guarded| !guarded.live(now))
        {
            self.guarded.remove(key);
        }
    }
}

impl MemoryCache {
    /// An empty cache whose keys and values take up to about `capacity` bytes.
    pub fn new(clock: Arc<dyn Clock>, capacity: u64) -> Self {
        Self::bounded(clock, capacity, GUARDS)
    }

    fn bounded(clock: Arc<dyn Clock>, capacity: u64, guards: usize) -> Self {
        let weigh = |key: &String, stored: &Stored| {
            u32::try_from(key.len() + stored.value.len() + OVERHEAD).unwrap_or(u32::MAX)
        };
        Self {
            clock,
            values: moka::sync::Cache::builder()
                .max_capacity(capacity)
                .weigher(weigh)
                .build(),
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            guards,
        }
    }

    fn shard(&self, key: &str) -> MutexGuard<'_, Shard> {
        let at = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).expect("below SHARDS");
        // A panic under this lock leaves at worst a guard too many.
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, key: &str, now: DateTime<Utc>) -> Slot {
        let mut shard = self.shard(key);
        if let Some(guarded) = shard.guarded.get_mut(key)
            && guarded.live(now)
        {
            return Slot::Busy;
        }
        if let Some(stored) = self.values.get(key) {
            if stored.until > now {
                return Slot::Hit(stored.value);
            }
            self.values.invalidate(key);
        }
        let Some(guarded) = shard.guard(key, self.guards, now) else {
            return Slot::Busy;
        };
        let lease = Lease::random();
        guarded.lease = Some((lease, now + LEASE));
        Slot::Miss(lease)
    }

    fn store(&self, key: String, value: Bytes, until: DateTime<Utc>) {
        self.values.insert(key, Stored { value, until });
    }

    /// Voids the key's lease and value, and tells whether the writer was alone on it.
    fn leave(&self, shard: &mut Shard, writer: Writer, key: &str, now: DateTime<Utc>) -> bool {
        self.values.invalidate(key);
        let Some(guarded) = shard.guarded.get_mut(key) else {
            return false;
        };
        guarded.lease = None;
        let alone = guarded.writers.leave(writer, now);
        shard.tidy(key, now);
        alone
    }
}

#[async_trait::async_trait]
impl Cache for MemoryCache {
    async fn get_many(&self, keys: &[String]) -> Result<Vec<Slot>, CacheError> {
        let now = self.clock.now();
        Ok(keys.iter().map(|key| self.look(key, now)).collect())
    }

    async fn fill(&self, items: Vec<Fill>) -> Result<(), CacheError> {
        let now = self.clock.now();
        for Fill {
            key,
            lease,
            value,
            ttl,
        } in items
        {
            let mut shard = self.shard(&key);
            let held = shard.guarded.get_mut(&key).is_some_and(|guarded| {
                guarded
                    .lease
                    .take_if(|(live, until)| *live == lease && *until > now)
                    .is_some()
            });
            if held {
                shard.tidy(&key, now);
                self.store(key, value, now + ttl);
            }
        }
        Ok(())
    }

    async fn tombstone(&self, writer: Writer, keys: &[String], ttl: Duration) -> Result<(), CacheError> {
        let now = self.clock.now();
        for key in keys {
            let mut shard = self.shard(key);
            self.values.invalidate(key);
            let guarded = shard.guard(key, self.guards, now).ok_or(CacheError::Full)?;
            guarded.lease = None;
            guarded.writers.enter(writer, now + ttl, now);
        }
        Ok(())
    }

    async fn put(&self, writer: Writer, items: Vec<Put>) -> Result<(), CacheError> {
        let now = self.clock.now();
        for Put { key, value, ttl } in items {
            let mut shard = self.shard(&key);
            if self.leave(&mut shard, writer, &key, now) {
                self.store(key, value, now + ttl);
            }
        }
        Ok(())
    }

    async fn release(&self, writer: Writer, keys: &[String]) -> Result<(), CacheError> {
        let now = self.clock.now();
        for key in keys {
            self.leave(&mut self.shard(key), writer, key, now);
        }
        Ok(())
    }

    async fn remove(&self, keys: &[String]) -> Result<(), CacheError> {
        let now = self.clock.now();
        for key in keys {
            let mut shard = self.shard(key);
            self.values.invalidate(key);
            if let Some(guarded) = shard.guarded.get_mut(key) {
                guarded.lease = None;
                guarded.writers.disturb();
            }
            shard.tidy(key, now);
        }
        Ok(())
    }

    async fn wipe(&self) -> Result<(), CacheError> {
        let now = self.clock.now();
        let mut shards: Vec<_> = self
            .shards
            .iter()
            .map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner))
            .collect();
        for shard in &mut shards {
            shard.guarded.retain(|_, guarded| {
                guarded.lease = None;
                guarded.writers.disturb();
                guarded.live(now)
            });
        }
        self.values.invalidate_all();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cache::TOMBSTONE, clock::ManualClock};

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::new(DateTime::UNIX_EPOCH))
    }

    fn keys(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("key {n}")).collect()
    }

    #[tokio::test]
    async fn values_are_bounded_by_bytes() {
        let cache = MemoryCache::new(clock(), 1 << 20);
        for key in keys(2000) {
            let Slot::Miss(lease) = cache.get_many(std::slice::from_ref(&key)).await.unwrap()[0] else {
                panic!("nobody looked at {key} before");
            };
            let value = Bytes::from(vec![0; 10_000]);
            cache
                .fill(vec![Fill {
                    key,
                    lease,
                    value,
                    ttl: TOMBSTONE,
                }])
                .await
                .unwrap();
        }
        cache.values.run_pending_tasks();
        assert!(cache.values.weighted_size() <= 1 << 20);
        assert!(cache.values.entry_count() > 0);
    }

    #[tokio::test]
    async fn guards_are_bounded_and_leave_nothing_behind() {
        let clock = clock();
        let cache = MemoryCache::bounded(clock.clone(), 1 << 20, 4);
        let (keys, writer) = (keys(200), Writer::random());
        let granted = |slots: Vec<Slot>| slots.iter().filter(|slot| matches!(slot, Slot::Miss(_))).count();
        assert_eq!(
            granted(cache.get_many(&keys).await.unwrap()),
            4 * SHARDS,
            "no lease over the bound"
        );
        assert!(matches!(
            cache.tombstone(writer, &keys, TOMBSTONE).await,
            Err(CacheError::Full)
        ));
        clock.advance(chrono::TimeDelta::seconds(11));
        cache
            .tombstone(writer, &keys[..8], TOMBSTONE)
            .await
            .expect("what expired makes room");
        cache.release(writer, &keys[..8]).await.unwrap();
        assert!(
            cache
                .shards
                .iter()
                .all(|shard| shard.lock().unwrap().guarded.len() < 5)
        );
    }
}
