//! Facts kept in memory until they change.
//!
//! An entry stands under its key and the key's epoch. A change raises the epoch, so a load that began
//! before the change fills a place that nobody looks at any more: a stale entry cannot survive,
//! however late it comes. Places fall away by themselves, unused ones first.
//!
//! A shared load runs in a task of its own: whoever asked first may be a stream that nobody polls until
//! the next one has its answer.

use commons_platform::task;
use sea_orm::{DbErr, RuntimeErr};
use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinError;

/// How many epochs there are; keys share one by their hash.
const EPOCHS: usize = 4096;

/// How long an entry stays that nobody asks for.
const IDLE: Duration = Duration::from_secs(600);

/// Facts by key, a bounded number of them.
pub(crate) struct Kept<K, V> {
    entries: moka::future::Cache<(K, u64), Arc<V>>,
    epochs: Box<[AtomicU64]>,
    hasher: RandomState,
}

/// A load that did not end: it panicked, or the process ends.
fn lost(error: JoinError) -> DbErr {
    match error.is_panic() {
        true => DbErr::Custom(error.to_string()),
        false => DbErr::Conn(RuntimeErr::Internal(error.to_string())),
    }
}

enum Miss {
    Absent,
    Failed(DbErr),
}

impl<K, V> Kept<K, V>
where
    K: Copy + Eq + Hash + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// Room for so many.
    pub(crate) fn new(capacity: u64) -> Self {
        Self {
            entries: moka::future::Cache::builder()
                .max_capacity(capacity)
                .time_to_idle(IDLE)
                .build(),
            epochs: (0..EPOCHS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }

    /// The facts of these keys: kept ones, and the rest by one load. Those who miss the same single
    /// key at a time share its load. What the load does not return is absent, and is not kept.
    ///
    /// # Errors
    /// When the load fails.
    pub(crate) async fn many<F>(
        &self,
        keys: &[K],
        load: impl FnOnce(Vec<K>) -> F,
    ) -> Result<HashMap<K, Arc<V>>, DbErr>
    where
        F: Future<Output = Result<HashMap<K, Arc<V>>, DbErr>> + Send + 'static,
    {
        let mut found = HashMap::with_capacity(keys.len());
        let mut missing = HashMap::new();
        for key in keys {
            let place = (*key, self.epoch(key).load(Ordering::SeqCst));
            if let Some(fact) = self.entries.get(&place).await {
                found.insert(*key, fact);
            } else {
                missing.insert(*key, place);
            }
        }
        if missing.len() > 1 {
            for (key, fact) in load(missing.keys().copied().collect()).await? {
                if let Some(place) = missing.get(&key) {
                    self.entries.insert(*place, fact.clone()).await;
                }
                found.insert(key, fact);
            }
        } else if let Some((key, place)) = missing.into_iter().next() {
            let (entries, loading) = (self.entries.clone(), load(vec![key]));
            let one = async move {
                let mut loaded = loading.await.map_err(Miss::Failed)?;
                loaded.remove(&key).ok_or(Miss::Absent)
            };
            let shared = task::spawn(async move { entries.try_get_with(place, one).await });
            match shared.await.map_err(lost)? {
                Ok(fact) => {
                    found.insert(key, fact);
                }
                Err(miss) => match &*miss {
                    Miss::Absent => {}
                    Miss::Failed(error) => return Err(error.clone()),
                },
            }
        }
        Ok(found)
    }

    /// From now on what was kept or is being loaded for this key is not returned.
    pub(crate) fn forget(&self, key: &K) {
        self.epoch(key).fetch_add(1, Ordering::SeqCst);
    }

    /// As [`Kept::forget`], for every key.
    pub(crate) fn forget_all(&self) {
        for epoch in &self.epochs {
            epoch.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn epoch(&self, key: &K) -> &AtomicU64 {
        let slot = self.hasher.hash_one(key) % (EPOCHS as u64);
        &self.epochs[usize::try_from(slot).expect("there are far fewer epochs than addresses")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use tokio::sync::oneshot;

    type Loaded = Result<HashMap<u32, Arc<&'static str>>, DbErr>;

    fn row(key: u32, fact: &'static str) -> Loaded {
        Ok([(key, Arc::new(fact))].into())
    }

    async fn one(
        kept: &Kept<u32, &'static str>,
        load: impl Future<Output = Loaded> + Send + 'static,
    ) -> Option<&'static str> {
        kept.many(&[1], |_| load)
            .await
            .unwrap()
            .get(&1)
            .map(|fact| **fact)
    }

    #[tokio::test]
    async fn what_is_kept_is_not_loaded() {
        let kept = Kept::new(10);
        assert_eq!(one(&kept, async { row(1, "a") }).await, Some("a"));
        assert_eq!(one(&kept, async { row(1, "b") }).await, Some("a"));
        kept.forget(&1);
        assert_eq!(one(&kept, async { row(1, "b") }).await, Some("b"));
        kept.forget_all();
        assert_eq!(one(&kept, async { row(1, "c") }).await, Some("c"));
    }

    #[tokio::test]
    async fn absence_and_failure_are_not_kept() {
        let kept = Kept::new(10);
        assert_eq!(one(&kept, async { Ok(HashMap::new()) }).await, None);
        let failed = kept
            .many(&[1], |_| async { Err(DbErr::Custom("gone".to_owned())) })
            .await;
        assert!(failed.is_err());
        assert_eq!(one(&kept, async { row(1, "a") }).await, Some("a"));
    }

    #[tokio::test]
    async fn only_what_is_missing_is_loaded() {
        let kept = Kept::new(10);
        one(&kept, async { row(1, "a") }).await;
        let found = kept
            .many(&[1, 2, 3, 2], |mut keys| async move {
                keys.sort_unstable();
                assert_eq!(keys, [2, 3]);
                row(2, "b")
            })
            .await
            .unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(
            kept.many(&[2], |_| async { row(2, "c") }).await.unwrap()[&2],
            Arc::new("b")
        );
    }

    /// Loads one key or two, changes it meanwhile, and asks again.
    async fn late(keys: &'static [u32]) {
        let kept = Arc::new(Kept::new(10));
        let (loading, started) = oneshot::channel();
        let (go_on, told) = oneshot::channel::<()>();
        let before = {
            let kept = kept.clone();
            commons_platform::task::spawn(async move {
                kept.many(keys, |_| async {
                    loading.send(()).unwrap();
                    told.await.unwrap();
                    row(1, "old")
                })
                .await
            })
        };
        started.await.unwrap();
        kept.forget(&1);
        assert_eq!(
            one(&kept, async { row(1, "new") }).await,
            Some("new"),
            "does not wait for the old load"
        );
        go_on.send(()).unwrap();
        assert_eq!(
            *before.await.unwrap().unwrap()[&1],
            "old",
            "it asked before the change"
        );
        assert_eq!(
            one(&kept, async { row(1, "newer") }).await,
            Some("new"),
            "the old one did not stay"
        );
    }

    #[tokio::test]
    async fn a_load_from_before_a_change_does_not_stay() {
        late(&[1]).await;
        late(&[1, 2]).await;
    }

    #[tokio::test]
    async fn those_who_miss_together_load_once() {
        let kept = Kept::new(10);
        let loads = Arc::new(AtomicUsize::new(0));
        let ask = || {
            let loads = loads.clone();
            one(&kept, async move {
                loads.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                row(1, "a")
            })
        };
        let all = futures_util::future::join_all((0..100).map(|_| ask())).await;
        assert!(all.iter().all(|fact| *fact == Some("a")));
        assert_eq!(loads.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn who_is_not_polled_holds_nobody_up() {
        let kept = Kept::new(10);
        let slow = async {
            tokio::task::yield_now().await;
            row(1, "a")
        };
        let mut first = std::pin::pin!(one(&kept, slow));
        assert!(futures_util::poll!(first.as_mut()).is_pending());
        let second = tokio::time::timeout(Duration::from_secs(5), one(&kept, async { row(1, "b") }));
        assert_eq!(second.await, Ok(Some("a")));
        assert_eq!(first.await, Some("a"));
    }
}
