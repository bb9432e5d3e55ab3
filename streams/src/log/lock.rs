//! Locks: who may number the events of a stream until its transaction ends.
//!
//! On SQLite the transaction is IMMEDIATE and that alone keeps others out. On PostgreSQL a lock on the
//! stream's row does, taken in the order of ids; a stream that another writer holds can be skipped, so
//! that a batch never waits for a busy channel.

use super::{Head, Range, Reserved, Want, reserve::sum};
use crate::StreamError;
use commons_entities::stream::stream;
use commons_platform::db::among;
use sea_orm::{
    ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{LockBehavior, LockType},
};
use std::collections::HashMap;
use uuid::Uuid;

/// Streams of one statement.
const STREAMS: usize = 1000;

/// What [`lock`] got.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locked {
    /// The streams that are this transaction's until it ends, and where they stand.
    pub heads: HashMap<Uuid, Head>,
    /// The others, in order: another writer holds them, or they do not exist. After [`lock`] they may
    /// join the next batch; after [`lock_waiting`] they do not exist.
    pub skipped: Vec<Uuid>,
}

impl Locked {
    /// Gives exactly as many numbers as are wanted, without a word to the database: nobody else can
    /// take any. [`write()`](super::write()) moves the heads on when it stores the events.
    ///
    /// A stream that is wanted twice gets one range; another call goes on behind it, so write in the
    /// order of the calls.
    ///
    /// # Errors
    /// [`StreamError::Unknown`] for a stream that is not locked here.
    pub fn reserve(&mut self, wants: &[Want]) -> Result<Reserved, StreamError> {
        let sums = sum(wants);
        if let Some(stream) = sums.keys().find(|stream| !self.heads.contains_key(stream)) {
            return Err(StreamError::Unknown(*stream));
        }
        let mut reserved = Reserved::ahead();
        for (stream, (events, ordinals)) in sums {
            let head = self.heads.get_mut(&stream).expect("it was looked for above");
            reserved.add(
                stream,
                Range {
                    first_seq: head.seq + 1,
                    events,
                    first_ordinal: head.ordinal + 1,
                    ordinals,
                },
            );
            head.seq += i64::from(events);
            head.ordinal += i64::from(ordinals);
        }
        Ok(reserved)
    }
}

/// Locks those of the streams that nobody holds, without waiting.
///
/// # Errors
/// When the database fails.
pub async fn lock(tx: &impl ConnectionTrait, streams: &[Uuid]) -> Result<Locked, StreamError> {
    lock_as(tx, streams, Some(LockBehavior::SkipLocked)).await
}

/// Locks the streams, waiting for each: for one that was skipped too often, in a batch of its own.
///
/// # Errors
/// When the database fails, or the wait is longer than a transaction may take.
pub async fn lock_waiting(tx: &impl ConnectionTrait, streams: &[Uuid]) -> Result<Locked, StreamError> {
    lock_as(tx, streams, None).await
}

async fn lock_as(
    tx: &impl ConnectionTrait,
    streams: &[Uuid],
    behavior: Option<LockBehavior>,
) -> Result<Locked, StreamError> {
    let mut wanted = streams.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let mut heads = HashMap::with_capacity(wanted.len());
    for ids in wanted.chunks(STREAMS) {
        let mut select = stream::Entity::find()
            .filter(among(tx, stream::Column::Id, ids.iter().copied()))
            .order_by_asc(stream::Column::Id);
        // SQLite has no such clause; it is left out there.
        select = match behavior {
            Some(behavior) => select.lock_with_behavior(LockType::Update, behavior),
            None => select.lock(LockType::Update),
        };
        heads.extend(select.all(tx).await?.into_iter().map(|row| (row.id, row.into())));
    }
    let skipped = wanted.into_iter().filter(|id| !heads.contains_key(id)).collect();
    Ok(Locked { heads, skipped })
}
