//! The log in the database. Every function takes the caller's connection or transaction.
//!
//! [`lock`], [`Locked::reserve`] and [`write()`], or [`append`], allocate numbers and store events;
//! [`read()`] and [`pages`] page through them; [`prune`], [`erase_some`] and [`fence`] end them. Nothing here knows of
//! subscribers: announce what was written after the commit, with
//! [`Streams::announce`](crate::Streams::announce).

mod lock;
mod read;
mod reserve;
mod retention;
mod rows;
mod write;

pub use lock::{Locked, lock, lock_waiting};
pub use read::{Page, head, heads, pages, read};
pub use reserve::{Range, Reserved, Want, reserve};
pub use retention::{KEPT_DAYS, KEPT_EVENTS, Pruned, erase_some, fence, prune};
pub use write::{append, create, write};

use commons_entities::stream::stream;

/// Where a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The number of the newest event; 0 before the first.
    pub seq: i64,
    /// Events up to this one are gone.
    pub floor: i64,
    /// How many messages the stream's channel has had.
    pub ordinal: i64,
}

impl Head {
    /// Whether somebody who knows the stream up to `after` can be told the rest.
    pub fn resumes(&self, after: i64) -> bool {
        (self.floor..=self.seq).contains(&after)
    }
}

impl From<stream::Model> for Head {
    fn from(row: stream::Model) -> Self {
        Self {
            seq: row.head_seq,
            floor: row.floor_seq,
            ordinal: row.ordinal,
        }
    }
}
