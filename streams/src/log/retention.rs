//! The end of events: retention moves the floor up, a fence moves floor and head.

use crate::StreamError;
use chrono::{DateTime, TimeDelta, Utc};
use commons_entities::stream::{stream, stream_event};
use commons_platform::db::Db;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

/// An event is kept for at least so many days.
pub const KEPT_DAYS: i64 = 7;
/// A stream keeps at least its newest so many events.
pub const KEPT_EVENTS: i64 = 10_000;

/// Events of one transaction: some milliseconds, so that senders hardly notice.
const BATCH: i64 = 1000;
/// Streams looked at in one query.
const STREAMS: u64 = 200;

/// What [`prune`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Streams whose floor moved.
    pub streams: u64,
    /// Events that are gone.
    pub events: u64,
}

/// Ends the events that are older than [`KEPT_DAYS`] and not among a stream's newest [`KEPT_EVENTS`].
///
/// In small transactions of its own; interrupted, it goes on the next time.
///
/// # Errors
/// When the database fails; what was done until then stays.
pub async fn prune(db: &Db, now: DateTime<Utc>) -> Result<Pruned, StreamError> {
    let before = now - TimeDelta::days(KEPT_DAYS);
    let mut pruned = Pruned::default();
    let mut last = Uuid::nil();
    loop {
        let long = stream::Entity::find()
            .filter(stream::Column::Id.gt(last))
            .filter(
                Expr::col(stream::Column::HeadSeq)
                    .sub(Expr::col(stream::Column::FloorSeq))
                    .gt(KEPT_EVENTS),
            )
            .order_by_asc(stream::Column::Id)
            .limit(STREAMS)
            .all(db.read())
            .await?;
        let Some(row) = long.last() else { return Ok(pruned) };
        last = row.id;
        for row in long {
            let events = prune_stream(db, &row, before).await?;
            pruned.events += events;
            pruned.streams += u64::from(events > 0);
        }
    }
}

async fn prune_stream(db: &Db, row: &stream::Model, before: DateTime<Utc>) -> Result<u64, StreamError> {
    let limit = row.head_seq - KEPT_EVENTS;
    let mut floor = row.floor_seq;
    let mut events = 0;
    while floor < limit {
        let end = std::cmp::min(limit, floor + BATCH);
        // Times need not rise with the numbers: the first young event stops the floor.
        let young = stream_event::Entity::find()
            .select_only()
            .column(stream_event::Column::Seq)
            .filter(stream_event::Column::StreamId.eq(row.id))
            .filter(stream_event::Column::Seq.gt(floor))
            .filter(stream_event::Column::Seq.lte(end))
            .filter(stream_event::Column::At.gte(before))
            .order_by_asc(stream_event::Column::Seq)
            .into_tuple::<i64>()
            .one(db.read())
            .await?;
        let to = young.map_or(end, |seq| seq - 1);
        if to > floor {
            events += raise_floor(db, row.id, to).await?;
            floor = to;
        }
        if young.is_some() {
            break;
        }
    }
    Ok(events)
}

async fn raise_floor(db: &Db, id: Uuid, floor: i64) -> Result<u64, StreamError> {
    let tx = db.begin().await?;
    let gone = end_events(&tx, id, floor).await?;
    tx.commit().await?;
    Ok(gone)
}

/// Ends the events up to one, and says how many there were. The floor is first: its row is the lock.
async fn end_events(tx: &impl ConnectionTrait, id: Uuid, floor: i64) -> Result<u64, StreamError> {
    stream::Entity::update_many()
        .col_expr(stream::Column::FloorSeq, Expr::value(floor))
        .filter(stream::Column::Id.eq(id))
        .filter(stream::Column::FloorSeq.lt(floor))
        .exec(tx)
        .await?;
    let gone = stream_event::Entity::delete_many()
        .filter(stream_event::Column::StreamId.eq(id))
        .filter(stream_event::Column::Seq.lte(floor))
        .exec(tx)
        .await?;
    Ok(gone.rows_affected)
}

/// Ends a stream whose subject is gone, a bounded step a call: its oldest events, then itself. False when
/// there is no such stream any more. Lock it first.
///
/// # Errors
/// When the database fails.
pub async fn erase_some(tx: &impl ConnectionTrait, id: Uuid) -> Result<bool, StreamError> {
    let Some(row) = stream::Entity::find_by_id(id).one(tx).await? else {
        return Ok(false);
    };
    if row.floor_seq < row.head_seq {
        end_events(tx, id, std::cmp::min(row.head_seq, row.floor_seq + BATCH)).await?;
    } else {
        stream::Entity::delete_by_id(id).exec(tx).await?;
    }
    Ok(true)
}

/// Moves every stream `jump` numbers ahead and its floor to the new head, so that no cursor from
/// before means anything any more: for the time after a restore or a lossy failover.
///
/// `jump` must exceed the number of events that a stream may have lost. Every stream loses its
/// events; what they told of stays. Clients are told to load anew.
///
/// # Errors
/// When the database fails; roll back then.
pub async fn fence(tx: &impl ConnectionTrait, jump: u32) -> Result<(), StreamError> {
    if tx.get_database_backend() == DbBackend::Postgres {
        // Rows are not updated in the order in which writers lock them.
        tx.execute_unprepared("LOCK TABLE stream IN EXCLUSIVE MODE")
            .await?;
    }
    let ahead = || Expr::col(stream::Column::HeadSeq).add(i64::from(jump));
    stream::Entity::update_many()
        .col_expr(stream::Column::HeadSeq, ahead())
        .col_expr(stream::Column::FloorSeq, ahead())
        .exec(tx)
        .await?;
    stream_event::Entity::delete_many().exec(tx).await?;
    Ok(())
}
