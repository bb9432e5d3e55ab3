//! What the resolvers of one request ask for at the same time, asked for once.
//!
//! On its own it is for answers that depend on who asks, and so are not cached: standings, the
//! viewer's own reactions. [`Batch`](super::Batch) is the same over a kind of cached row.
//!
//! The first who asks waits until nobody else comes, in its own turns of the task; then all who asked
//! hold the same shared future. So whoever is cancelled takes nothing with them, and all are woken
//! together: of a long list, those who got one answer together ask for the next one together. Nothing
//! is remembered, so this serves a subscription as well as a query: an event asks anew, and only what
//! was asked for together is shared.
//!
//! Crate `dataloader` 0.18 is not used: its callers pass locks one after another, so a list of more
//! than 30 items, whose futures take turns, comes apart into a batch for every ten of them.

use futures_util::future::{BoxFuture, FutureExt, Shared, WeakShared};
use std::{
    collections::{HashMap, HashSet},
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

/// How many keys are asked for together.
const KEYS: usize = 1000;
/// For how many turns of the task nobody may come before a batch is asked for.
const QUIET: usize = 5;
/// For how many turns a batch waits at most.
const TURNS: usize = 100;

type Ask<K, V> = Arc<dyn Fn(Vec<K>) -> BoxFuture<'static, HashMap<K, V>> + Send + Sync>;
type Answers<K, V> = Arc<HashMap<K, V>>;
/// The keys of a batch; none once it is asked for.
type Keys<K> = Arc<Mutex<Option<HashSet<K>>>>;

/// A batch as one of those who ask in it holds it.
struct Place<K, V> {
    keys: Keys<K>,
    /// Ends when nobody comes any more, or the first was cancelled: then it is early, but right.
    quiet: Shared<oneshot::Receiver<()>>,
    asking: Shared<BoxFuture<'static, Answers<K, V>>>,
}

/// The newest batch; it is gone when nobody holds it.
struct Newest<K, V> {
    keys: Keys<K>,
    quiet: Shared<oneshot::Receiver<()>>,
    asking: WeakShared<BoxFuture<'static, Answers<K, V>>>,
}

/// Gathers keys and asks for them together.
pub struct Gather<K, V>
where
    K: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    ask: Ask<K, V>,
    newest: Mutex<Option<Newest<K, V>>>,
}

impl<K, V> Gather<K, V>
where
    K: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Gathers for a question, which answers every key it is given. It is asked for at most a
    /// thousand keys, none twice.
    pub fn new<F>(ask: impl Fn(Vec<K>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = HashMap<K, V>> + Send + 'static,
    {
        Self {
            ask: Arc::new(move |keys| Box::pin(ask(keys))),
            newest: Mutex::new(None),
        }
    }

    /// The answer for one key; none only when the question left it out.
    pub async fn get(&self, key: K) -> Option<V> {
        self.answers(std::slice::from_ref(&key)).await.get(&key).cloned()
    }

    /// The answers for some keys; only those are missing that the question left out.
    pub async fn get_many(&self, keys: Vec<K>) -> HashMap<K, V> {
        let mut found = HashMap::with_capacity(keys.len());
        for keys in keys.chunks(KEYS) {
            let answers = self.answers(keys).await;
            found.extend(
                keys.iter()
                    .filter_map(|key| Some((key.clone(), answers.get(key)?.clone()))),
            );
        }
        found
    }

    /// What came of the batch of some keys, a thousand at most.
    async fn answers(&self, keys: &[K]) -> Answers<K, V> {
        let (place, first) = self.join(keys);
        match first {
            Some(told_however_this_ends) => {
                wait(&place.keys).await;
                drop(told_however_this_ends);
            }
            // Told or cancelled, it is over.
            None => drop(place.quiet.await),
        }
        place.asking.await
    }

    /// Adds keys to the batch that gathers, or begins one: then there is something to tell.
    fn join(&self, keys: &[K]) -> (Place<K, V>, Option<oneshot::Sender<()>>) {
        let mut newest = lock(&self.newest);
        let gathering = newest
            .as_ref()
            .and_then(|batch| Some((batch, batch.asking.upgrade()?)));
        if let Some((batch, asking)) = gathering
            && let Some(gathered) = &mut *lock(&batch.keys)
            && gathered.len() + keys.len() <= KEYS
        {
            gathered.extend(keys.iter().cloned());
            return (
                Place {
                    keys: batch.keys.clone(),
                    quiet: batch.quiet.clone(),
                    asking,
                },
                None,
            );
        }
        let keys: Keys<K> = Arc::new(Mutex::new(Some(keys.iter().cloned().collect())));
        let (first, quiet) = oneshot::channel();
        let quiet = quiet.shared();
        let asking = run(self.ask.clone(), keys.clone()).boxed().shared();
        *newest = asking.downgrade().map(|asking| Newest {
            keys: keys.clone(),
            quiet: quiet.clone(),
            asking,
        });
        (Place { keys, quiet, asking }, Some(first))
    }
}

/// Waits until nobody comes any more.
async fn wait<K>(keys: &Keys<K>) {
    let (mut known, mut turns) = (0, 0);
    while turns < TURNS {
        let come = lock(keys).as_ref().map_or(0, HashSet::len);
        if come == known {
            return;
        }
        known = come;
        for _ in 0..QUIET {
            tokio::task::yield_now().await;
        }
        turns += QUIET;
    }
}

/// Asks. Whoever comes from here on must not get what this batch is about to read.
async fn run<K, V>(ask: Ask<K, V>, keys: Keys<K>) -> Answers<K, V>
where
    K: Clone + Eq + Hash,
{
    let keys = lock(&keys).take().unwrap_or_default();
    Arc::new(ask(keys.into_iter().collect()).await)
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing under these locks can panic half-way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
