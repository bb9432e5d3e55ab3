//! One batch of sends as one transaction.
//!
//! Inside: lock the streams, look up nonces, prove permissions again, check slow mode and reply
//! targets, take exactly as many numbers as there are messages left, insert. What fails a check fails
//! alone, before the insert. An insert that fails is tried in halves, so that it fails alone too. A
//! commit whose outcome is unknown is settled by looking the ids up, never by trying again.

use super::{
    pending::{Outcome, Pending},
    verdict::Verdicts,
};
use crate::{Error, events, store};
use commons_entities::{
    ChannelId, MessageId,
    message::{message, message_nonce},
};
use commons_platform::{ApiError, Platform, db::Tx};
use commons_streams::{
    Event, NewEvent,
    log::{self, Want},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// What became of a batch.
#[derive(Default)]
pub(super) struct Written {
    /// Every send that is decided.
    pub(super) settled: Vec<(Pending, Outcome)>,
    /// What was committed, to be announced.
    pub(super) events: Vec<Arc<Event>>,
    /// Sends whose stream somebody else held: they come again in the next batch.
    pub(super) held: Vec<Pending>,
}

impl Written {
    fn add(&mut self, other: Self) {
        self.settled.extend(other.settled);
        self.events.extend(other.events);
        self.held.extend(other.held);
    }

    fn fail(&mut self, pending: Pending, error: Error) {
        self.settled.push((pending, Err(error)));
    }
}

/// Writes a batch; every send of it comes back settled or held.
pub(super) async fn write(platform: &Platform, batch: Vec<Pending>) -> Written {
    let mut written = Written::default();
    // Halves that still have to be tried, in the order of acceptance.
    let mut halves = vec![batch];
    while let Some(mut batch) = halves.pop() {
        match attempt(platform, &mut batch).await {
            Ok(done) => written.add(done),
            Err(Failure::Refused(error)) if batch.len() == 1 || !error.is_divisible() => {
                for pending in batch {
                    written.fail(pending, error.clone().into());
                }
            }
            Err(Failure::Refused(_)) => {
                let later = batch.split_off(batch.len() / 2);
                halves.push(later);
                halves.push(batch);
            }
            Err(Failure::Unknown(error)) => written.add(look_up(platform, batch, error).await),
        }
    }
    written
}

/// Why a transaction did not simply commit.
enum Failure {
    /// Nothing was written.
    Refused(Refusal),
    /// The commit was sent and not answered.
    Unknown(ApiError),
}

#[derive(Clone)]
struct Refusal(ApiError);

impl Refusal {
    /// Whether a smaller batch may fare better: not when the database is away or busy.
    fn is_divisible(&self) -> bool {
        self.0.code() == commons_platform::Code::Internal
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Api(refusal.0)
    }
}

impl<E: Into<ApiError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Refused(Refusal(error.into()))
    }
}

/// Tries the whole batch; on a failure `batch` holds all of it again.
async fn attempt(platform: &Platform, batch: &mut Vec<Pending>) -> Result<Written, Failure> {
    let now = platform.clock.now();
    let tx = platform.db.begin().await?;
    let mut verdicts = Verdicts::new(batch.len());
    verdicts.lock(&tx, batch).await?;
    verdicts.know_nonces(&tx, batch).await?;
    verdicts.prove(&tx, batch, now).await?;
    verdicts.check_replies(&tx, batch).await?;
    verdicts.check_pace(&tx, batch).await?;
    let (rows, stored) = insert(&tx, batch, &verdicts).await?;
    tx.commit()
        .await
        .map_err(|error| Failure::Unknown(error.into()))?;
    Ok(verdicts.settle(std::mem::take(batch), rows, stored))
}

/// Numbers and inserts every send that is still to be written.
async fn insert(
    tx: &Tx,
    batch: &[Pending],
    verdicts: &Verdicts,
) -> Result<(HashMap<MessageId, message::Model>, Vec<Arc<Event>>), Failure> {
    let accepted: Vec<&Pending> = verdicts.accepted(batch).collect();
    if accepted.is_empty() {
        return Ok((HashMap::new(), Vec::new()));
    }
    let wants: Vec<Want> = accepted
        .iter()
        .map(|pending| Want {
            stream: pending.seat.channel().0,
            events: 1,
            ordinals: 1,
        })
        .collect();
    let reserved = log::reserve(tx, &wants).await?;
    let mut taken = BTreeMap::<ChannelId, i64>::new();
    let mut rows = Vec::with_capacity(accepted.len());
    let mut told: Vec<(i64, NewEvent)> = Vec::with_capacity(accepted.len());
    for pending in &accepted {
        let channel = pending.seat.channel();
        let range = reserved
            .of(channel.0)
            .expect("every accepted send wanted a number of its stream");
        let offset = taken.entry(channel).or_default();
        let row = pending.row(range.first_seq + *offset, range.first_ordinal + *offset);
        *offset += 1;
        told.push((
            row.seq,
            events::about(&row, events::CREATED, Some(row.author_id), None, row.created_at),
        ));
        rows.push(row);
    }
    store::insert_messages(tx, &rows).await?;
    let nonces: Vec<message_nonce::Model> = accepted
        .iter()
        .filter_map(|pending| pending.nonce_row())
        .collect();
    store::insert_nonces(tx, nonces).await?;
    let stored = log::write(tx, reserved, told).await?;
    Ok((rows.into_iter().map(|row| (row.id, row)).collect(), stored))
}

/// Settles a batch whose commit may or may not have happened.
async fn look_up(platform: &Platform, batch: Vec<Pending>, error: ApiError) -> Written {
    tracing::warn!("a commit was not answered; its messages are looked up");
    let ids: Vec<MessageId> = batch.iter().map(|pending| pending.id).collect();
    let mut found = match store::by_ids(platform.db.writer(), &ids).await {
        Ok(found) => found,
        Err(later) => {
            tracing::error!(%later, "the messages could not be looked up; their senders will ask again");
            HashMap::new()
        }
    };
    let mut written = Written::default();
    for pending in batch {
        let outcome = found.remove(&pending.id).ok_or_else(|| Error::Api(error.clone()));
        written.settled.push((pending, outcome));
    }
    written
}
