//! The log and the metrics of a process.
//!
//! Development logs lines for people, production logs JSON. Metrics are kept in the process and read
//! by `/metrics`.

use crate::config::Config;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use tracing::Level;
use tracing_subscriber::{EnvFilter, filter::filter_fn, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts the log; the first call of a process counts.
pub fn start(config: &Config) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(&config.log.filter));
    // The router logs what clients send, passwords and messages among it, below this level; no setting
    // lets that through.
    let unspoken = filter_fn(|meta| !meta.target().starts_with("router") || *meta.level() == Level::ERROR);
    let registry = tracing_subscriber::registry().with(filter).with(unspoken);
    let started = if config.is_production() {
        registry
            .with(fmt::layer().json().with_writer(std::io::stderr))
            .try_init()
    } else {
        registry
            .with(fmt::layer().compact().with_writer(std::io::stderr))
            .try_init()
    };
    if started.is_err() {
        tracing::debug!("the log was started before");
    }
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        let at = panic.location().map(ToString::to_string);
        tracing::error!(message, at, "a task panicked");
    }));
}

/// All metrics of the process in Prometheus' text format.
pub fn metrics_text() -> String {
    recorder().render()
}

/// Installs the recorder; metrics that are counted before are lost.
pub fn start_metrics() {
    recorder();
}

fn recorder() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another metrics recorder is installed; /metrics stays empty");
        }
        handle
    })
}
