//! The background reader of the log.

use super::{BUS_SUBJECT, Hub};
use commons_platform::bus::{Heard, Listener};
use std::{future, sync::Arc, time::Duration};
use tokio::time::{self, MissedTickBehavior};

/// How often the log is read, whatever the bus says.
const PERIOD: Duration = Duration::from_millis(400);

/// How long a reading may take before it is given up and begun anew.
const READING: Duration = Duration::from_secs(2);

/// How long the bus may take to let us listen; the log must not wait for it.
const LISTENING: Duration = Duration::from_millis(100);

/// Reads the log every period, and sooner when the bus says so. Never ends.
pub(super) async fn run(hub: Arc<Hub>) {
    let mut ticks = time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut bus = None;
    let mut failing = false;
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                if bus.is_none() {
                    bus = time::timeout(LISTENING, hub.bus.subscribe(BUS_SUBJECT)).await.ok().and_then(Result::ok);
                }
            }
            heard = hear(&mut bus) => if heard.is_none() {
                bus = None;
                continue;
            },
        }
        let failure = match time::timeout(READING, hub.read()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("the database does not answer".to_owned()),
        };
        let fails = failure.is_some();
        match failure {
            Some(cause) if !failing => tracing::error!(cause, "changes of access cannot be read"),
            None if failing => tracing::info!("changes of access are read again"),
            _ => {}
        }
        failing = fails;
    }
}

async fn hear(bus: &mut Option<Listener>) -> Option<Heard> {
    match bus {
        Some(listener) => listener.recv().await,
        None => future::pending().await,
    }
}
