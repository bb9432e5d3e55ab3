//! One load: the shared cache, then the database, then the fill, on a task of its own.
//!
//! The task outlives whoever began it, so a cancelled request leaves those who joined its load with
//! an answer.

use super::{
    ABSENT_TTL, CHUNK, Cached, DEADLINE, LoadError, Row, Wanted,
    cached::Inner,
    codec,
    near::{Arrival, Departure},
};
use crate::cache::{self, Fill, Lease, Slot};
use bytes::Bytes;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::sync::oneshot;

/// What a load leaves in the shared cache.
struct Aftermath {
    fills: Vec<Fill>,
    /// Keys whose value is too old or does not decode.
    spoiled: Vec<String>,
}

/// Runs a load to its end; it is under way from the call on.
pub(super) fn fly<E: Cached>(
    inner: Arc<Inner<E>>,
    departure: Departure<E>,
) -> impl Future<Output = ()> + Send + 'static {
    land(Airborne {
        inner,
        number: departure.number,
        wanted: departure.wanted,
        arrived: Some(departure.arrived),
    })
}

async fn land<E: Cached>(mut flight: Airborne<E>) {
    let read = tokio::time::timeout(DEADLINE, read(&flight.inner, &flight.wanted)).await;
    match read.unwrap_or(Err(LoadError::TimedOut)) {
        Ok((rows, aftermath)) => {
            let inner = &flight.inner;
            inner
                .near
                .land(flight.number, &rows, inner.near_is_trusted(), inner.clock.now());
            flight.answer(Ok(Arc::new(rows)));
            leave(&flight.inner, aftermath).await;
        }
        Err(error) => {
            flight.inner.near.crash(flight.number, &flight.wanted);
            flight.answer(Err(error));
        }
    }
}

/// A load under way. However it ends, it is taken out of the near cache before its joiners wake.
struct Airborne<E: Cached> {
    inner: Arc<Inner<E>>,
    number: u64,
    wanted: Vec<Wanted<E>>,
    arrived: Option<oneshot::Sender<Arrival<E>>>,
}

impl<E: Cached> Airborne<E> {
    fn answer(&mut self, arrival: Arrival<E>) {
        if let Some(arrived) = self.arrived.take() {
            // Nobody is left to hear it: all who asked were cancelled.
            let _ = arrived.send(arrival);
        }
    }
}

impl<E: Cached> Drop for Airborne<E> {
    fn drop(&mut self) {
        if self.arrived.is_some() {
            self.inner.near.crash(self.number, &self.wanted);
            if std::thread::panicking() {
                self.answer(Err(LoadError::Died));
            }
        }
    }
}

async fn read<E: Cached>(
    inner: &Inner<E>,
    wanted: &[Wanted<E>],
) -> Result<(HashMap<E::Key, Row<E>>, Aftermath), LoadError> {
    let mut rows = HashMap::with_capacity(wanted.len());
    let mut aftermath = Aftermath {
        fills: Vec::new(),
        spoiled: Vec::new(),
    };
    let mut leases = Vec::new();
    let mut missing = Vec::new();
    let names: Vec<String> = wanted.iter().map(|(key, _)| name::<E>(key)).collect();
    for (((key, least), name), slot) in wanted.iter().zip(&names).zip(look(inner, &names).await) {
        let (row, lease) = match slot {
            Slot::Hit(value) => {
                let row = codec::decode::<E>(&value, *least);
                if row.is_none() {
                    aftermath.spoiled.push(name.clone());
                }
                (row, None)
            }
            Slot::Miss(lease) => (None, Some(lease)),
            Slot::Busy => (None, None),
        };
        if let Some(row) = row {
            rows.insert(key.clone(), row);
        } else {
            missing.push(key.clone());
            leases.push((name.clone(), lease));
        }
    }
    inner.measure.shared.increment(rows.len() as u64);
    inner.measure.database.increment(missing.len() as u64);
    for keys in missing.chunks(CHUNK) {
        let found = E::fetch(&inner.db, keys)
            .await
            .map_err(|error| LoadError::Database(Arc::new(error)))?;
        rows.extend(found.into_iter().map(|row| (row.key(), Some(Arc::new(row)))));
    }
    for (key, (name, lease)) in missing.into_iter().zip(leases) {
        let row = rows.entry(key).or_default();
        aftermath
            .fills
            .extend(lease.and_then(|lease| fill(name, lease, row)));
    }
    Ok((rows, aftermath))
}

/// Asks the shared cache; when it fails, or this process owes it something, every key is busy.
async fn look<E: Cached>(inner: &Inner<E>, names: &[String]) -> Vec<Slot> {
    if inner.owed.settle(&*inner.cache, inner.clock.now()).await {
        match inner.cache.get_many(names).await {
            Ok(slots) if slots.len() == names.len() => return slots,
            Ok(slots) => tracing::error!(
                asked = names.len(),
                answered = slots.len(),
                "the cache answers in disorder"
            ),
            Err(error) => {
                tracing::debug!(%error, kind = E::KIND, "reading the database instead of the cache")
            }
        }
        inner.measure.errors.increment(1);
    }
    vec![Slot::Busy; names.len()]
}

async fn leave<E: Cached>(inner: &Inner<E>, aftermath: Aftermath) {
    let Aftermath { fills, spoiled } = aftermath;
    if !spoiled.is_empty() && inner.cache.remove(&spoiled).await.is_err() {
        inner.measure.errors.increment(1);
    }
    if !fills.is_empty() {
        inner.measure.fills.increment(fills.len() as u64);
        if inner.cache.fill(fills).await.is_err() {
            inner.measure.errors.increment(1);
        }
    }
}

fn fill<E: Cached>(key: String, lease: Lease, row: &Row<E>) -> Option<Fill> {
    Some(Fill {
        key,
        lease,
        value: codec::encode(row)?,
        ttl: ttl(row),
    })
}

/// A row's name in the shared cache.
pub(super) fn name<E: Cached>(key: &E::Key) -> String {
    cache::key(E::SERVICE, E::KIND, key)
}

/// A row as a writer leaves it in the shared cache; none when it cannot be encoded.
pub(super) fn value<E: Cached>(row: &Row<E>) -> Option<(Bytes, Duration)> {
    Some((codec::encode(row)?, ttl(row)))
}

/// How long the shared cache keeps a row: less by a random tenth, so that what was filled together
/// does not expire together.
fn ttl<E: Cached>(row: &Row<E>) -> Duration {
    let whole = if row.is_some() {
        E::TTL
    } else {
        E::TTL.min(ABSENT_TTL)
    };
    whole.mul_f64(rand::random_range(0.9..=1.0))
}
