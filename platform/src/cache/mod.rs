//! The shared cache of encoded rows, between a loader's own memory and the database.
//!
//! A value here must never be older than the database for long, whatever dies when. One rule does
//! it: **who stores a value holds a token that was taken before the database was touched, and any
//! write in between takes that token away.** Each key is in one of four states:
//!
//! | state | a reader gets | a writer's tombstone makes it |
//! |---|---|---|
//! | empty | [`Slot::Miss`] with a [`Lease`]; the key is now leased | tombstoned |
//! | leased (3 s) | [`Slot::Busy`]; the lease's holder may [`fill`](Cache::fill) | tombstoned, the lease is void |
//! | value | [`Slot::Hit`] | tombstoned, the value is gone |
//! | tombstoned | [`Slot::Busy`] | tombstoned by both writers, and *mixed* |
//!
//! - A writer places its tombstone before its commit. It stands for [`TOMBSTONE`], longer than any
//!   transaction may last, so a writer that dies at the worst moment costs database reads, no truth.
//! - After the commit [`put`](Cache::put) takes the tombstone down. The value stays only if this
//!   writer was alone on the key for as long as its tombstone stood. Of two writers that overlap
//!   nobody here knows which committed last, nor whether one of them died after its commit; so the
//!   key stays *mixed* until the last tombstone is gone, keeps nothing, and the next reader fills it.
//! - A token that is unknown (expired, or lost in a wipe) stores nothing and drops what it finds.
//! - After a [wipe](Cache::wipe), wherever it comes from, tombstones placed before it still hold:
//!   an implementation that loses them grants no lease for [`TOMBSTONE`], and lets nobody leave a value
//!   who places a tombstone within that time.
//! - A writer whose tombstone could not be placed [owes](Cache::owe) the cache before its commit: until
//!   it has removed the rows nobody who shares the cache reads from it.
//!
//! No read that begins two seconds after a commit is older than it. Why, whatever happens to a cache
//! that is shared over a network:
//!
//! | what happens | what holds |
//! |---|---|
//! | it hangs or is away when the tombstone is placed | the writer owes. Others notice the debt in 1.2 s, drop what they have near, and read the database until the rows are removed |
//! | it hangs or is away after that | the value went with the tombstone, which outlives the transaction; then readers fill from the database |
//! | it goes on after a hang, with old values | those written meanwhile are owed. Calls that it carries out late hold tokens that a removal or another write has voided |
//! | it comes back with an old copy of the data | it knows no scripts; who finds that out voids all it holds before anybody reads (`redis::scripts`) |
//! | it loses everything, or a replica without data takes over | the rule of wipes above, by its guards (`redis`) |
//! | it evicts | a value or a lease: a miss. A tombstone goes only with its guard: as when it loses everything |
//! | one process is cut off from it and another is not | the debt is in the database, which both need: `redis::debtors` |
//! | the process that owes dies | its mark in the database stays, runs out, and who sees that wipes the cache |
//! | a writer dies between commit and word | its tombstone stands, or else its debt |
//! | the database is away for a reader | its knowledge of debts is too old after 1.2 s; it reads nothing from the cache |
//! | a near copy whose invalidation was lost | it lives for two seconds from before its reading began |
//!
//! Not covered: two masters at once that both take writes, as Redis Sentinel can have for a while unless
//! `min-replicas-to-write` is set, and a server's clock that jumps ahead by seconds.
//!
//! So revisions decide nothing here: they travel inside the value, for a reader that asks for at
//! least one. What a value means, who may see it and what to do on an error is the loader's matter.

mod memory;
mod redis;
mod writers;

pub use memory::MemoryCache;
pub use redis::RedisCache;
pub(crate) use writers::Writers;

use bytes::Bytes;
use std::{sync::Arc, time::Duration};

/// How long a reader may take from its miss to its fill.
pub const LEASE: Duration = Duration::from_secs(3);
/// How long a tombstone stands unless its writer takes it down; above every transaction's limit of 5 s.
pub const TOMBSTONE: Duration = Duration::from_secs(10);

