//! The figures of a process: where they are kept, and what each of them means.
//!
//! They are counted where things happen, by these names; [`FIGURES`] is the dictionary, and what `/metrics`
//! says of each. Labels come from closed sets: what a client sends never becomes one.

pub use super::figures::{FIGURES, Kind};

use super::process;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
    thread,
    time::{Duration, UNIX_EPOCH},
};

/// Times are in seconds, from half a millisecond to the longest deadline.
const SECONDS: [f64; 15] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// Messages in one transaction.
const BATCH: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// How often what histograms took in is put into their buckets when nobody reads them.
const UPKEEP: Duration = Duration::from_secs(5);

/// Operations that ended: `subgraph`, `kind`, `field`, `outcome`.
pub const OPERATIONS: &str = "commons_operations_total";
/// How long queries and mutations took: `subgraph`, `kind`, `field`.
pub const OPERATION_SECONDS: &str = "commons_operation_seconds";
/// Operations that run, by `subgraph`; an open subscription is one.
pub const OPERATIONS_IN_FLIGHT: &str = "commons_operations_in_flight";
/// What subscriptions said: `subgraph`, `field`.
pub const SUBSCRIPTION_EVENTS: &str = "commons_subscription_events_total";
/// Sockets between processes that are open, by `subgraph`.
pub const SUBGRAPH_SOCKETS: &str = "commons_subgraph_sockets";
/// Operations that the gateway answered: `kind`, `outcome`.
pub const GATEWAY_OPERATIONS: &str = "commons_gateway_operations_total";
/// How long they took, by `kind`; a subscription until its stream began.
pub const GATEWAY_OPERATION_SECONDS: &str = "commons_gateway_operation_seconds";
/// Clients' open WebSockets.
pub const EDGE_CONNECTIONS: &str = "commons_gateway_sockets";
/// Numbered subscriptions of clients.
pub const EDGE_SUBSCRIPTIONS: &str = "commons_edge_subscriptions";
/// What they are fed by: one for all who ask the same.
pub const EDGE_UPSTREAMS: &str = "commons_edge_upstreams";
/// Answers of numbered subscriptions that were given to clients.
pub const EDGE_DELIVERIES: &str = "commons_edge_deliveries_total";
/// What waits for clients that do not take it yet, in bytes: how far behind they are.
pub const EDGE_QUEUED: &str = "commons_edge_queued_bytes";
/// Subscriptions ended because their client did not keep up.
pub const EDGE_LAGGED: &str = "commons_edge_lagged_total";
/// Readings of what lies before what is held in memory.
pub const EDGE_CATCH_UPS: &str = "commons_edge_catch_ups_total";
/// Holes in what an upstream gave, each mended before a client saw it.
pub const EDGE_HOLES: &str = "commons_edge_holes_total";
/// Upstreams opened again after they broke.
pub const EDGE_REOPENED: &str = "commons_edge_reopened_total";
/// Sockets that were closed, by `reason`.
pub const EDGE_CLOSES: &str = "commons_edge_closes_total";
/// How long statements took.
pub const SQL_SECONDS: &str = "commons_sql_seconds";
/// Statements that failed.
pub const SQL_FAILED: &str = "commons_sql_failed_total";
/// Connections to the database: `pool`, `state` (used, idle).
pub const SQL_CONNECTIONS: &str = "commons_sql_connections";
/// From the commit of an event to its subscribers in this process.
pub const STREAM_LAG: &str = "commons_stream_lag_seconds";
/// When the changes of access were last known to be all known, in seconds since 1970.
pub const ACCESS_KNOWN: &str = "commons_access_known_timestamp_seconds";
/// Spans that the collector took.
pub(super) const SPANS_SENT: &str = "commons_spans_sent_total";
/// Spans that were dropped: `reason` (queue, collector).
pub(super) const SPANS_DROPPED: &str = "commons_spans_dropped_total";

/// All figures in Prometheus' text format.
pub fn text() -> String {
    measure();
    let mut text = recorder().render();
    text.push_str(&process::text());
    text
}

