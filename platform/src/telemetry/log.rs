//! What is written to the log: which lines, and in which form.

use super::span::{LOGGED, TRACED};
use crate::config::Config;
use tracing::{Level, Metadata, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    fmt::{self, writer::BoxMakeWriter},
    registry::LookupSpan,
};

/// The layer that writes: lines for people in development, JSON in production.
pub(super) fn layer<S>(config: &Config, writer: BoxMakeWriter) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let asked = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(&config.log.filter));
    let speakable = filter_fn(is_speakable).with_max_level_hint(LevelFilter::TRACE);
    let always = filter_fn(|meta| meta.target() == LOGGED).with_max_level_hint(LevelFilter::ERROR);
    let filter = asked.and(speakable).or(always);
    if config.is_production() {
        fmt::layer()
            .json()
            .with_writer(writer)
            .with_filter(filter)
            .boxed()
    } else {
        fmt::layer()
            .compact()
            .with_writer(writer)
            .with_filter(filter)
            .boxed()
    }
}

/// What no setting lets through: the router logs what clients send, passwords and messages among it,
/// below errors; libraries trace whole headers, statements and frames.
fn is_speakable(meta: &Metadata<'_>) -> bool {
    let (target, level) = (meta.target(), *meta.level());
    if target == TRACED {
        return false;
    }
    if target.starts_with("router") || target.starts_with("hive_router") {
        return level == Level::ERROR;
    }
    level != Level::TRACE || target.starts_with("commons")
}
