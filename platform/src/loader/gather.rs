//! What the resolvers of one request ask for at the same time, asked for once.
//!
//! On its own it is for answers that depend on who asks, and so are not cached: standings, the
//! viewer's own reactions. [`Batch`](super::Batch) is the same over a kind of cached row.
//!
//! It stands on crate `dataloader`, within its limits. That crate's loader without a memory panics
//! when the caller that happens to run a batch is cancelled. The one with a memory only forgets who
//! asked, so whoever gets no answer from it asks alone; and since it remembers all it ever loaded, a
//! new one is made for each batch. So nothing is remembered, and this serves a subscription as well
//! as a query: an event asks anew, and only what was asked for together is shared.

use dataloader::{BatchFn, cached::Loader};
use futures_util::future::BoxFuture;
use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// How many keys are asked for together.
const KEYS: usize = 1000;

type Ask<K, V> = Arc<dyn Fn(Vec<K>) -> BoxFuture<'static, HashMap<K, V>> + Send + Sync>;
type Gathering<K, V> = Loader<K, V, Run<K, V>>;
/// The batch that still gathers keys, and its number. Those who gather hold it; when it runs it is
/// closed.
type Open<K, V> = Arc<Mutex<(u64, Weak<Gathering<K, V>>)>>;

/// Gathers keys and asks for them together.
pub struct Gather<K, V>
where
    K: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    ask: Ask<K, V>,
    open: Open<K, V>,
}

impl<K, V> Gather<K, V>
where
    K: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Gathers for a question, which answers every key it is given. It is asked for at most a
    /// thousand keys, none twice; it may be asked again for a key when a caller is cancelled.
    pub fn new<F>(ask: impl Fn(Vec<K>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = HashMap<K, V>> + Send + 'static,
    {
        Self {
            ask: Arc::new(move |keys| Box::pin(ask(keys))),
            open: Arc::new(Mutex::new((0, Weak::new()))),
        }
    }

    /// The answer for one key; none only when the question left it out.
    pub async fn get(&self, key: K) -> Option<V> {
        match self.gathering().try_load(key.clone()).await {
            Ok(answer) => Some(answer),
            Err(_) => (self.ask)(vec![key.clone()]).await.remove(&key),
        }
    }

    /// The answers for some keys; only those are missing that the question left out.
    pub async fn get_many(&self, keys: Vec<K>) -> HashMap<K, V> {
        match self.gathering().try_load_many(keys.clone()).await {
            Ok(answers) => answers,
            Err(_) => (self.ask)(keys).await,
        }
    }

    fn gathering(&self) -> Arc<Gathering<K, V>> {
        let mut open = lock(&self.open);
        if let Some(gathering) = open.1.upgrade() {
            return gathering;
        }
        let number = open.0 + 1;
        let run = Run {
            number,
            ask: self.ask.clone(),
            open: self.open.clone(),
        };
        let gathering = Arc::new(Loader::new(run).with_max_batch_size(KEYS));
        *open = (number, Arc::downgrade(&gathering));
        gathering
    }
}

impl<K, V> fmt::Debug for Gather<K, V>
where
    K: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather").finish_non_exhaustive()
    }
}

/// Runs a batch once its keys are gathered.
struct Run<K, V>
where
    K: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    number: u64,
    ask: Ask<K, V>,
    open: Open<K, V>,
}

impl<K, V> BatchFn<K, V> for Run<K, V>
where
    K: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    async fn load(&mut self, keys: &[K]) -> HashMap<K, V> {
        self.close();
        (self.ask)(keys.to_vec()).await
    }
}

impl<K, V> Run<K, V>
where
    K: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Whoever asks from here on must not get what this batch is about to read.
    fn close(&self) {
        let mut open = lock(&self.open);
        if open.0 == self.number {
            open.1 = Weak::new();
        }
    }
}

fn lock<T>(open: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Nothing under this lock can panic half-way.
    open.lock().unwrap_or_else(PoisonError::into_inner)
}
