//! What becomes of each send of a batch, found out inside the transaction before the insert.

use super::{batch::Written, pending::Pending};
use crate::{
    Error,
    store::{self, Known, NonceKey},
};
use chrono::{DateTime, TimeDelta, Utc};
use commons_access::{ChannelSeat, Permissions};
use commons_entities::{ChannelId, MessageId, UserId, channel::ChannelKind, message::message};
use commons_platform::{ApiError, db::Tx};
use commons_streams::{
    Event,
    log::{self, Locked},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

/// What is known of each send of a batch, by its place.
pub(super) struct Verdicts(Vec<Verdict>);

enum Verdict {
    /// To be written.
    Accepted,
    /// Its stream is held: next time.
    Held,
    /// The same send was written before.
    Known(message::Model),
    /// The same send stands earlier in this batch.
    SameAs(usize),
    /// It fails alone.
    Refused(Error),
}

impl Verdicts {
    /// Of a batch of which nothing is known yet.
    pub(super) fn new(count: usize) -> Self {
        Self((0..count).map(|_| Verdict::Accepted).collect())
    }

    /// The sends that are still to be written, in the order of acceptance.
    pub(super) fn accepted<'b>(&'b self, batch: &'b [Pending]) -> impl Iterator<Item = &'b Pending> {
        self.open(batch).map(|(_, pending)| pending)
    }

    fn open<'b>(&'b self, batch: &'b [Pending]) -> impl Iterator<Item = (usize, &'b Pending)> {
        let undecided = |(i, _): &(usize, &Pending)| matches!(self.0[*i], Verdict::Accepted);
        batch.iter().enumerate().filter(undecided)
    }

    fn refuse(&mut self, refusals: Vec<(usize, Error)>) {
        for (i, error) in refusals {
            self.0[i] = Verdict::Refused(error);
        }
    }

    /// Takes the streams that nobody holds, or waits for them.
    pub(super) async fn lock(&mut self, tx: &Tx, batch: &[Pending], wait: bool) -> Result<Locked, ApiError> {
        let streams: Vec<_> = batch.iter().map(|pending| pending.seat.channel().0).collect();
        let locked = match wait {
            true => log::lock_waiting(tx, &streams).await?,
            false => log::lock(tx, &streams).await?,
        };
        for (i, pending) in batch.iter().enumerate() {
            if locked.skipped.contains(&pending.seat.channel().0) {
                // Waited for and still not there: the channel is gone.
                self.0[i] = match wait {
                    true => Verdict::Refused(ApiError::not_found().into()),
                    false => Verdict::Held,
                };
            }
        }
        Ok(locked)
    }

    /// What the database knows of the batch's nonces and of the messages it answers.
    pub(super) async fn look(&self, tx: &Tx, batch: &[Pending]) -> Result<Known, ApiError> {
        let nonces: Vec<NonceKey> = self.accepted(batch).filter_map(Pending::nonce_key).collect();
        let targets: HashSet<MessageId> = self
            .accepted(batch)
            .filter_map(|pending| pending.reply_to)
            .collect();
        Ok(store::known(tx, &nonces, &targets).await?)
    }

    /// Sends that were written before, and sends that stand twice in this batch.
    pub(super) async fn know_nonces(
        &mut self,
        tx: &Tx,
        batch: &[Pending],
        known: &Known,
    ) -> Result<(), ApiError> {
        let ids: Vec<MessageId> = known.nonces.values().map(|row| row.message_id).collect();
        let messages = store::by_ids(tx, &ids).await?;
        let mut first = HashMap::<NonceKey, usize>::new();
        for (i, pending) in batch.iter().enumerate() {
            let (Verdict::Accepted, Some(key)) = (&self.0[i], pending.nonce_key()) else {
                continue;
            };
            if let Some(row) = known.nonces.get(&key) {
                self.0[i] = match messages.get(&row.message_id) {
                    Some(message) if row.body_hash == pending.body_hash() => Verdict::Known(message.clone()),
                    _ => Verdict::Refused(Error::NonceConflict),
                };
            } else if let Some(&earlier) = first.get(&key) {
                self.0[i] = match batch[earlier].body_hash() == pending.body_hash() {
                    true => Verdict::SameAs(earlier),
                    false => Verdict::Refused(Error::NonceConflict),
                };
            } else {
                first.insert(key, i);
            }
        }
        Ok(())
    }

    /// Proves every permission again, as this transaction sees it; what is checked after this is
    /// checked against the new proofs.
    pub(super) async fn prove(
        &mut self,
        tx: &Tx,
        batch: &mut [Pending],
        now: DateTime<Utc>,
    ) -> Result<(), ApiError> {
        let (places, seats): (Vec<usize>, Vec<&ChannelSeat>) =
            self.open(batch).map(|(i, pending)| (i, &pending.seat)).unzip();
        let proofs = commons_access::revalidate(tx, &seats, now).await?;
        let mut refusals = Vec::new();
        for (i, proof) in places.into_iter().zip(proofs) {
            match proof {
                Err(denied) => refusals.push((i, denied.into())),
                Ok(seat) if seat.facts().archived_at.is_some() => refusals.push((i, Error::Archived)),
                Ok(seat) if seat.facts().kind == ChannelKind::Category => {
                    refusals.push((i, Error::NotForMessages))
                }
                Ok(seat) => batch[i].seat = seat,
            }
        }
        self.refuse(refusals);
        Ok(())
    }

    /// A reply's target is a message of the same channel that the sender may read.
    pub(super) fn check_replies(&mut self, batch: &[Pending], known: &Known) {
        let refusals = self
            .open(batch)
            .filter(|(_, pending)| {
                let readable = pending.seat.permissions().contains(Permissions::READ_HISTORY);
                let is_there =
                    |target| readable && known.targets.get(&target) == Some(&pending.seat.channel());
                pending.reply_to.is_some_and(|target| !is_there(target))
            })
            .map(|(i, _)| (i, Error::ReplyTarget))
            .collect();
        self.refuse(refusals);
    }

    /// Slow mode: so many seconds between two messages of one member, within this batch too.
    pub(super) async fn check_pace(&mut self, tx: &Tx, batch: &[Pending]) -> Result<(), ApiError> {
        let mut slow = BTreeMap::<ChannelId, Vec<(usize, UserId, DateTime<Utc>, TimeDelta)>>::new();
        for (i, pending) in self.open(batch) {
            let pause = TimeDelta::seconds(pending.seat.facts().slowmode_seconds.into());
            if pause > TimeDelta::zero() && !pending.seat.permissions().contains(Permissions::BYPASS_SLOWMODE)
            {
                let of_channel = slow.entry(pending.seat.channel()).or_default();
                of_channel.push((i, pending.author(), pending.at, pause));
            }
        }
        for (channel, sends) in slow {
            let authors = sends.iter().map(|(_, author, ..)| *author).collect();
            let mut last = store::last_by_authors(tx, channel, &authors).await?;
            let mut refusals = Vec::new();
            for (i, author, at, pause) in sends {
                let wait = last
                    .get(&author)
                    .map_or(TimeDelta::zero(), |last| *last + pause - at);
                match wait.to_std() {
                    Ok(wait) if !wait.is_zero() => refusals.push((i, Error::SlowMode { wait })),
                    _ => {
                        last.insert(author, at);
                    }
                }
            }
            self.refuse(refusals);
        }
        Ok(())
    }

    /// Every send with its outcome.
    pub(super) fn settle(
        self,
        batch: Vec<Pending>,
        rows: HashMap<MessageId, message::Model>,
        events: Vec<Arc<Event>>,
    ) -> Written {
        let ids: Vec<MessageId> = batch.iter().map(|pending| pending.id).collect();
        let refusals: HashMap<usize, Error> = self.refusals();
        let mut written = Written {
            events,
            ..Written::default()
        };
        for (i, (pending, verdict)) in batch.into_iter().zip(self.0).enumerate() {
            let outcome = match verdict {
                Verdict::Held => {
                    written.held.push(pending);
                    continue;
                }
                Verdict::Accepted => Ok(rows[&ids[i]].clone()),
                Verdict::Known(row) => Ok(row),
                Verdict::SameAs(first) => match (rows.get(&ids[first]), refusals.get(&first)) {
                    (Some(row), _) => Ok(row.clone()),
                    (None, Some(error)) => Err(error.clone()),
                    (None, None) => Err(Error::NonceConflict),
                },
                Verdict::Refused(error) => Err(error),
            };
            written.settled.push((pending, outcome));
        }
        written
    }

    fn refusals(&self) -> HashMap<usize, Error> {
        let refused = |(i, verdict): (usize, &Verdict)| match verdict {
            Verdict::Refused(error) => Some((i, error.clone())),
            _ => None,
        };
        self.0.iter().enumerate().filter_map(refused).collect()
    }
}
