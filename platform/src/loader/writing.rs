//! A write in progress, as the caches see it: announced before the commit, told afterwards.

use super::{
    Cached, REMOVED, Row,
    cached::Inner,
    flight::{name, value},
    hearing,
};
use crate::cache::{CacheError, Debt, Put, TOMBSTONE, Writer};
use chrono::{DateTime, Utc};
use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A transaction's announcement of the rows it changes; see
/// [`CachedLoader::writing`](super::CachedLoader::writing).
///
/// After the commit it wants to be told what became of each row: [`wrote`](Self::wrote) or
/// [`removed`](Self::removed), or [`unchanged`](Self::unchanged) after a rollback. Dropped without
/// that, as by a cancelled request, it leaves the rows uncached until the announcement expires: right,
/// but slow for ten seconds.
#[must_use = "dropped at once, it announces a write that never ends"]
pub struct Writing<E: Cached> {
    inner: Arc<Inner<E>>,
    writer: Writer,
    /// Rows that nothing was said about yet.
    open: Mutex<HashSet<E::Key>>,
    placed: Placed,
    /// When the tombstones expire.
    until: DateTime<Utc>,
    /// Held while rows may be committed that the cache knows nothing of.
    debt: Option<Debt>,
}

/// Whether tombstones stand in the shared cache.
#[derive(Debug, PartialEq)]
enum Placed {
    /// Not known, and the transaction waits for it.
    NotYet,
    Yes,
    /// The cache failed; some may stand all the same.
    Perhaps,
}

impl<E: Cached> Writing<E> {
    pub(super) async fn begin(inner: Arc<Inner<E>>, keys: &[E::Key]) -> Self {
        let now = inner.clock.now();
        let until = now + TOMBSTONE;
        let mut writing = Self {
            inner,
            writer: Writer::random(),
            open: Mutex::new(keys.iter().cloned().collect()),
            placed: Placed::NotYet,
            until,
            debt: None,
        };
        let inner = &writing.inner;
        inner.near.enter(writing.writer, keys, until, now);
        let names: Vec<String> = writing.open().iter().map(name::<E>).collect();
        writing.placed = match inner.cache.tombstone(writing.writer, &names, TOMBSTONE).await {
            Ok(()) => Placed::Yes,
            Err(error) => {
                writing.failed(&error);
                writing.debt = Some(writing.inner.cache.owe().await);
                Placed::Perhaps
            }
        };
        writing
    }

    /// The transaction committed and left these rows, as the database has them now. A row that was
    /// not announced is dropped from the caches. Gives the rows back, shared.
    pub async fn wrote(&self, rows: Vec<E>) -> Vec<Arc<E>> {
        let rows: Vec<Arc<E>> = rows.into_iter().map(Arc::new).collect();
        let news: Vec<(E::Key, Row<E>)> = rows.iter().map(|row| (row.key(), Some(row.clone()))).collect();
        self.tell(news).await;
        rows
    }

    /// The transaction committed and these rows are gone.
    pub async fn removed(&self, keys: &[E::Key]) {
        self.tell(keys.iter().map(|key| (key.clone(), None)).collect())
            .await;
    }

    /// The transaction is rolled back, or did not touch the rows that nothing was said about yet. Not
    /// for a commit whose outcome is unknown: drop this then.
    pub async fn unchanged(self) {
        let untouched: Vec<(E::Key, Row<E>)> = self.open().iter().map(|key| (key.clone(), None)).collect();
        self.settle(&untouched).await;
    }

    async fn tell(&self, news: Vec<(E::Key, Row<E>)>) {
        self.settle(&news).await;
        let revisions = news
            .iter()
            .map(|(key, row)| (key, row.as_ref().map_or(REMOVED, |row| row.rev())));
        hearing::announce(&self.inner, revisions).await;
    }

    /// Takes the tombstones down, here first: whoever reads in this process after the answer finds
    /// what was written.
    async fn settle(&self, news: &[(E::Key, Row<E>)]) {
        let inner = &self.inner;
        let now = inner.clock.now();
        let (mut puts, mut releases) = (Vec::new(), Vec::new());
        for (key, row) in news {
            inner.near.leave(
                self.writer,
                key,
                row.clone(),
                inner.near_is_trusted(),
                [self.until - TOMBSTONE, now],
            );
            match row.as_ref().and_then(|_| value(row)) {
                Some((value, ttl)) => puts.push(Put {
                    key: name::<E>(key),
                    value,
                    ttl,
                }),
                None => releases.push(name::<E>(key)),
            }
        }
        let names: Vec<String> = puts
            .iter()
            .map(|put| put.key.clone())
            .chain(releases.iter().cloned())
            .collect();
        let settled = async {
            if !puts.is_empty() {
                inner.cache.put(self.writer, puts).await?;
            }
            if !releases.is_empty() {
                inner.cache.release(self.writer, &releases).await?;
            }
            Ok(())
        };
        if let Err(error) = settled.await {
            self.failed(&error);
            inner.owed.incur(names, now, self.doubt(news).await);
        }
        let mut open = self.open();
        for (key, _) in news {
            open.remove(key);
        }
    }

    /// What is to be held while rows are owed: nothing as long as tombstones stand for all of them.
    async fn doubt(&self, news: &[(E::Key, Row<E>)]) -> Option<Debt> {
        if self.debt.is_some() {
            return self.debt.clone();
        }
        let announced = {
            let open = self.open();
            news.iter().all(|(key, _)| open.contains(key))
        };
        if announced {
            return None;
        }
        Some(self.inner.cache.owe().await)
    }

    fn open(&self) -> MutexGuard<'_, HashSet<E::Key>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error: &CacheError) {
        tracing::warn!(%error, service = E::SERVICE, kind = E::KIND, "the cache could not be told of a write");
        self.inner.measure.errors.increment(1);
    }
}

impl<E: Cached> Drop for Writing<E> {
    fn drop(&mut self) {
        let open = self.open();
        if open.is_empty() {
            return;
        }
        self.inner.near.forget(&*open);
        let now = self.inner.clock.now();
        // Without a tombstone somebody may have filled what the transaction has since replaced, or is
        // about to replace.
        if self.placed == Placed::Perhaps || (self.placed == Placed::Yes && self.until <= now) {
            let doubt = self.debt.clone();
            self.inner
                .owed
                .incur(open.iter().map(name::<E>), now + TOMBSTONE, doubt);
        }
    }
}

impl<E: Cached> fmt::Debug for Writing<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writing")
            .field("open", &*self.open())
            .field("placed", &self.placed)
            .finish_non_exhaustive()
    }
}
