//! Clearing away what nobody can use any more: invites some time after they stopped working, time-outs
//! of people who are away.

use super::ChannelService;
use crate::{Error, store};
use chrono::TimeDelta;
use commons_platform::{Platform, db::Db};
use std::time::Duration;
use tokio::time::{self, Instant, MissedTickBehavior};

/// How long the maker of a dead invite can still look it up.
const KEPT: TimeDelta = TimeDelta::days(7);

/// How many invites go in one transaction.
const AT_ONCE: u64 = 500;

const PERIOD: Duration = Duration::from_secs(600);

impl ChannelService {
    /// Clears away now what [`ChannelService::start`] clears away every ten minutes; gives how many
    /// invites went.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tidy(&self) -> Result<u64, Error> {
        tidy(&self.platform).await
    }
}

pub(super) async fn forever(platform: Platform) {
    let mut ticks = time::interval_at(Instant::now() + PERIOD, PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = tidy(&platform).await {
            tracing::warn!(%error, "what is over could not be cleared away");
        }
    }
}

async fn tidy(platform: &Platform) -> Result<u64, Error> {
    let now = platform.clock.now();
    store::delete_timeouts_over(platform.db.writer(), now).await?;
    let mut all = 0;
    loop {
        let gone = delete_some(&platform.db, now - KEPT).await?;
        all += gone;
        if gone < AT_ONCE {
            return Ok(all);
        }
    }
}

async fn delete_some(db: &Db, before: chrono::DateTime<chrono::Utc>) -> Result<u64, Error> {
    let tx = db.begin().await?;
    let gone = store::delete_dead_invites(&tx, before, AT_ONCE).await?;
    tx.commit().await?;
    Ok(gone)
}
