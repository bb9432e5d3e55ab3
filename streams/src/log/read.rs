//! Reading: pages of one stream or of many, and where streams stand.
//!
//! Numbers are dense, so a page of `n` is the range `after + 1 ..= after + n`: no LIMIT a stream is
//! needed to read forty of them in one statement.

use super::Head;
use crate::{Event, StreamError};
use commons_entities::stream::{stream, stream_event};
use commons_platform::db::among;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Statement, Value,
};
use std::{collections::HashMap, sync::Arc};
use uuid::Uuid;

/// Ids of one IN list.
const IDS: usize = 500;
/// Ranges of one statement: every range is a term of an expression, and SQLite's go 1,000 deep.
const RANGES: usize = 100;

/// The events after `after`, at most `limit`, in order.
///
/// It does not tell a floor from a hole: when the first is not `after + 1`, ask for the [`head`].
///
/// # Errors
/// When the database fails.
pub async fn read(
    db: &impl ConnectionTrait,
    stream: Uuid,
    after: i64,
    limit: u32,
) -> Result<Vec<Arc<Event>>, StreamError> {
    let rows = stream_event::Entity::find()
        .filter(stream_event::Column::StreamId.eq(stream))
        .filter(stream_event::Column::Seq.gt(after))
        .order_by_asc(stream_event::Column::Seq)
        .limit(u64::from(limit))
        .all(db)
        .await?;
    rows.into_iter()
        .map(|row| Event::try_from(row).map(Arc::new))
        .collect()
}

/// Where a stream stands; none when it does not exist.
///
/// # Errors
/// When the database fails.
pub async fn head(db: &impl ConnectionTrait, stream: Uuid) -> Result<Option<Head>, StreamError> {
    Ok(stream::Entity::find_by_id(stream).one(db).await?.map(Head::from))
}

/// Where streams stand; those that do not exist are left out. One query for 500 streams.
///
/// # Errors
/// When the database fails.
pub async fn heads(db: &impl ConnectionTrait, streams: &[Uuid]) -> Result<HashMap<Uuid, Head>, StreamError> {
    let mut heads = HashMap::with_capacity(streams.len());
    for ids in streams.chunks(IDS) {
        let rows = stream::Entity::find()
            .filter(among(db, stream::Column::Id, ids.iter().copied()))
            .all(db)
            .await?;
        heads.extend(rows.into_iter().map(|row| (row.id, row.into())));
    }
    Ok(heads)
}

/// A piece of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The stream.
    pub stream: Uuid,
    /// The events, in order; empty after a reset.
    pub events: Vec<Arc<Event>>,
    /// There are events after the last of these.
    pub has_more: bool,
    /// Where the stream stood when it was read.
    pub head: Head,
    /// `after` is below the floor or above the head: what lies between is not known. Load the state
    /// anew and go on from the head.
    pub reset: bool,
}

/// The first events after each position, at most `first` a stream, in the order of the positions;
/// none for a stream that does not exist.
///
/// Two queries for up to 100 positions. `first` times the positions is what it holds in memory.
///
/// # Errors
/// When the database fails.
pub async fn pages(
    db: &impl ConnectionTrait,
    positions: &[(Uuid, i64)],
    first: u32,
) -> Result<Vec<Option<Page>>, StreamError> {
    let mut pages = Vec::with_capacity(positions.len());
    for positions in positions.chunks(RANGES) {
        let ids: Vec<Uuid> = positions.iter().map(|(stream, _)| *stream).collect();
        let heads = heads(db, &ids).await?;
        let ranges = positions.iter().filter_map(|(stream, after)| {
            let head = heads.get(stream)?;
            let until = head.seq.min(after.saturating_add(first.into()));
            (head.resumes(*after) && until > *after).then_some((*stream, *after, until))
        });
        let events = ranges_of(db, ranges.collect()).await?;
        pages.extend(positions.iter().map(|(stream, after)| {
            let head = *heads.get(stream)?;
            let events = events.get(stream).map(Vec::as_slice).unwrap_or_default();
            Some(page(*stream, *after, first, head, events))
        }));
    }
    Ok(pages)
}

/// All events in any of the ranges (stream, after, until), by stream and in order.
async fn ranges_of(
    db: &impl ConnectionTrait,
    ranges: Vec<(Uuid, i64, i64)>,
) -> Result<HashMap<Uuid, Vec<Arc<Event>>>, StreamError> {
    let mut events = HashMap::<Uuid, Vec<Arc<Event>>>::with_capacity(ranges.len());
    if ranges.is_empty() {
        return Ok(events);
    }
    let rows = match db.get_database_backend() {
        DbBackend::Postgres => {
            stream_event::Entity::find()
                .from_raw_sql(joined(&ranges))
                .all(db)
                .await?
        }
        _ => {
            stream_event::Entity::find()
                .filter(any_of(&ranges))
                .all(db)
                .await?
        }
    };
    for row in rows {
        events
            .entry(row.stream_id)
            .or_default()
            .push(Arc::new(row.try_into()?));
    }
    for events in events.values_mut() {
        events.sort_unstable_by_key(|event| event.seq);
    }
    Ok(events)
}

fn any_of(ranges: &[(Uuid, i64, i64)]) -> Condition {
    ranges
        .iter()
        .fold(Condition::any(), |any, (stream, after, until)| {
            any.add(
                Condition::all()
                    .add(stream_event::Column::StreamId.eq(*stream))
                    .add(stream_event::Column::Seq.gt(*after))
                    .add(stream_event::Column::Seq.lte(*until)),
            )
        })
}

/// The same for PostgreSQL, with one text for any count.
fn joined(ranges: &[(Uuid, i64, i64)]) -> Statement {
    const JOINED: &str = "SELECT event.* FROM UNNEST($1::uuid[], $2::bigint[], $3::bigint[])
        AS range (stream_id, after, until)
        JOIN stream_event AS event ON event.stream_id = range.stream_id
            AND event.seq > range.after AND event.seq <= range.until";
    let columns: [Value; 3] = [
        ranges.iter().map(|range| range.0).collect::<Vec<Uuid>>().into(),
        ranges.iter().map(|range| range.1).collect::<Vec<i64>>().into(),
        ranges.iter().map(|range| range.2).collect::<Vec<i64>>().into(),
    ];
    Statement::from_sql_and_values(DbBackend::Postgres, JOINED, columns)
}

fn page(stream: Uuid, after: i64, first: u32, head: Head, events: &[Arc<Event>]) -> Page {
    let until = head.seq.min(after.saturating_add(first.into()));
    let events: Vec<_> = events
        .iter()
        .filter(|event| event.seq > after && event.seq <= until)
        .cloned()
        .collect();
    // The floor may have moved between the two queries.
    let whole = head.resumes(after) && events.len() as i64 == until - after;
    if !whole {
        return Page {
            stream,
            events: Vec::new(),
            has_more: false,
            head,
            reset: true,
        };
    }
    Page {
        stream,
        events,
        has_more: until < head.seq,
        head,
        reset: false,
    }
}
