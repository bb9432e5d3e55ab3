//! The loader of one kind of row for one process: what reads go through, and where writes begin.

use super::{
    ANY, Cached, LoadError, Wanted, Writing,
    flight::fly,
    hearing,
    measure::Measure,
    near::Near,
    owed::{self, Owed},
};
use crate::{
    bus::Bus,
    cache::Cache,
    clock::Clock,
    task::{self, Guard},
};
use sea_orm::DatabaseConnection;
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Loads rows of one kind through all caches; one for each kind and process, cheap to clone.
///
/// It listens to the bus until its last clone is dropped.
pub struct CachedLoader<E: Cached> {
    inner: Arc<Inner<E>>,
    /// What runs beside the loads: listening to the bus, repairing the cache.
    beside: Arc<[Guard; 2]>,
}

/// What loads and writers under way share with the loader.
pub(super) struct Inner<E: Cached> {
    /// Tells this loader from others of its kind on the bus.
    pub(super) number: u64,
    pub(super) db: DatabaseConnection,
    pub(super) cache: Arc<dyn Cache>,
    pub(super) bus: Arc<dyn Bus>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) near: Near<E>,
    pub(super) owed: Arc<Owed>,
    pub(super) measure: Measure,
    /// Whether the bus is listened to. Until then others' writes would go unheard.
    pub(super) hearing: AtomicBool,
}

impl<E: Cached> CachedLoader<E> {
    /// A loader that has nothing yet. `db` leads to the primary. Needs a tokio runtime.
    pub fn new(
        db: DatabaseConnection,
        cache: Arc<dyn Cache>,
        bus: Arc<dyn Bus>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let inner = Arc::new(Inner {
            number: rand::random(),
            db,
            cache,
            bus,
            clock,
            near: Near::new(),
            owed: Arc::default(),
            measure: Measure::new::<E>(),
            hearing: AtomicBool::new(false),
        });
        let beside = [
            Guard::background(
                "cache listener",
                hearing::listen(Arc::downgrade(&inner), inner.bus.clone()),
            ),
            Guard::background(
                "cache debts",
                owed::repay(inner.owed.clone(), Arc::downgrade(&inner)),
            ),
        ];
        Self {
            inner,
            beside: Arc::new(beside),
        }
    }

    /// One row, if it exists.
    ///
    /// # Errors
    /// When the database has to be asked and does not answer.
    pub async fn get(&self, key: &E::Key) -> Result<Option<Arc<E>>, LoadError> {
        Ok(self.load(vec![(key.clone(), ANY)]).await?.remove(key))
    }

    /// Rows by their keys; those that do not exist are left out. Keys may repeat.
    ///
    /// # Errors
    /// When the database has to be asked and does not answer.
    pub async fn get_many(&self, keys: &[E::Key]) -> Result<HashMap<E::Key, Arc<E>>, LoadError> {
        self.load(keys.iter().map(|key| (key.clone(), ANY)).collect())
            .await
    }

    /// Rows of at least the revisions that an event or another read named; a cached copy that is
    /// older is read again. A row that is left out is gone since.
    ///
    /// # Errors
    /// When the database has to be asked and does not answer.
    pub async fn get_many_at_least(
        &self,
        wanted: &[(E::Key, i64)],
    ) -> Result<HashMap<E::Key, Arc<E>>, LoadError> {
        self.load(wanted.to_vec()).await
    }

    /// Announces that a transaction is about to change or insert these rows. Call it inside the
    /// transaction, before its commit: the announcement stands for ten seconds, longer than the
    /// transaction may last. What the [`Writing`] wants to be told afterwards is in its text.
    ///
    /// A row whose key is random and told to nobody before the commit needs no announcement, since
    /// nobody can have looked for it.
    pub async fn writing(&self, keys: &[E::Key]) -> Writing<E> {
        Writing::begin(self.inner.clone(), keys).await
    }

    async fn load(&self, wanted: Vec<Wanted<E>>) -> Result<HashMap<E::Key, Arc<E>>, LoadError> {
        let inner = &self.inner;
        let mut rows = HashMap::with_capacity(wanted.len());
        let mut missing = inner.near_rows(wanted, &mut rows);
        // A load that died or was given up takes nobody with it at once: who waited begins another.
        let mut lost = LoadError::Ended;
        for _ in 0..2 {
            if missing.is_empty() {
                return Ok(rows);
            }
            let boarding = inner.near.board(std::mem::take(&mut missing), inner.clock.now());
            inner.measure.joined.increment(boarding.joined as u64);
            if let Some(departure) = boarding.departure {
                task::spawn(fly(inner.clone(), departure));
            }
            for (landing, wanted) in boarding.waits {
                let arrival = match landing.await.unwrap_or(Err(LoadError::Ended)) {
                    Ok(arrival) => arrival,
                    Err(error @ (LoadError::Died | LoadError::Ended)) => {
                        missing.extend(wanted);
                        lost = error;
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                rows.extend(wanted.into_iter().filter_map(|(key, _)| {
                    let row = arrival.get(&key)?.clone()?;
                    Some((key, row))
                }));
            }
        }
        if missing.is_empty() { Ok(rows) } else { Err(lost) }
    }
}

impl<E: Cached> Inner<E> {
    /// Whether the near cache hears of others' writes, and may keep what comes from the shared one.
    pub(super) fn near_is_trusted(&self) -> bool {
        self.hearing.load(Ordering::Acquire) && self.bus.connected() && self.cache.trusted()
    }

    /// Takes from the near cache what is there, and gives back the keys that are not, each once with
    /// the highest revision that was asked for.
    fn near_rows(&self, wanted: Vec<Wanted<E>>, rows: &mut HashMap<E::Key, Arc<E>>) -> Vec<Wanted<E>> {
        let mut missing: HashMap<E::Key, i64> = HashMap::new();
        let mut hits = 0;
        let now = self.near_is_trusted().then(|| self.clock.now());
        for (key, least) in wanted {
            match now.and_then(|now| self.near.get(&key, least, now)) {
                Some(row) => {
                    hits += 1;
                    rows.extend(row.map(|row| (key, row)));
                }
                None => {
                    let wanted = missing.entry(key).or_insert(least);
                    *wanted = least.max(*wanted);
                }
            }
        }
        self.measure.near.increment(hits);
        missing.into_iter().collect()
    }
}

impl<E: Cached> Clone for CachedLoader<E> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            beside: self.beside.clone(),
        }
    }
}

impl<E: Cached> fmt::Debug for CachedLoader<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedLoader")
            .field("service", &E::SERVICE)
            .field("kind", &E::KIND)
            .finish_non_exhaustive()
    }
}