/// Where figures are kept; the first call of a process installs it, and what is counted before is lost.
pub(super) fn recorder() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let recorder = PrometheusBuilder::new()
            .set_buckets(&SECONDS)
            .and_then(|builder| {
                builder.set_buckets_for_metric(Matcher::Full("commons_send_batch".to_owned()), &BATCH)
            })
            .expect("there are buckets")
            .build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another metrics recorder is installed; /metrics stays empty");
        }
        describe();
        keep_up(handle.clone());
        handle
    })
}

/// A histogram keeps every value until somebody sorts them into buckets: without this, a process that
/// nobody watches would grow.
fn keep_up(handle: PrometheusHandle) {
    let kept = thread::Builder::new().name("metrics".to_owned()).spawn(move || {
        loop {
            thread::sleep(UPKEEP);
            handle.run_upkeep();
        }
    });
    if let Err(error) = kept {
        tracing::warn!(%error, "figures are only sorted when they are read");
    }
}

fn describe() {
    for (name, kind, help) in FIGURES {
        match kind {
            Kind::Counter => describe_counter!(*name, *help),
            Kind::Gauge => describe_gauge!(*name, *help),
            Kind::Histogram => describe_histogram!(*name, *help),
        }
    }
}

/// What runs.
pub(super) fn build(service: &'static str) {
    gauge!("commons_build_info", "service" => service, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

pub(super) fn spans_sent(count: usize) {
    counter!(SPANS_SENT).increment(count as u64);
}

pub(super) fn spans_dropped(count: usize, reason: &'static str) {
    counter!(SPANS_DROPPED, "reason" => reason).increment(count as u64);
}

/// How many connections a pool has, and how many of them rest.
pub fn connections(pool: &'static str, size: u32, idle: usize) {
    let used = f64::from(size) - idle as f64;
    gauge!(SQL_CONNECTIONS, "pool" => pool, "state" => "used").set(used.max(0.0));
    gauge!(SQL_CONNECTIONS, "pool" => pool, "state" => "idle").set(idle as f64);
}

/// A statement ended.
pub fn statement(elapsed: Duration, failed: bool) {
    metrics::histogram!(SQL_SECONDS).record(elapsed.as_secs_f64());
    if failed {
        counter!(SQL_FAILED).increment(1);
    }
}

type Measure = dyn Fn() + Send + Sync;

/// What is measured whenever the figures are read, for as long as somebody keeps [`Measured`].
static WHEN_READ: Mutex<Vec<Weak<Measure>>> = Mutex::new(Vec::new());

/// Keeps a measurement going.
#[derive(Clone)]
pub struct Measured(Arc<Measure>);

impl std::fmt::Debug for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Measured")
            .field(&Arc::strong_count(&self.0))
            .finish()
    }
}

/// Sets gauges whenever the figures are read: for what is known at any moment and not worth following.
pub fn when_read(measure: impl Fn() + Send + Sync + 'static) -> Measured {
    let measure: Arc<Measure> = Arc::new(measure);
    let mut all = WHEN_READ.lock().unwrap_or_else(PoisonError::into_inner);
    all.retain(|measure| measure.strong_count() > 0);
    all.push(Arc::downgrade(&measure));
    Measured(measure)
}

fn measure() {
    let all = WHEN_READ.lock().unwrap_or_else(PoisonError::into_inner).clone();
    // Outside the lock: a measurement may be the last to drop what it measures.
    all.iter().filter_map(Weak::upgrade).for_each(|measure| measure());
}

/// Notes in a gauge that something happened just now, in seconds since 1970.
pub fn moment(gauge: &'static str) {
    let since = opentelemetry::time::now().duration_since(UNIX_EPOCH);
    gauge!(gauge).set(since.unwrap_or_default().as_secs_f64());
}

/// Counts one in a gauge while it lives.
#[derive(Debug)]
pub struct Present(&'static str, &'static str);

impl Present {
    /// One more; `subgraph` is the label.
    pub fn of_subgraph(gauge: &'static str, subgraph: &'static str) -> Self {
        gauge!(gauge, "subgraph" => subgraph).increment(1.0);
        Self(gauge, subgraph)
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        gauge!(self.0, "subgraph" => self.1).decrement(1.0);
    }
}
