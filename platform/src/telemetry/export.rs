//! Finished spans on their way to a collector, over OTLP with gRPC.
//!
//! A thread with a runtime of its own sends them, so a collector that is slow or away holds up no
//! request. The queue is bounded: what does not fit, or is not taken, is dropped and counted. Nothing is
//! sent twice.

use super::metric;
use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanKind, TraceContextExt, TraceId, TraceState},
};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{
        Sampler, SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample, Span, SpanData,
        SpanExporter as _, SpanProcessor,
    },
};
use std::{io, sync::mpsc as std_mpsc, thread, time::Duration};
use tokio::{
    runtime::Builder,
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};

/// How many finished spans may wait.
const QUEUE: usize = 8_192;
/// How many are sent together, and how long the first of them waits for more.
const TOGETHER: usize = 512;
const PAUSE: Duration = Duration::from_secs(1);
/// How long the collector may take for one delivery.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why there are no traces.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The collector's address is none.
    #[error("telemetry.otlp_endpoint: {0}")]
    Endpoint(#[from] ExporterBuildError),
    /// The system gives no thread.
    #[error(transparent)]
    Thread(#[from] io::Error),
}

/// What makes spans and sends them to `endpoint`, `http://host:port`.
///
/// # Errors
/// When the endpoint is no address, or the system gives no thread.
pub(super) fn provider(
    service: &'static str,
    endpoint: &str,
    ratio: f64,
) -> Result<SdkTracerProvider, ExportError> {
    let resource = Resource::builder()
        .with_service_name(service)
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("process.pid", i64::from(std::process::id())),
        ])
        .build();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut exporter = {
        // The connection's tasks belong to the thread that sends.
        let _entered = runtime.enter();
        let builder = SpanExporter::builder().with_tonic();
        builder.with_endpoint(endpoint).with_timeout(PATIENCE).build()?
    };
    exporter.set_resource(&resource);
    let (spans, waiting) = mpsc::channel(QUEUE);
    let (flush, flushes) = mpsc::channel(1);
    thread::Builder::new()
        .name("traces".to_owned())
        .spawn(move || runtime.block_on(send_forever(&exporter, waiting, flushes)))?;
    Ok(SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(Sampler::ParentBased(Box::new(ByCause(
            Sampler::TraceIdRatioBased(ratio),
        ))))
        .with_span_processor(Queue { spans, flush })
        .build())
}

/// Samples the first span of a trace when it has a cause in another trace that is sampled; one without
/// a cause as it falls out.
#[derive(Debug, Clone)]
struct ByCause(Sampler);

impl ShouldSample for ByCause {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        if links.is_empty() {
            return self.0.should_sample(parent, trace, name, kind, attributes, links);
        }
        let sampled = links.iter().any(|link| link.span_context.is_sampled());
        SamplingResult {
            decision: if sampled {
                SamplingDecision::RecordAndSample
            } else {
                SamplingDecision::Drop
            },
            attributes: Vec::new(),
            trace_state: parent.map_or_else(TraceState::default, |parent| {
                parent.span().span_context().trace_state().clone()
            }),
        }
    }
}

type Flushed = std_mpsc::SyncSender<()>;

/// The way to the thread.
#[derive(Debug)]
struct Queue {
    spans: mpsc::Sender<SpanData>,
    flush: mpsc::Sender<Flushed>,
}

impl Queue {
    fn flush(&self, patience: Duration) -> OTelSdkResult {
        let (tell, told) = std_mpsc::sync_channel(1);
        if self.flush.try_send(tell).is_err() {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        told.recv_timeout(patience)
            .map_err(|_| OTelSdkError::Timeout(patience))
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.spans.try_send(span).is_err() {
            metric::spans_dropped(1, "queue");
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.flush(super::LAST_SPANS)
    }

    fn shutdown_with_timeout(&self, patience: Duration) -> OTelSdkResult {
        self.flush(patience)
    }
}

async fn send_forever(
    exporter: &SpanExporter,
    mut spans: mpsc::Receiver<SpanData>,
    mut flushes: mpsc::Receiver<Flushed>,
) {
    let mut batch = Vec::with_capacity(TOGETHER);
    loop {
        let flushed = tokio::select! {
            count = gather(&mut spans, &mut batch) => if count == 0 { return } else { None },
            Some(flushed) = flushes.recv() => Some(flushed),
        };
        if flushed.is_some() {
            while let Ok(span) = spans.try_recv() {
                batch.push(span);
                if batch.len() >= TOGETHER {
                    send(exporter, std::mem::take(&mut batch)).await;
                }
            }
        }
        if !batch.is_empty() {
            send(exporter, std::mem::take(&mut batch)).await;
        }
        if let Some(flushed) = flushed {
            // Whoever asked may have waited long enough.
            let _told = flushed.try_send(());
        }
    }
}

/// Waits for a first span and gathers what comes after it, in a second at most; 0 when no more will come.
/// What was gathered stays in `batch` when this is cancelled.
async fn gather(spans: &mut mpsc::Receiver<SpanData>, batch: &mut Vec<SpanData>) -> usize {
    let first = spans.recv_many(batch, TOGETHER).await;
    let until = Instant::now() + PAUSE;
    while first > 0 && batch.len() < TOGETHER {
        let room = TOGETHER - batch.len();
        match timeout_at(until, spans.recv_many(batch, room)).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => break,
        }
    }
    first
}

async fn send(exporter: &SpanExporter, batch: Vec<SpanData>) {
    let count = batch.len();
    match timeout(PATIENCE, exporter.export(batch)).await {
        Ok(Ok(())) => metric::spans_sent(count),
        Ok(Err(error)) => {
            metric::spans_dropped(count, "collector");
            tracing::debug!(%error, count, "the collector did not take spans");
        }
        Err(_) => metric::spans_dropped(count, "collector"),
    }
}
