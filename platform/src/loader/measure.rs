//! The loader's counters: which layer answered how many keys.
//!
//! Handles are taken once, so counting costs an addition; the recorder must be installed before the
//! first loader is made.

use super::Cached;
use metrics::{Counter, counter};

/// Counters of one kind of row; each counts keys, not calls.
pub(super) struct Measure {
    /// Answered by the near cache.
    pub(super) near: Counter,
    /// Answered by a load that somebody else had begun.
    pub(super) joined: Counter,
    /// Answered by the shared cache.
    pub(super) shared: Counter,
    /// Answered by the database.
    pub(super) database: Counter,
    /// Offered to the shared cache after a miss.
    pub(super) fills: Counter,
    /// Calls, not keys, that the shared cache failed.
    pub(super) errors: Counter,
}

impl Measure {
    pub(super) fn new<E: Cached>() -> Self {
        let layer = |layer: &'static str| counter!("commons_loader_keys_total", "service" => E::SERVICE, "kind" => E::KIND, "layer" => layer);
        Self {
            near: layer("near"),
            joined: layer("joined"),
            shared: layer("shared"),
            database: layer("database"),
            fills: counter!("commons_loader_fills_total", "service" => E::SERVICE, "kind" => E::KIND),
            errors: counter!("commons_loader_cache_errors_total", "service" => E::SERVICE, "kind" => E::KIND),
        }
    }
}
