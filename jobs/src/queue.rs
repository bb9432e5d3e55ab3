//! Putting effects down.

use crate::{Effect, Owner, store};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use commons_entities::job::job;
use commons_platform::{bus::Bus, telemetry::TracePoint};
use sea_orm::{ConnectionTrait, DbErr};
use std::sync::Arc;
use uuid::{NoContext, Timestamp, Uuid};

/// What a transaction put down; announce it once the transaction is committed.
#[must_use = "announce it after the commit, or its owners begin up to two seconds later"]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Enqueued {
    owners: Vec<Owner>,
}

impl Enqueued {
    /// Wakes the workers of all owners, in every process. It is a wake-up and no more: without it they
    /// find their jobs two seconds later.
    pub async fn announce(self, bus: &Arc<dyn Bus>) {
        for owner in self.owners {
            bus.publish(&owner.subject(), Bytes::new()).await;
        }
    }

    /// Both, to be announced together.
    pub fn and(mut self, other: Self) -> Self {
        self.owners.extend(other.owners);
        self.owners.sort_unstable();
        self.owners.dedup();
        self
    }
}

/// Puts effects down with the transaction that causes them: a job for each owner of each, to be done
/// at once.
///
/// One statement for up to a thousand jobs.
///
/// # Errors
/// When the database fails.
pub async fn enqueue(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    effects: &[Effect],
) -> Result<Enqueued, DbErr> {
    enqueue_at(tx, now, now, effects).await
}

/// As [`enqueue`], to be done at another time.
///
/// # Errors
/// When the database fails.
pub async fn enqueue_at(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    run_at: DateTime<Utc>,
    effects: &[Effect],
) -> Result<Enqueued, DbErr> {
    let mut owners = Vec::new();
    let mut rows = Vec::new();
    for effect in effects {
        for owner in effect.owners() {
            owners.push(*owner);
            rows.push(row(*owner, effect, now, run_at));
        }
    }
    store::insert(tx, rows).await?;
    Ok(Enqueued { owners }.and(Enqueued::default()))
}

fn row(owner: Owner, effect: &Effect, now: DateTime<Utc>, run_at: DateTime<Utc>) -> job::Model {
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    let time = Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos());
    job::Model {
        id: Uuid::new_v7(time),
        owner: owner.as_str().to_owned(),
        kind: effect.kind().to_owned(),
        payload: effect.to_payload(&TracePoint::here()),
        attempts: 0,
        created_at: now,
        run_at,
        claimed_until: None,
        failed_at: None,
        last_error: None,
    }
}
