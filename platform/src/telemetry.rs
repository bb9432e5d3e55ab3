//! The log, the figures and the traces of a process.
//!
//! The log goes to stderr: lines for people in development, JSON in production ([`log`]). Figures are kept
//! in the process and read by `/metrics` ([`metric`], [`operation`]). Traces go to a collector over OTLP
//! ([`export`]) when one is set, and are nothing otherwise: a span that nobody wants is not made
//! ([`span`]). What goes from one process to another is a [`TracePoint`].

mod export;
mod figures;
mod log;
pub mod metric;
pub mod operation;
mod point;
mod process;
pub mod span;

pub use export::ExportError;
pub use metric::text as metrics_text;
pub use point::{TRACEPARENT, TracePoint, extract, inject};

use crate::config::Config;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::time::Duration;
use tracing::{Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer,
    filter::filter_fn,
    fmt::writer::{BoxMakeWriter, MakeWriter},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// How long the end of a process waits for the collector to take the last spans.
const LAST_SPANS: Duration = Duration::from_secs(1);

/// What is to be finished before a process ends: dropping it sends the last spans, within a second.
#[derive(Debug)]
#[must_use = "dropping it ends the traces"]
pub struct Running(Option<SdkTracerProvider>);

impl Running {
    /// Sends what is finished until now; waits for a second at most.
    pub fn flush(&self) {
        if let Some(Err(error)) = self.0.as_ref().map(SdkTracerProvider::force_flush) {
            tracing::debug!(%error, "spans are not sent yet");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(provider) = &self.0
            && let Err(error) = provider.shutdown_with_timeout(LAST_SPANS)
        {
            tracing::warn!(%error, "the last spans are lost");
        }
    }
}

/// Starts the log, the figures and, where a collector is set, the traces of a process; the first call of
/// a process counts. `service` is what the process is called.
pub fn start(service: &'static str, config: &Config) -> Running {
    metric::recorder();
    metric::build(service);
    let (provider, trouble) = match provider(service, config) {
        Ok(provider) => (provider, None),
        Err(error) => (None, Some(error)),
    };
    let (subscriber, running) = assemble(config, provider, std::io::stderr);
    if subscriber.try_init().is_err() {
        tracing::debug!("the log was started before");
    }
    if let Some(error) = trouble {
        tracing::error!(%error, "there are no traces");
    }
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        let at = panic.location().map(ToString::to_string);
        tracing::error!(message, at, "a task panicked");
    }));
    running
}

/// What [`start`] installs for a whole process, with the log going to `writer`.
///
/// # Errors
/// When the collector's address is none, or the system gives no thread.
pub fn subscriber<W>(
    service: &'static str,
    config: &Config,
    writer: W,
) -> Result<(impl Subscriber + Send + Sync + use<W>, Running), ExportError>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    Ok(assemble(config, provider(service, config)?, writer))
}

fn provider(service: &'static str, config: &Config) -> Result<Option<SdkTracerProvider>, ExportError> {
    let telemetry = &config.telemetry;
    match telemetry.otlp_endpoint.as_str() {
        "" => Ok(None),
        endpoint => export::provider(service, endpoint, telemetry.sample_ratio).map(Some),
    }
}

fn assemble<W>(
    config: &Config,
    provider: Option<SdkTracerProvider>,
    writer: W,
) -> (impl Subscriber + Send + Sync + use<W>, Running)
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    // A list, because a layer that is none would be taken for one that wants to see everything.
    let mut layers = vec![log::layer(config, BoxMakeWriter::new(writer))];
    if let Some(provider) = &provider {
        let tracer = provider.tracer("commons");
        let traced = |meta: &Metadata<'_>| meta.is_span() && meta.target() == span::TRACED;
        let traces = tracing_opentelemetry::layer()
            .with_tracer(tracer.clone())
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_filter(filter_fn(traced).with_max_level_hint(LevelFilter::INFO));
        layers.push(traces.boxed());
        // It wants to see nothing.
        layers.push(span::Ended(tracer).with_filter(LevelFilter::OFF).boxed());
    }
    let subscriber = tracing_subscriber::registry().with(layers);
    (subscriber, Running(provider))
}

/// Starts to keep figures; those that are counted before are lost.
pub fn start_metrics() {
    metric::recorder();
}
