//! A commit that was not answered: it happened, or it did not, and only the database knows.
//!
//! It is settled by looking, never by trying again blindly. The backend that was lost may still be
//! committing, so the streams it holds are locked first, which waits for its end. A transaction is
//! whole or not at all: one of its messages tells of all.

use crate::store;
use commons_entities::{MessageId, message::message};
use commons_platform::{ApiError, Platform};
use commons_streams::log;
use std::{collections::HashMap, time::Duration};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

/// How long it is tried; a lost backend holds its locks for seconds.
const PATIENCE: Duration = Duration::from_secs(6);
const PAUSE: Duration = Duration::from_millis(100);

/// Whether these rows were committed; none when nobody could say in time.
pub(super) async fn was_written(
    platform: &Platform,
    rows: &HashMap<MessageId, message::Model>,
) -> Option<bool> {
    tracing::warn!("a commit was not answered; its messages are looked up");
    metrics::counter!("commons_send_lookups_total").increment(1);
    let until = Instant::now() + PATIENCE;
    let streams: Vec<Uuid> = rows.values().map(|row| row.channel_id.0).collect();
    let one = *rows.keys().next()?;
    loop {
        match timeout_at(until, look(platform, &streams, one)).await {
            Ok(Ok(there)) => return Some(there),
            Ok(Err(error)) => tracing::warn!(%error, "a look-up failed"),
            Err(_) => return None,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn look(platform: &Platform, streams: &[Uuid], one: MessageId) -> Result<bool, ApiError> {
    let tx = platform.db.begin().await?;
    log::lock_waiting(&tx, streams).await?;
    let there = store::find(&tx, one).await?.is_some();
    tx.rollback().await?;
    Ok(there)
}
