//! Numbers: taken in the transaction that writes what their events tell of, and all of them written.

use crate::{NewEvent, StreamError};
use commons_entities::stream::stream;
use sea_orm::{
    ColumnTrait, ConnectionTrait,
    sea_query::{Expr, ExprTrait, Query},
};
use std::collections::BTreeMap;
use uuid::Uuid;

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

impl Range {
    /// The number of the last event.
    pub(super) fn last_seq(&self) -> i64 {
        self.first_seq + i64::from(self.events) - 1
    }

    /// The ordinal of the last message.
    pub(super) fn last_ordinal(&self) -> i64 {
        self.first_ordinal + i64::from(self.ordinals) - 1
    }
}

/// Numbers that are taken; [`write()`](super::write()) takes all of them back as events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "numbers that are reserved and not written are a hole in the stream"]
pub struct Reserved {
    ranges: BTreeMap<Uuid, Range>,
    /// The heads are still where they were.
    ahead: bool,
}

impl Reserved {
    /// Numbers ahead of the heads, of locked streams.
    pub(super) fn ahead() -> Self {
        Self {
            ahead: true,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, stream: Uuid, range: Range) {
        self.ranges.insert(stream, range);
    }

    /// The numbers of a stream, none when it was not asked for.
    pub fn of(&self, stream: Uuid) -> Option<Range> {
        self.ranges.get(&stream).copied()
    }

    pub(super) fn ranges(&self) -> impl Iterator<Item = (Uuid, Range)> {
        self.ranges.iter().map(|(stream, range)| (*stream, *range))
    }

    /// The heads that have to move before the events stand behind them.
    pub(super) fn to_move(&self) -> impl Iterator<Item = (Uuid, Range)> {
        self.ranges().filter(|_| self.ahead)
    }

    /// That each number is there once and none is left.
    pub(super) fn check_dense(&self, events: &[(i64, NewEvent)]) -> Result<(), StreamError> {
        let mut given = BTreeMap::<Uuid, Vec<i64>>::new();
        for (seq, event) in events {
            given.entry(event.stream).or_default().push(*seq);
        }
        for (stream, range) in &self.ranges {
            let mut seqs = given.remove(stream).unwrap_or_default();
            seqs.sort_unstable();
            if !seqs.into_iter().eq(range.first_seq..=range.last_seq()) {
                return Err(StreamError::NotAsReserved(*stream));
            }
        }
        match given.keys().next() {
            Some(stream) => Err(StreamError::NotAsReserved(*stream)),
            None => Ok(()),
        }
    }
}

/// Takes exactly as many numbers as are wanted, in one UPDATE a stream, in the order of ids.
///
/// For rows that carry the number of their own event, where the streams are not locked yet; where they
/// are, [`Locked::reserve`](super::Locked::reserve) needs no statement. A stream that is wanted twice
/// gets one range.
///
/// # Errors
/// [`StreamError::Unknown`]; roll back then, as on every error.
pub async fn reserve(tx: &impl ConnectionTrait, wants: &[Want]) -> Result<Reserved, StreamError> {
    let mut reserved = Reserved::default();
    for (stream, (events, ordinals)) in sum(wants) {
        let (seq, ordinal) = advance(tx, stream, events.into(), ordinals.into()).await?;
        reserved.add(
            stream,
            Range {
                first_seq: seq - i64::from(events) + 1,
                events,
                first_ordinal: ordinal - i64::from(ordinals) + 1,
                ordinals,
            },
        );
    }
    Ok(reserved)
}

/// Events and ordinals by stream, in the order of ids.
pub(super) fn sum(wants: &[Want]) -> BTreeMap<Uuid, (u32, u32)> {
    let mut sums = BTreeMap::<Uuid, (u32, u32)>::new();
    for want in wants {
        let sum = sums.entry(want.stream).or_default();
        *sum = (sum.0 + want.events, sum.1 + want.ordinals);
    }
    sums
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
