//! What is forgotten in time: nonces after a day.

use crate::store;
use chrono::TimeDelta;
use commons_platform::Platform;
use std::time::Duration;

/// How long a nonce is known.
const NONCES_FOR: TimeDelta = TimeDelta::hours(24);
const EVERY: Duration = Duration::from_secs(600);

/// Forgets what is old, every ten minutes.
pub(super) async fn forever(platform: Platform) {
    let mut turns = tokio::time::interval(EVERY);
    loop {
        turns.tick().await;
        let before = platform.clock.now() - NONCES_FOR;
        match store::forget_nonces(platform.db.writer(), before).await {
            Ok(0) => {}
            Ok(count) => tracing::debug!(count, "forgot old nonces"),
            Err(error) => tracing::warn!(%error, "old nonces could not be forgotten"),
        }
    }
}
