//! The spans of the house: what is traced, and what each line of the log is in.
//!
//! Two kinds, so that a log line stays short. Spans with the target [`LOGGED`] are written with every
//! line inside them and never sent: the request's id, the task's name. Spans with the target [`TRACED`]
//! are sent to the collector and never written. No span holds a value that a client sent, but for the
//! operation's name: neither variables nor parameters of statements nor keys.

use super::TracePoint;
use opentelemetry::{
    Context, KeyValue, time,
    trace::{Span as _, SpanKind, Status, TraceContextExt, Tracer},
};
use opentelemetry_sdk::trace::SdkTracer;
use sea_orm::{DbBackend, metric::Info};
use tracing::{Span, Subscriber, dispatcher, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;

/// The target of spans for the log.
pub(super) const LOGGED: &str = "commons::logged";
/// The target of spans for the collector.
pub(super) const TRACED: &str = "commons::traced";

/// How much of a statement is told, in bytes.
const MAX_STATEMENT: usize = 2_000;

/// What every line of the log inside a request is in, whatever the log's filter says.
pub fn request(id: &str) -> Span {
    // The level is that of errors because no filter hides those.
    tracing::error_span!(target: LOGGED, "request", request_id = id)
}

/// What every line of the log inside a background task is in; it is in no request.
pub fn task(name: &'static str) -> Span {
    tracing::error_span!(target: LOGGED, parent: None, "task", task = name)
}

/// The first span of a trace: an operation as the gateway got it. `name` is the operation's own name,
/// else its kind.
pub fn gateway(kind: &'static str, name: Option<&str>, request_id: &str) -> Span {
    tracing::info_span!(
        target: TRACED,
        parent: None,
        "operation",
        "otel.name" = name.unwrap_or(kind),
        "otel.kind" = "server",
        "graphql.operation.type" = kind,
        request_id,
        outcome = Empty,
    )
}

/// An operation as a subgraph executes it; `field` is a root field of its schema. It continues `from`, or
/// what is there when that is empty.
pub fn operation(
    subgraph: &'static str,
    kind: &'static str,
    field: &str,
    request_id: &str,
    from: &TracePoint,
) -> Span {
    let span = tracing::info_span!(
        target: TRACED,
        "operation",
        "otel.name" = format_args!("{subgraph} {kind} {field}"),
        "otel.kind" = "server",
        "graphql.operation.type" = kind,
        subgraph,
        request_id,
        outcome = Empty,
    );
    if let (false, Some(parent)) = (span.is_disabled(), from.context()) {
        continue_from(&span, parent);
    }
    span
}

/// Ends an operation's span with `ok` or the code of its error.
pub fn settle(span: &Span, outcome: &'static str) {
    if span.is_disabled() {
        return;
    }
    span.record("outcome", outcome);
    // What the client did wrong is no error of ours.
    if matches!(outcome, "INTERNAL" | "UNAVAILABLE" | "OVERLOADED") {
        span.set_status(Status::error(outcome));
    }
}

/// A call to Redis: `line` is what the connection is for. Nothing unless the trace is recorded.
pub fn redis(line: &'static str) -> Span {
    if !is_recorded() {
        return Span::none();
    }
    tracing::info_span!(
        target: TRACED,
        "redis",
        "otel.name" = format_args!("redis {line}"),
        "otel.kind" = "client",
        "db.system.name" = "redis",
    )
}

/// Work that is done for many at once, such as a commit: in the trace of the first of them that is
/// recorded, linked to the others; nothing when none is.
pub fn together<'a>(name: &'static str, of: impl IntoIterator<Item = &'a TracePoint>) -> Span {
    let mut recorded = of.into_iter().filter(|point| point.is_sampled());
    let Some(parent) = recorded.next().and_then(TracePoint::context) else {
        return Span::none();
    };
    let span = tracing::info_span!(target: TRACED, parent: None, "together", "otel.name" = name);
    continue_from(&span, parent);
    for point in recorded {
        link(&span, point);
    }
    span
}