/// The name of a row in the cache: `comm:{service}:{kind}:{id}`.
pub fn key(service: &str, kind: &str, id: impl std::fmt::Display) -> String {
    format!("comm:{service}:{kind}:{id}")
}

/// A reader's right to fill one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lease(u128);

impl Lease {
    /// A lease that no other equals.
    pub fn random() -> Self {
        Self(rand::random())
    }
}

/// A writer's name on its tombstones: one for each transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Writer(u128);

impl Writer {
    /// A name that no other writer has.
    pub fn random() -> Self {
        Self(rand::random())
    }
}

/// What the cache answers for one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// The value as it was stored.
    Hit(Bytes),
    /// Nothing: read the database and fill.
    Miss(Lease),
    /// A writer is at work or another reader fills: read the database and fill nothing.
    Busy,
}

/// A reader's value for a key it holds the lease of.
#[derive(Debug, Clone)]
pub struct Fill {
    /// The key, as [`key`] makes it.
    pub key: String,
    /// What the miss granted.
    pub lease: Lease,
    /// The encoded row.
    pub value: Bytes,
    /// How long the value may be served.
    pub ttl: Duration,
}

/// A writer's value for a key it put a tombstone on.
#[derive(Debug, Clone)]
pub struct Put {
    /// The key, as [`key`] makes it.
    pub key: String,
    /// The encoded row as committed.
    pub value: Bytes,
    /// How long the value may be served.
    pub ttl: Duration,
}

/// Held for as long as rows may be in the cache that a write of this process has replaced without its
/// tombstone. Clones are one debt.
#[derive(Clone, Default)]
#[must_use = "dropped, it says that the cache is right again"]
pub struct Debt(Option<Arc<redis::Owing>>);

impl std::fmt::Debug for Debt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Debt").field(&self.0.is_some()).finish()
    }
}

/// Why the cache did not answer. Whether the call took effect is then unknown.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It cannot be reached, or answered nonsense.
    #[error("the cache is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It did not answer in time.
    #[error("the cache did not answer in time")]
    TimedOut,
    /// It holds as many tombstones as it may.
    #[error("the cache holds too many tombstones")]
    Full,
}

/// A cache that forgets whenever it likes and never remembers what is no longer true.
///
/// Every call is bounded in time by the implementation. Each key of a call is handled atomically,
/// the call as a whole is not.
#[async_trait::async_trait]
pub trait Cache: Send + Sync + 'static {
    /// Looks keys up; the answers are in the order of the keys.
    async fn get_many(&self, keys: &[String]) -> Result<Vec<Slot>, CacheError>;

    /// Stores what a reader found, where its lease still holds.
    async fn fill(&self, items: Vec<Fill>) -> Result<(), CacheError>;

    /// Puts a writer's tombstone on keys, before its commit. Calling again renews it.
    async fn tombstone(&self, writer: Writer, keys: &[String], ttl: Duration) -> Result<(), CacheError>;

    /// Takes a writer's tombstones down after its commit and leaves the new values where it was alone.
    async fn put(&self, writer: Writer, items: Vec<Put>) -> Result<(), CacheError>;

    /// Takes a writer's tombstones down and leaves nothing: the rows are gone, or the write was undone.
    async fn release(&self, writer: Writer, keys: &[String]) -> Result<(), CacheError>;

    /// Forgets values and leases, and makes tombstoned keys mixed: for who wrote without a tombstone
    /// or found a value too old.
    async fn remove(&self, keys: &[String]) -> Result<(), CacheError>;

    /// Forgets every value and lease, also those of other processes.
    async fn wipe(&self) -> Result<(), CacheError>;

    /// Makes known that a write is about to commit of which this cache could not be told, for as long as
    /// the debt is held: nobody who shares the cache reads from it meanwhile. Returns when the commit may
    /// rely on that. A cache of one process needs none of it.
    async fn owe(&self) -> Debt {
        Debt::default()
    }

    /// Whether rows that came from here are as new as the cache promises. While this is false every key
    /// is busy, and who keeps copies does not use them.
    fn trusted(&self) -> bool {
        true
    }
}
