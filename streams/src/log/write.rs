//! Writing: numbers are given in the transaction that writes what an event tells of.
//!
//! Lock order: streams by id, before any row of a domain. On SQLite the transaction is IMMEDIATE and
//! that alone keeps others out. On PostgreSQL the locks of [`lock`] do, and a stream that another
//! writer holds is skipped, so that a batch never waits for a busy channel.

use super::Head;
use crate::{Event, NewEvent, StreamError};
use commons_entities::stream::{stream, stream_event};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, LockBehavior, LockType, Query},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use uuid::Uuid;

/// Rows of one INSERT: with eight columns far below what SQLite (32,766) and PostgreSQL (65,535) bind.
const ROWS: usize = 1000;

/// Starts a stream: head 0, floor 0.
///
/// # Errors
/// When the stream exists, or the database fails.
pub async fn create(tx: &impl ConnectionTrait, stream: Uuid) -> Result<(), StreamError> {
    let row = stream::ActiveModel {
        id: Set(stream),
        head_seq: Set(0),
        floor_seq: Set(0),
        ordinal: Set(0),
    };
    stream::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// What [`lock`] got.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locked {
    /// The streams that are this transaction's until it ends, and where they stand.
    pub heads: HashMap<Uuid, Head>,
    /// The others, in order: another writer holds them, or they do not exist. After [`lock`] they may
    /// join the next batch; after [`lock_waiting`] they do not exist.
    pub skipped: Vec<Uuid>,
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
    for ids in wanted.chunks(ROWS) {
        let mut select = stream::Entity::find()
            .filter(stream::Column::Id.is_in(ids.iter().copied()))
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

/// How many numbers a stream needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// The stream.
    pub stream: Uuid,
    /// How many events.
    pub events: u32,
    /// How many of them create a message.
    pub ordinals: u32,
}

/// The numbers that a stream gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The number of the first event.
    pub first_seq: i64,
    /// How many events.
    pub events: u32,
    /// The ordinal of the first message.
    pub first_ordinal: i64,
    /// How many messages.
    pub ordinals: u32,
}

/// Numbers that are taken; [`write()`] takes all of them back as events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "numbers that are reserved and not written are a hole in the stream"]
pub struct Reserved(BTreeMap<Uuid, Range>);

impl Reserved {
    /// The numbers of a stream, none when it was not asked for.
    pub fn of(&self, stream: Uuid) -> Option<Range> {
        self.0.get(&stream).copied()
    }
}

/// Takes exactly as many numbers as are wanted, in one UPDATE a stream, in the order of ids.
///
/// For rows that carry the number of their own event. A stream that is wanted twice gets one range.
///
/// # Errors
/// [`StreamError::Unknown`]; roll back then, as on every error.
pub async fn reserve(tx: &impl ConnectionTrait, wants: &[Want]) -> Result<Reserved, StreamError> {
    let mut sums = BTreeMap::<Uuid, (u32, u32)>::new();
    for want in wants {
        let sum = sums.entry(want.stream).or_default();
        *sum = (sum.0 + want.events, sum.1 + want.ordinals);
    }
    let mut reserved = Reserved::default();
    for (stream, (events, ordinals)) in sums {
        let (seq, ordinal) = advance(tx, stream, events.into(), ordinals.into()).await?;
        let first_seq = seq - i64::from(events) + 1;
        let first_ordinal = ordinal - i64::from(ordinals) + 1;
        reserved.0.insert(
            stream,
            Range {
                first_seq,
                events,
                first_ordinal,
                ordinals,
            },
        );
    }
    Ok(reserved)
}

async fn advance(
    tx: &impl ConnectionTrait,
    stream: Uuid,
    events: i64,
    ordinals: i64,
) -> Result<(i64, i64), StreamError> {
    use stream::Column::{HeadSeq, Id, Ordinal};
    let update = Query::update()
        .table(stream::Entity)
        .value(HeadSeq, Expr::col(HeadSeq).add(events))
        .value(Ordinal, Expr::col(Ordinal).add(ordinals))
        .and_where(Id.eq(stream))
        .returning(Query::returning().columns([HeadSeq, Ordinal]))
        .to_owned();
    let row = tx.query_one(&update).await?.ok_or(StreamError::Unknown(stream))?;
    Ok((row.try_get("", "head_seq")?, row.try_get("", "ordinal")?))
}

/// Stores the events for numbers that were reserved: each number once, none left.
///
/// The answer has the same order; announce it after the commit.
///
/// # Errors
/// [`StreamError::DataTooLarge`] and [`StreamError::NotAsReserved`] before anything is written.
pub async fn write(
    tx: &impl ConnectionTrait,
    reserved: Reserved,
    events: Vec<(i64, NewEvent)>,
) -> Result<Vec<Arc<Event>>, StreamError> {
    check_dense(&reserved, &events)?;
    let mut rows = Vec::with_capacity(events.len());
    let mut stored = Vec::with_capacity(events.len());
    for (seq, event) in events {
        rows.push(stream_event::ActiveModel {
            stream_id: Set(event.stream),
            seq: Set(seq),
            kind: Set(event.kind.to_owned()),
            subject: Set(event.subject),
            ref_rev: Set(event.rev),
            data: Set(event.data_text()?),
            actor: Set(event.actor),
            at: Set(event.at),
        });
        stored.push(Arc::new(event.numbered(seq)));
    }
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        stream_event::Entity::insert_many(rows.by_ref().take(ROWS))
            .exec_without_returning(tx)
            .await?;
    }
    Ok(stored)
}

fn check_dense(reserved: &Reserved, events: &[(i64, NewEvent)]) -> Result<(), StreamError> {
    let mut given = BTreeMap::<Uuid, Vec<i64>>::new();
    for (seq, event) in events {
        given.entry(event.stream).or_default().push(*seq);
    }
    for (stream, range) in &reserved.0 {
        let mut seqs = given.remove(stream).unwrap_or_default();
        seqs.sort_unstable();
        let wanted = range.first_seq..range.first_seq + i64::from(range.events);
        if !seqs.into_iter().eq(wanted) {
            return Err(StreamError::NotAsReserved(*stream));
        }
    }
    match given.keys().next() {
        Some(stream) => Err(StreamError::NotAsReserved(*stream)),
        None => Ok(()),
    }
}

/// Numbers and stores events: those of one stream follow each other in the order given.
///
/// The answer has the same order; announce it after the commit.
///
/// # Errors
/// [`StreamError::DataTooLarge`] before anything is written; [`StreamError::Unknown`].
pub async fn append(
    tx: &impl ConnectionTrait,
    events: Vec<NewEvent>,
) -> Result<Vec<Arc<Event>>, StreamError> {
    let mut wants = Vec::with_capacity(events.len());
    for event in &events {
        event.check()?;
        wants.push(Want {
            stream: event.stream,
            events: 1,
            ordinals: 0,
        });
    }
    let reserved = reserve(tx, &wants).await?;
    let mut next: HashMap<Uuid, i64> = reserved
        .0
        .iter()
        .map(|(stream, range)| (*stream, range.first_seq))
        .collect();
    let mut numbered = Vec::with_capacity(events.len());
    for event in events {
        let next = next
            .get_mut(&event.stream)
            .expect("every event's stream was asked for above");
        numbered.push((*next, event));
        *next += 1;
    }
    write(tx, reserved, numbered).await
}
