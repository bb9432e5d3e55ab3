//! One batch of sends as one transaction.
//!
//! Inside: lock the streams, look up nonces, prove permissions again, check slow mode and reply
//! targets, take exactly as many numbers as there are messages left, insert. What fails a check fails
//! alone, before the insert. An insert that fails is tried in halves, so that it fails alone too.
//!
//! A connection that is lost before the COMMIT was sent has written nothing: the batch is tried again
//! until its deadline. Of a COMMIT that was not answered see `unknown`.

use super::{
    pending::{Outcome, Pending},
    unknown::was_written,
    verdict::Verdicts,
};
use crate::{events, store};
use commons_entities::{
    ChannelId, MessageId,
    message::{message, message_nonce},
};
use commons_platform::{ApiError, Code, Platform, db::Tx};
use commons_streams::{
    Event, NewEvent,
    log::{self, Locked, Want},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::time::{Instant, timeout_at};

/// How long a batch is tried until its COMMIT is sent.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long a COMMIT has at least.
const COMMIT: Duration = Duration::from_secs(1);
/// Before the first new attempt, and before each after many.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

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

    /// Sends of a channel that was held a moment ago must not overtake those that were.
    fn hold_behind(&mut self, batch: &mut Vec<Pending>) {
        let channels: HashSet<ChannelId> = self.held.iter().map(|held| held.seat.channel()).collect();
        self.held
            .extend(batch.extract_if(.., |pending| channels.contains(&pending.seat.channel())));
    }

    fn fail(&mut self, batch: Vec<Pending>, error: &ApiError) {
        let failed = batch
            .into_iter()
            .map(|pending| (pending, Err(error.clone().into())));
        self.settled.extend(failed);
    }
}

/// Writes a batch; every send of it comes back settled or held. `wait` waits for streams that somebody
/// else holds.
pub(super) async fn write(platform: &Platform, batch: Vec<Pending>, wait: bool) -> Written {
    let until = Instant::now() + PATIENCE;
    let mut pause = FIRST_PAUSE;
    let mut written = Written::default();
    // Halves that still have to be tried, in the order of acceptance.
    let mut halves = vec![batch];
    while let Some(mut batch) = halves.pop() {
        written.hold_behind(&mut batch);
        if batch.is_empty() {
            continue;
        }
        let error = match attempt(platform, &mut batch, wait, until).await {
            Ok(done) => {
                written.add(done.settle(batch));
                continue;
            }
            Err(Failure::Refused(error)) if batch.len() > 1 && is_divisible(&error) => {
                let later = batch.split_off(batch.len() / 2);
                halves.push(later);
                halves.push(batch);
                continue;
            }
            Err(Failure::Refused(error)) => {
                written.fail(batch, &error);
                continue;
            }
            Err(Failure::Lost(error)) => error,
            Err(Failure::Unknown(done, error)) => match was_written(platform, &done.rows).await {
                Some(true) => {
                    written.add(done.settle(batch));
                    continue;
                }
                Some(false) => error,
                None => {
                    tracing::error!("the messages could not be looked up; their senders will ask again");
                    written.fail(batch, &ApiError::unavailable(error));
                    continue;
                }
            },
        };
        // Nothing of it was written.
        if Instant::now() + pause < until {
            metrics::counter!("commons_send_retries_total").increment(1);
            tokio::time::sleep(pause).await;
            pause = LONGEST_PAUSE.min(2 * pause);
            halves.push(batch);
        } else {
            written.fail(batch, &ApiError::unavailable(error));
        }
    }
    written
}

/// Why a transaction did not simply commit.
enum Failure {
    /// Nothing was written, and nothing would be the next time.
    Refused(ApiError),
    /// Nothing was written: the connection was lost, or there was none.
    Lost(ApiError),
    /// The commit was sent and not answered.
    Unknown(Box<Done>, ApiError),
}

impl<E: Into<ApiError>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        match error.code() {
            Code::Unavailable => Self::Lost(error),
            _ => Self::Refused(error),
        }
    }
}

/// Whether a smaller batch may fare better: not when the database is busy.
fn is_divisible(error: &ApiError) -> bool {
    error.code() == Code::Internal
}

/// A batch as a transaction has decided on it.
struct Done {
    verdicts: Verdicts,
    rows: HashMap<MessageId, message::Model>,
    events: Vec<Arc<Event>>,
}

impl Done {
    fn settle(self, batch: Vec<Pending>) -> Written {
        self.verdicts.settle(batch, self.rows, self.events)
    }
}

/// Tries the whole batch in one transaction.
async fn attempt(
    platform: &Platform,
    batch: &mut [Pending],
    wait: bool,
    until: Instant,
) -> Result<Done, Failure> {
    let late = |late| Failure::Lost(ApiError::unavailable(late));
    let tx = timeout_at(until, platform.db.begin()).await.map_err(late)??;
    let decided = timeout_at(until, decide(platform, &tx, batch, wait))
        .await
        .map_err(late)?;
    let done = match decided {
        Ok(done) if !done.rows.is_empty() => done,
        decided => {
            // Its locks must be gone before the next attempt, which would find them held.
            if !matches!(decided, Err(Failure::Lost(_)))
                && let Ok(Err(error)) = timeout_at(until, tx.rollback()).await
            {
                tracing::debug!(%error, "a transaction was undone by the loss of its connection");
            }
            return decided;
        }
    };
    match timeout_at(until.max(Instant::now() + COMMIT), tx.commit()).await {
        Ok(Ok(())) => Ok(done),
        Ok(Err(error)) => Err(Failure::Unknown(Box::new(done), error.into())),
        Err(late) => Err(Failure::Unknown(Box::new(done), ApiError::unavailable(late))),
    }
}

/// Everything between BEGIN and COMMIT: five statements at most on PostgreSQL, unless a standing changed,
/// a nonce was used before, or a channel is in slow mode.
async fn decide(platform: &Platform, tx: &Tx, batch: &mut [Pending], wait: bool) -> Result<Done, Failure> {
    let now = platform.clock.now();
    let mut verdicts = Verdicts::new(batch.len());
    let locked = verdicts.lock(tx, batch, wait).await?;
    let known = verdicts.look(tx, batch).await?;
    verdicts.know_nonces(tx, batch, &known).await?;
    verdicts.prove(tx, batch, now).await?;
    verdicts.check_replies(batch, &known);
    verdicts.check_pace(tx, batch).await?;
    let (rows, events) = insert(tx, batch, &verdicts, locked).await?;
    Ok(Done {
        verdicts,
        rows,
        events,
    })
}

/// Numbers and inserts every send that is still to be written.
async fn insert(
    tx: &Tx,
    batch: &[Pending],
    verdicts: &Verdicts,
    mut locked: Locked,
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
    let reserved = locked.reserve(&wants)?;
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
    let nonces: Vec<message_nonce::Model> = accepted
        .iter()
        .filter_map(|pending| pending.nonce_row())
        .collect();
    store::insert_sent(tx, &rows, nonces).await?;
    let stored = log::write(tx, reserved, told).await?;
    Ok((rows.into_iter().map(|row| (row.id, row)).collect(), stored))
}
