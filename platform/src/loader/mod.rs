//! How rows are read: batched within a request, loaded once within a process, cached, never stale
//! for long.
//!
//! A resolver asks its request's [`Batch`], which asks the process's [`CachedLoader`]. That answers
//! from its near cache (decoded rows, this process, two seconds), else joins the load of the same
//! row that is under way, else asks the shared [`Cache`](crate::cache::Cache) once for all keys and
//! the database once for all that is still missing.
//!
//! Only what does not depend on the viewer is cached; who asks authorizes after the load. A cache or
//! a bus that fails costs time, never truth: the database answers.
//!
//! | who | what keeps it from being stale |
//! |---|---|
//! | the shared cache | leases and tombstones, see [`crate::cache`]; what a failed call may have left is owed (`owed`) and repaired |
//! | the near cache | the same tombstones for writers of this process; invalidations on the bus for others, and no use of it while the bus is down; two seconds for writers that died |
//! | a load under way | whoever changes its row detaches it (`near`): who asks later does not join it, and it leaves nothing in the near cache |
//! | a reader that follows an event | asks for [at least](CachedLoader::get_many_at_least) the revision the event names |
//!
//! Reading order of the files: `cached`, `near`, `flight`, `writing`, `owed`, `hearing`, `gather`, `batch`.

mod batch;
mod cached;
mod codec;
mod flight;
mod gather;
mod hearing;
mod measure;
mod near;
mod owed;
mod writing;

pub use batch::Batch;
pub use cached::CachedLoader;
pub use gather::Gather;
pub use writing::Writing;

use sea_orm::{DatabaseConnection, DbErr};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fmt::{Debug, Display},
    hash::Hash,
    str::FromStr,
    sync::Arc,
    time::Duration,
};

/// How long the near cache serves a row that nobody said anything about.
const NEAR_TTL: Duration = Duration::from_secs(2);
/// How long it is remembered that a row does not exist.
const ABSENT_TTL: Duration = Duration::from_secs(30);
/// How long a load may take, waiting for the cache and the database included.
const DEADLINE: Duration = Duration::from_secs(10);
/// How many rows one statement asks for.
const CHUNK: usize = 1000;

/// A kind of row that is loaded by its key and looks the same for everybody.
pub trait Cached: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What names a row. Its text is part of the cache's keys and parses back.
    type Key: Clone + Eq + Hash + Debug + Display + FromStr + Send + Sync + 'static;

    /// The service that owns the rows, as in `comm:{service}:{kind}:{id}`.
    const SERVICE: &'static str;
    /// The kind of row, as in `comm:{service}:{kind}:{id}`.
    const KIND: &'static str;
    /// The shape of the encoded row. Raise it with every change of the fields: other shapes are misses.
    const SCHEMA: u8;
    /// How long the shared cache serves a row; up to a tenth less, so that not all expire at once.
    const TTL: Duration;
    /// How many rows the near cache holds.
    const CAPACITY: u64 = 10_000;

    /// The row's key.
    fn key(&self) -> Self::Key;

    /// The row's revision, which every UPDATE raises in the same statement.
    fn rev(&self) -> i64;

    /// Reads rows from the primary database in one statement; missing ones are left out. There are
    /// at most a thousand keys, none twice.
    ///
    /// # Errors
    /// What the database says.
    fn fetch(
        db: &DatabaseConnection,
        keys: &[Self::Key],
    ) -> impl Future<Output = Result<Vec<Self>, DbErr>> + Send;
}

/// Why rows could not be loaded. It is shared by all who waited for the same load.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoadError {
    /// The database refused.
    #[error("rows could not be read")]
    Database(#[source] Arc<DbErr>),
    /// The database did not answer in ten seconds.
    #[error("rows could not be read in time")]
    TimedOut,
    /// The load ended without a result, twice: `fetch` panicked.
    #[error("the task that read the rows died")]
    Died,
    /// The load was given up, twice: the process ends.
    #[error("rows were not read, the process ends")]
    Ended,
}

/// A row, or that there is none.
type Row<E> = Option<Arc<E>>;

/// A key and the least revision that will do.
type Wanted<E> = (<E as Cached>::Key, i64);

/// Any revision, or no row at all, will do.
const ANY: i64 = i64::MIN;
/// No revision will do: the row was removed.
const REMOVED: i64 = i64::MAX;

/// Whether a cached copy is new enough. Who knows a revision knows that the row was there, so a
/// cached absence is too old for it.
fn suffices<E: Cached>(row: &Row<E>, least: i64) -> bool {
    least == ANY || row.as_ref().is_some_and(|row| row.rev() >= least)
}
