//! The figures of this crate, by name, so that a dashboard finds them in one place.

use crate::Event;
use chrono::{DateTime, Utc};
use commons_platform::telemetry::metric::STREAM_LAG;
use std::sync::Arc;

/// Events reached their followers in this process now: how old the newest is.
pub(crate) fn told(now: DateTime<Utc>, events: &[Arc<Event>]) {
    if let Some(event) = events.last() {
        let lag = (now - event.at).to_std().unwrap_or_default();
        metrics::histogram!(STREAM_LAG).record(lag.as_secs_f64());
    }
}

/// How many streams this process follows.
pub(crate) fn followers(change: f64) {
    metrics::gauge!("commons_stream_followers").increment(change);
}

/// How many subscribers there are.
pub(crate) fn subscribers(change: f64) {
    metrics::gauge!("commons_stream_subscribers").increment(change);
}

/// How many events the followers were behind the heads, summed, at the last comparison.
pub(crate) fn lag(events: i64) {
    metrics::gauge!("commons_stream_lag_events").set(events as f64);
}

/// Events that a follower had to read from the database because no announcement brought them.
pub(crate) fn repaired(events: usize) {
    metrics::counter!("commons_stream_gap_events_total").increment(events as u64);
    metrics::counter!("commons_stream_gaps_repaired_total").increment(1);
}

/// A subscriber was told that what it asked for is gone.
pub(crate) fn reset() {
    metrics::counter!("commons_stream_resets_total").increment(1);
}

/// A subscriber read a page from the database: it starts in the past, or is slow.
pub(crate) fn catch_up() {
    metrics::counter!("commons_stream_catch_up_pages_total").increment(1);
}

/// An announcement did not fit the queue to the bus.
pub(crate) fn unannounced() {
    metrics::counter!("commons_stream_announcements_dropped_total").increment(1);
}
