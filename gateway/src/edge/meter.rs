//! What the edge tells of itself; names and meanings are in the platform's dictionary of figures.

use commons_platform::telemetry::metric::{
    EDGE_CATCH_UPS, EDGE_CLOSES, EDGE_CONNECTIONS, EDGE_DELIVERIES, EDGE_HOLES, EDGE_LAGGED, EDGE_QUEUED,
    EDGE_REOPENED, EDGE_SUBSCRIPTIONS, EDGE_UPSTREAMS,
};
use metrics::{counter, gauge};

/// Counts one in a gauge while it lives.
#[derive(Debug)]
pub(super) struct Counted(&'static str);

impl Counted {
    fn one(name: &'static str) -> Self {
        gauge!(name).increment(1.0);
        Self(name)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        gauge!(self.0).decrement(1.0);
    }
}

pub(super) fn connection() -> Counted {
    Counted::one(EDGE_CONNECTIONS)
}

pub(super) fn subscription() -> Counted {
    Counted::one(EDGE_SUBSCRIPTIONS)
}

pub(super) fn upstream() -> Counted {
    Counted::one(EDGE_UPSTREAMS)
}

/// What waits for one client, in bytes, as far as the gauge of all knows of it.
#[derive(Debug, Default)]
pub(super) struct Queued(usize);

impl Queued {
    pub(super) fn is(&mut self, bytes: usize) {
        gauge!(EDGE_QUEUED).increment(bytes as f64 - self.0 as f64);
        self.0 = bytes;
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.is(0);
    }
}

pub(super) fn delivered(count: usize) {
    counter!(EDGE_DELIVERIES).increment(count as u64);
}

pub(super) fn lagged() {
    counter!(EDGE_LAGGED).increment(1);
}

pub(super) fn caught_up() {
    counter!(EDGE_CATCH_UPS).increment(1);
}

pub(super) fn hole() {
    counter!(EDGE_HOLES).increment(1);
}

pub(super) fn reopened() {
    counter!(EDGE_REOPENED).increment(1);
}

pub(super) fn closed(reason: &'static str) {
    counter!(EDGE_CLOSES, "reason" => reason).increment(1);
}
