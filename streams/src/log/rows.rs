//! The rows that writing makes, in as few statements as each database needs.
//!
//! PostgreSQL gets columns as arrays: one statement, one text however many rows, so it is prepared
//! once. Its arrays hold no NULL here; an empty text and the nil UUID stand for it, which no event has.

use super::Range;
use crate::{Event, StreamError};
use commons_entities::stream::{stream, stream_event};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement, Value,
    sea_query::Expr,
};
use std::sync::Arc;
use uuid::Uuid;

/// Rows of one INSERT: with eight columns far below the 32,766 values that SQLite binds.
const ROWS: usize = 1000;
/// Rows of one statement of arrays.
const ROWS_AT_ONCE: usize = 2000;

/// An event, and its data as the database holds it.
pub(super) type Written = (Arc<Event>, Option<String>);

/// Moves heads and adds events, a statement for each head and for every thousand events.
pub(super) async fn store(
    tx: &impl ConnectionTrait,
    heads: &[(Uuid, Range)],
    events: &[Written],
) -> Result<(), StreamError> {
    for (id, range) in heads {
        let moved = stream::Entity::update_many()
            .col_expr(stream::Column::HeadSeq, Expr::value(range.last_seq()))
            .col_expr(stream::Column::Ordinal, Expr::value(range.last_ordinal()))
            .filter(stream::Column::Id.eq(*id))
            .filter(stream::Column::HeadSeq.eq(range.first_seq - 1))
            .exec(tx)
            .await?;
        if moved.rows_affected != 1 {
            return Err(StreamError::NotAsReserved(*id));
        }
    }
    for events in events.chunks(ROWS) {
        let rows = events.iter().map(|(event, data)| stream_event::ActiveModel {
            stream_id: Set(event.stream),
            seq: Set(event.seq),
            kind: Set(event.kind.clone().into_owned()),
            subject: Set(event.subject),
            ref_rev: Set(event.rev),
            data: Set(data.clone()),
            actor: Set(event.actor),
            at: Set(event.at),
        });
        stream_event::Entity::insert_many(rows)
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// Heads move only from where the numbers begin; how many did is the answer.
const STORE: &str = r#"
WITH moved AS (
    UPDATE stream SET head_seq = range.last_seq, ordinal = range.last_ordinal
    FROM UNNEST($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[])
        AS range (id, first_seq, last_seq, last_ordinal)
    WHERE stream.id = range.id AND stream.head_seq = range.first_seq - 1
    RETURNING stream.id
), told AS (
    INSERT INTO stream_event (stream_id, seq, kind, ref, ref_rev, data, actor, at)
    SELECT stream_id, seq, kind, ref, ref_rev, NULLIF(data, ''),
        NULLIF(actor, '00000000-0000-0000-0000-000000000000'), at
    FROM UNNEST($5::uuid[], $6::bigint[], $7::text[], $8::uuid[], $9::bigint[], $10::text[],
            $11::uuid[], $12::timestamptz[])
        AS event (stream_id, seq, kind, ref, ref_rev, data, actor, at)
)
SELECT id FROM moved"#;

/// The same on PostgreSQL, in one statement.
pub(super) async fn store_at_once(
    tx: &impl ConnectionTrait,
    heads: &[(Uuid, Range)],
    events: &[Written],
) -> Result<(), StreamError> {
    let mut heads = heads;
    for events in events.chunks(ROWS_AT_ONCE) {
        let values = head_columns(heads).into_iter().chain(event_columns(events));
        let statement = Statement::from_sql_and_values(tx.get_database_backend(), STORE, values);
        let moved = tx.query_all_raw(statement).await?;
        if moved.len() != heads.len() {
            let moved: Vec<Uuid> = moved
                .iter()
                .map(|row| row.try_get_by_index(0))
                .collect::<Result<_, _>>()?;
            let stayed = heads.iter().find(|(id, _)| !moved.contains(id));
            let (stayed, _) = stayed.expect("fewer moved than were to");
            return Err(StreamError::NotAsReserved(*stayed));
        }
        heads = &[];
    }
    Ok(())
}

fn head_columns(heads: &[(Uuid, Range)]) -> [Value; 4] {
    let numbers = |number: fn(&Range) -> i64| -> Value {
        heads
            .iter()
            .map(|(_, range)| number(range))
            .collect::<Vec<i64>>()
            .into()
    };
    [
        heads.iter().map(|(id, _)| *id).collect::<Vec<Uuid>>().into(),
        numbers(|range| range.first_seq),
        numbers(Range::last_seq),
        numbers(Range::last_ordinal),
    ]
}

fn event_columns(events: &[Written]) -> [Value; 8] {
    fn column<T>(events: &[Written], value: impl Fn(&Written) -> T) -> Value
    where
        Vec<T>: Into<Value>,
    {
        events.iter().map(value).collect::<Vec<T>>().into()
    }
    [
        column(events, |(event, _)| event.stream),
        column(events, |(event, _)| event.seq),
        column(events, |(event, _)| event.kind.clone().into_owned()),
        column(events, |(event, _)| event.subject),
        column(events, |(event, _)| event.rev),
        column(events, |(_, data)| data.clone().unwrap_or_default()),
        column(events, |(event, _)| event.actor.unwrap_or_default()),
        column(events, |(event, _)| event.at),
    ]
}