/// The first span of work that was caused elsewhere, often long ago: a trace of its own, linked to its
/// cause, and recorded when that was.
pub fn caused(name: &'static str, kind: &str, by: &TracePoint) -> Span {
    let span = tracing::info_span!(
        target: TRACED,
        parent: None,
        "caused",
        "otel.name" = format_args!("{name} {kind}"),
        "otel.kind" = "consumer",
    );
    link(&span, by);
    span
}

/// A statement that ended just now, as a span under whatever runs it; nothing unless that is recorded.
///
/// The text is told only of statements whose values are bound and so are not in it.
pub fn sql(info: &Info<'_>) {
    let statement = info.statement;
    let text = statement.values.is_some().then_some(statement.sql.as_str());
    let system = match statement.db_backend {
        DbBackend::Postgres => "postgresql",
        _ => "sqlite",
    };
    ended(verb(&statement.sql), system, text, info.elapsed, info.failed);
}

/// The end of a transaction, which no statement is seen of: `COMMIT` began `elapsed` ago.
pub fn commit(backend: DbBackend, elapsed: std::time::Duration, failed: bool) {
    let system = match backend {
        DbBackend::Postgres => "postgresql",
        _ => "sqlite",
    };
    ended("COMMIT", system, None, elapsed, failed);
}

fn ended(
    name: &'static str,
    system: &'static str,
    text: Option<&str>,
    elapsed: std::time::Duration,
    failed: bool,
) {
    if !is_recorded() {
        return;
    }
    let now = time::now();
    let mut attributes = vec![KeyValue::new("db.system.name", system)];
    if let Some(text) = text {
        let end = text.floor_char_boundary(MAX_STATEMENT);
        attributes.push(KeyValue::new("db.query.text", text[..end].to_owned()));
    }
    dispatcher::get_default(|subscriber| {
        let Some(Ended(tracer)) = subscriber.downcast_ref() else {
            return;
        };
        let mut span = tracer
            .span_builder(name)
            .with_kind(SpanKind::Client)
            .with_start_time(now.checked_sub(elapsed).unwrap_or(now))
            .with_attributes(std::mem::take(&mut attributes))
            .start(tracer);
        if failed {
            span.set_status(Status::error("failed"));
        }
        span.end_with_timestamp(now);
    });
}

/// Makes spans of what is only known once it is over, which a tracing span can't; a layer only to be found.
pub(super) struct Ended(pub(super) SdkTracer);

impl<S: Subscriber> Layer<S> for Ended {}

/// What a statement does, out of a closed set.
fn verb(statement: &str) -> &'static str {
    let word = statement
        .trim_start()
        .split(|c: char| !c.is_ascii_alphabetic())
        .next();
    let word = word.unwrap_or_default();
    ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "ANALYZE"]
        .into_iter()
        .find(|verb| verb.eq_ignore_ascii_case(word))
        .unwrap_or("SQL")
}

/// Whether the span that this code runs in is sent to a collector.
fn is_recorded() -> bool {
    Context::map_current(|context| context.has_active_span() && context.span().span_context().is_sampled())
}

fn continue_from(span: &Span, parent: Context) {
    if let Err(error) = span.set_parent(parent) {
        tracing::debug!(%error, "a trace is broken in two");
    }
}

fn link(span: &Span, point: &TracePoint) {
    if let (false, Some(place)) = (span.is_disabled(), point.place()) {
        span.add_link(place.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_have_a_verb() {
        for (statement, expected) in [
            ("SELECT 1", "SELECT"),
            ("  select\n1", "SELECT"),
            ("INSERT INTO \"message\" VALUES ($1)", "INSERT"),
            ("PRAGMA user_version", "SQL"),
            ("", "SQL"),
        ] {
            assert_eq!(verb(statement), expected, "{statement}");
        }
    }
}
