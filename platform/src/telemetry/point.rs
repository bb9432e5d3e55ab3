//! A place in a trace, to be carried where a tracing span cannot go: over the network, through a queue,
//! into a row.

use axum::http::{HeaderMap, HeaderName};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};

/// The header of the W3C's Trace Context that says what a request continues. Believed only of other
/// processes of this instance.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A place in a trace that something else continues or was caused by; empty where nothing is traced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TracePoint(Option<SpanContext>);

impl TracePoint {
    /// The span that this code runs in. Costs nothing where nothing is traced.
    pub fn here() -> Self {
        Self(Context::map_current(|context| {
            let span = context
                .has_active_span()
                .then(|| context.span().span_context().clone());
            span.filter(SpanContext::is_valid)
        }))
    }

    /// What a `traceparent` says; empty when it is malformed, as the standard wants.
    pub fn parse(header: &str) -> Self {
        Self(read(header))
    }

    /// Its `traceparent`, `00-<32 hex digits>-<16 hex digits>-<2 hex digits>`, if there is a trace.
    pub fn header(&self) -> Option<String> {
        let place = self.0.as_ref()?;
        let (trace, span) = (place.trace_id(), place.span_id());
        Some(format!("00-{trace}-{span}-{:02x}", place.trace_flags().to_u8()))
    }

    /// Whether what happens there is recorded.
    pub fn is_sampled(&self) -> bool {
        self.0.as_ref().is_some_and(SpanContext::is_sampled)
    }

    /// A context whose children continue the trace there.
    pub(super) fn context(&self) -> Option<Context> {
        self.0
            .clone()
            .map(|place| Context::new().with_remote_span_context(place))
    }

    pub(super) fn place(&self) -> Option<&SpanContext> {
        self.0.as_ref()
    }
}

/// What the headers of a call from another process of this instance continue.
pub fn extract(headers: &HeaderMap) -> TracePoint {
    let header = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok());
    header.map_or_else(TracePoint::default, TracePoint::parse)
}

/// Tells a call to another process of this instance what it continues: the span that this code runs in.
pub fn inject(headers: &mut HeaderMap) {
    if let Some(Ok(value)) = TracePoint::here().header().map(TryInto::try_into) {
        headers.insert(TRACEPARENT, value);
    }
}

fn read(header: &str) -> Option<SpanContext> {
    let mut parts = header.trim().split('-');
    let mut part = |digits: usize| {
        let part = parts.next().filter(|part| part.len() == digits)?;
        part.bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            .then_some(part)
    };
    let version = part(2)?;
    let (trace, span) = (part(32)?, part(16)?);
    let flags = u8::from_str_radix(part(2)?, 16).ok()?;
    // Later versions may say more; version 255 is none.
    if version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let place = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(flags) & TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    place.is_valid().then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_understood() {
        for (header, sampled) in [
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", false),
        ] {
            let point = TracePoint::parse(header);
            assert_eq!(point.is_sampled(), sampled);
            assert_eq!(point.header().as_deref(), Some(header));
        }
        let later = TracePoint::parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more");
        assert!(later.is_sampled());
    }

    #[test]
    fn what_is_malformed_is_nothing() {
        for header in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
        ] {
            assert_eq!(TracePoint::parse(header), TracePoint::default(), "{header}");
        }
        assert_eq!(TracePoint::here().header(), None);
    }
}
