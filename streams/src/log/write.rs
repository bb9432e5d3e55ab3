//! Writing: numbers are given in the transaction that writes what an event tells of.
//!
//! Lock order: streams by id, before any row of a domain.

use super::{Range, Reserved, Want, reserve, rows};
use crate::{Event, NewEvent, StreamError};
use commons_entities::stream::stream;
use sea_orm::{ActiveValue::Set, ConnectionTrait, DbBackend, EntityTrait};
use std::{collections::HashMap, sync::Arc};
use uuid::Uuid;

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

/// Stores the events for numbers that were reserved: each number once, none left. One statement for
/// up to 2,000 events on PostgreSQL.
///
/// The answer has the same order; announce it after the commit.
///
/// # Errors
/// [`StreamError::DataTooLarge`] and [`StreamError::NotAsReserved`] before anything is written; the
/// latter also when a head is not where it was when it was locked.
pub async fn write(
    tx: &impl ConnectionTrait,
    reserved: Reserved,
    events: Vec<(i64, NewEvent)>,
) -> Result<Vec<Arc<Event>>, StreamError> {
    reserved.check_dense(&events)?;
    let mut written = Vec::with_capacity(events.len());
    let mut stored = Vec::with_capacity(events.len());
    for (seq, event) in events {
        let data = event.data_text()?;
        let event = Arc::new(event.numbered(seq));
        written.push((event.clone(), data));
        stored.push(event);
    }
    let heads: Vec<(Uuid, Range)> = reserved.to_move().collect();
    match tx.get_database_backend() {
        DbBackend::Postgres => rows::store_at_once(tx, &heads, &written).await?,
        _ => rows::store(tx, &heads, &written).await?,
    }
    Ok(stored)
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
        .ranges()
        .map(|(stream, range)| (stream, range.first_seq))
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
