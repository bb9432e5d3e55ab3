//! The loader as one request sees it: what its resolvers ask for at the same time is one load.
//!
//! Nothing is remembered here, so it serves a subscription as well as a query; a row asked for again
//! within a request comes from the near cache. [`super::gather`] has the mechanism.

use super::{Cached, CachedLoader, Gather, LoadError};
use std::{collections::HashMap, fmt, sync::Arc};

/// A row or none; an error is shared by all who asked together.
type Answer<E> = Result<Option<Arc<E>>, LoadError>;

/// One kind of row for one request or subscription.
pub struct Batch<E: Cached> {
    loader: CachedLoader<E>,
    gather: Gather<E::Key, Answer<E>>,
}

impl<E: Cached> Batch<E> {
    /// A batch over the process's loader.
    pub fn new(loader: CachedLoader<E>) -> Self {
        let asked = loader.clone();
        let gather = Gather::new(move |keys| {
            let loader = asked.clone();
            async move { answers(&loader, keys).await }
        });
        Self { loader, gather }
    }

    /// One row, if it exists, loaded together with what else is asked for right now.
    ///
    /// # Errors
    /// As [`CachedLoader::get`].
    pub async fn get(&self, key: &E::Key) -> Result<Option<Arc<E>>, LoadError> {
        self.gather.get(key.clone()).await.unwrap_or(Ok(None))
    }

    /// Rows by their keys, loaded together with what else is asked for right now; those that do not
    /// exist are left out.
    ///
    /// # Errors
    /// As [`CachedLoader::get_many`].
    pub async fn get_many(&self, keys: &[E::Key]) -> Result<HashMap<E::Key, Arc<E>>, LoadError> {
        let answers = self.gather.get_many(keys.to_vec()).await;
        let rows = answers
            .into_iter()
            .filter_map(|(key, answer)| Some((key, answer.transpose()?)));
        rows.map(|(key, row)| Ok((key, row?))).collect()
    }

    /// One row of at least the revision that an event named; see [`CachedLoader::get_many_at_least`].
    /// Not gathered: those who follow the same event join one load anyway.
    ///
    /// # Errors
    /// As [`CachedLoader::get_many_at_least`].
    pub async fn get_at_least(&self, key: &E::Key, rev: i64) -> Result<Option<Arc<E>>, LoadError> {
        Ok(self
            .loader
            .get_many_at_least(&[(key.clone(), rev)])
            .await?
            .remove(key))
    }

    /// The process's loader, for writes and for what is no part of a list.
    pub fn loader(&self) -> &CachedLoader<E> {
        &self.loader
    }
}

async fn answers<E: Cached>(loader: &CachedLoader<E>, keys: Vec<E::Key>) -> HashMap<E::Key, Answer<E>> {
    match loader.get_many(&keys).await {
        Ok(mut rows) => keys
            .into_iter()
            .map(|key| (key.clone(), Ok(rows.remove(&key))))
            .collect(),
        Err(error) => keys.into_iter().map(|key| (key, Err(error.clone()))).collect(),
    }
}

impl<E: Cached> fmt::Debug for Batch<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Batch").field(&self.loader).finish()
    }
}
