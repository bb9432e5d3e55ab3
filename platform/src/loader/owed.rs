//! What this process owes the shared cache: rows it wrote without being able to say so there.
//!
//! A tombstone or a value that could not be placed may leave an old value behind. Its key is noted
//! here and removed from the cache as soon as the cache answers: before this process next reads from
//! it, and every second until it is done. Until then this process reads the database, and so do all
//! others: the [`Debt`](Doubt) that is held with the keys tells them, also when this process dies.

use super::{Cached, cached::Inner};
use crate::cache::{Cache, CacheError, Debt as Doubt};
use chrono::{DateTime, Utc};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

/// How many keys are remembered before the whole cache is wiped instead.
const BOUND: usize = 10_000;
const RETRY: Duration = Duration::from_secs(1);

/// See the module's text.
#[derive(Default)]
pub(super) struct Owed {
    debts: Mutex<Debts>,
    any: AtomicBool,
    incurred: Notify,
}

#[derive(Default)]
struct Debts {
    keys: HashMap<String, Debt>,
    everything: Option<Debt>,
    last: u64,
    /// Held as long as anything is owed.
    doubt: Option<Doubt>,
}

#[derive(Clone, Copy)]
struct Debt {
    number: u64,
    /// A removal settles the debt from here on; an earlier one helps, but the commit may come after it.
    due: DateTime<Utc>,
}

impl Owed {
    /// Notes keys whose value is to be removed, for good not before `due`.
    pub(super) fn incur(
        &self,
        keys: impl IntoIterator<Item = String>,
        due: DateTime<Utc>,
        doubt: Option<Doubt>,
    ) {
        let mut debts = self.lock();
        // One is as good as many.
        debts.doubt = debts.doubt.take().or(doubt);
        debts.last += 1;
        let debt = Debt {
            number: debts.last,
            due,
        };
        for key in keys {
            if debts.keys.len() >= BOUND && !debts.keys.contains_key(&key) {
                let due = debts.keys.values().map(|debt| debt.due).fold(due, DateTime::max);
                debts.everything = Some(Debt { due, ..debt });
                debts.keys.clear();
            }
            match &mut debts.everything {
                Some(everything) => {
                    *everything = Debt {
                        due: due.max(everything.due),
                        ..debt
                    }
                }
                None => {
                    let entry = debts.keys.entry(key).or_insert(debt);
                    *entry = Debt {
                        due: due.max(entry.due),
                        ..debt
                    };
                }
            }
        }
        self.update(&debts);
        drop(debts);
        self.incurred.notify_one();
    }

    /// Tries to settle what is owed. True when nothing is, so that the cache may be read.
    pub(super) async fn settle(&self, cache: &dyn Cache, now: DateTime<Utc>) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return true;
        }
        let (last, everything, keys) = {
            let debts = self.lock();
            (
                debts.last,
                debts.everything.is_some(),
                debts.keys.keys().cloned().collect::<Vec<_>>(),
            )
        };
        if let Err(error) = remove(cache, everything, &keys).await {
            tracing::debug!(%error, "the cache cannot be repaired yet");
            return false;
        }
        let mut debts = self.lock();
        let settled = |debt: &Debt| debt.number <= last && debt.due <= now;
        debts.everything.take_if(|debt| settled(debt));
        debts.keys.retain(|_, debt| !settled(debt));
        if debts.everything.is_none() && debts.keys.is_empty() {
            debts.doubt = None;
        }
        self.update(&debts);
        !self.any.load(Ordering::Acquire)
    }

    fn update(&self, debts: &Debts) {
        self.any.store(
            debts.everything.is_some() || !debts.keys.is_empty(),
            Ordering::Release,
        );
    }

    fn lock(&self) -> MutexGuard<'_, Debts> {
        // Nothing under this lock can panic half-way.
        self.debts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn remove(cache: &dyn Cache, everything: bool, keys: &[String]) -> Result<(), CacheError> {
    if everything {
        cache.wipe().await
    } else {
        cache.remove(keys).await
    }
}

/// Settles debts until the loader is gone, for when nobody reads.
pub(super) async fn repay<E: Cached>(owed: Arc<Owed>, loader: Weak<Inner<E>>) {
    loop {
        owed.incurred.notified().await;
        loop {
            let Some(inner) = loader.upgrade() else { return };
            if owed.settle(&*inner.cache, inner.clock.now()).await {
                break;
            }
            drop(inner);
            tokio::time::sleep(RETRY).await;
        }
    }
}
