//! Keeps the log from growing with every session that ever ended.

use super::log::Log;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, interval_at};

/// A start has better things to do.
const FIRST: Duration = Duration::from_secs(60);

const PERIOD: Duration = Duration::from_secs(3600);

/// Removes old rows every hour. Never ends. Every process may: who comes second finds nothing.
pub(super) async fn run(log: Arc<Log>) {
    let mut ticks = interval_at(Instant::now() + FIRST, PERIOD);
    loop {
        ticks.tick().await;
        match log.sweep().await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "ended sessions are removed from the log of access"),
            Err(error) => {
                tracing::warn!(%error, "ended sessions cannot be removed from the log of access");
            }
        }
    }
}
