//! The dictionary of figures: every name that is counted under, whoever counts it.

use super::metric::{
    ACCESS_KNOWN, EDGE_CATCH_UPS, EDGE_CLOSES, EDGE_CONNECTIONS, EDGE_DELIVERIES, EDGE_HOLES, EDGE_LAGGED,
    EDGE_QUEUED, EDGE_REOPENED, EDGE_SUBSCRIPTIONS, EDGE_UPSTREAMS, GATEWAY_OPERATION_SECONDS,
    GATEWAY_OPERATIONS, OPERATION_SECONDS, OPERATIONS, OPERATIONS_IN_FLIGHT, SPANS_DROPPED, SPANS_SENT,
    SQL_CONNECTIONS, SQL_FAILED, SQL_SECONDS, STREAM_LAG, SUBGRAPH_SOCKETS, SUBSCRIPTION_EVENTS,
};

/// What a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How often which size occurred.
    Histogram,
}

/// Every figure, for `/metrics` and for whoever draws them.
pub const FIGURES: &[(&str, Kind, &str)] = &[
    (
        OPERATIONS,
        Kind::Counter,
        "Operations that ended, by root field and outcome.",
    ),
    (
        OPERATION_SECONDS,
        Kind::Histogram,
        "Duration of queries and mutations, by root field.",
    ),
    (
        OPERATIONS_IN_FLIGHT,
        Kind::Gauge,
        "Operations that run; an open subscription is one.",
    ),
    (SUBSCRIPTION_EVENTS, Kind::Counter, "What subscriptions said."),
    (
        SUBGRAPH_SOCKETS,
        Kind::Gauge,
        "Open sockets between the gateway and a subgraph.",
    ),
    (
        GATEWAY_OPERATIONS,
        Kind::Counter,
        "Operations that the gateway answered.",
    ),
    (
        GATEWAY_OPERATION_SECONDS,
        Kind::Histogram,
        "Duration of operations at the gateway; of a subscription until it began.",
    ),
    (
        "commons_gateway_requests_total",
        Kind::Counter,
        "Requests, by transport.",
    ),
    (EDGE_CONNECTIONS, Kind::Gauge, "Clients' open WebSockets."),
    (
        EDGE_SUBSCRIPTIONS,
        Kind::Gauge,
        "Numbered subscriptions of clients.",
    ),
    (
        EDGE_UPSTREAMS,
        Kind::Gauge,
        "What they are fed by: one for all who ask the same.",
    ),
    (
        EDGE_DELIVERIES,
        Kind::Counter,
        "Answers of numbered subscriptions that were given to clients.",
    ),
    (
        EDGE_QUEUED,
        Kind::Gauge,
        "What waits for clients that do not take it yet, in bytes.",
    ),
    (
        EDGE_LAGGED,
        Kind::Counter,
        "Subscriptions ended because their client did not keep up.",
    ),
    (
        EDGE_CATCH_UPS,
        Kind::Counter,
        "Readings of events that are no longer held in memory.",
    ),
    (
        EDGE_HOLES,
        Kind::Counter,
        "Holes in what an upstream gave, mended before a client saw them.",
    ),
    (
        EDGE_REOPENED,
        Kind::Counter,
        "Upstreams opened again after they broke.",
    ),
    (EDGE_CLOSES, Kind::Counter, "Clients' sockets closed, by reason."),
    (SQL_SECONDS, Kind::Histogram, "Duration of statements."),
    (SQL_FAILED, Kind::Counter, "Statements that failed."),
    (
        SQL_CONNECTIONS,
        Kind::Gauge,
        "Connections to the database, by pool and state.",
    ),
    (
        "commons_loader_keys_total",
        Kind::Counter,
        "Rows by the layer that gave them: near, joined (a load under way), shared, database.",
    ),
    (
        "commons_loader_fills_total",
        Kind::Counter,
        "Rows offered to the shared cache.",
    ),
    (
        "commons_loader_cache_errors_total",
        Kind::Counter,
        "Calls that the shared cache failed.",
    ),
    (
        "commons_redis_out",
        Kind::Gauge,
        "1 while a line to Redis is taken out.",
    ),
    (
        "commons_redis_trips_total",
        Kind::Counter,
        "How often a line to Redis was taken out.",
    ),
    (
        "commons_bus_dropped_total",
        Kind::Counter,
        "Messages that could not be published.",
    ),
    (
        "commons_send_queue",
        Kind::Gauge,
        "Messages that wait to be written.",
    ),
    (
        "commons_send_batch",
        Kind::Histogram,
        "Messages in one transaction.",
    ),
    (
        "commons_sends_held_total",
        Kind::Counter,
        "Sends that waited for a channel that somebody else held.",
    ),
    (
        "commons_send_retries_total",
        Kind::Counter,
        "Batches that were written again after the connection was lost.",
    ),
    (
        "commons_send_lookups_total",
        Kind::Counter,
        "Commits without an answer, whose messages were looked up.",
    ),
    (
        "commons_bus_missed_total",
        Kind::Counter,
        "How often listeners heard that they missed something.",
    ),
    (
        STREAM_LAG,
        Kind::Histogram,
        "From an event's commit to its followers in this process.",
    ),
    (
        "commons_stream_followers",
        Kind::Gauge,
        "Streams that are followed.",
    ),
    (
        "commons_stream_subscribers",
        Kind::Gauge,
        "Subscribers of streams.",
    ),
    (
        "commons_stream_lag_events",
        Kind::Gauge,
        "Events by which the followers were behind at the last comparison.",
    ),
    (
        "commons_stream_gap_events_total",
        Kind::Counter,
        "Events that no announcement brought.",
    ),
    (
        "commons_stream_gaps_repaired_total",
        Kind::Counter,
        "Gaps that were filled from the database.",
    ),
    (
        "commons_stream_resets_total",
        Kind::Counter,
        "Subscribers whose events are gone.",
    ),
    (
        "commons_stream_catch_up_pages_total",
        Kind::Counter,
        "Pages of past events that subscribers read.",
    ),
    (
        "commons_stream_announcements_dropped_total",
        Kind::Counter,
        "Announcements that did not fit the queue to the bus.",
    ),
    (
        ACCESS_KNOWN,
        Kind::Gauge,
        "When all changes of access were last known, in seconds since 1970.",
    ),
    ("commons_jobs_due", Kind::Gauge, "Jobs that could run now."),
    (
        "commons_jobs_oldest_seconds",
        Kind::Gauge,
        "How long the oldest due job has waited.",
    ),
    ("commons_jobs_total", Kind::Counter, "Steps of jobs, by outcome."),
    (
        "commons_job_step_seconds",
        Kind::Histogram,
        "Duration of steps of jobs.",
    ),
    (SPANS_SENT, Kind::Counter, "Spans that the collector took."),
    (SPANS_DROPPED, Kind::Counter, "Spans that were dropped."),
    ("commons_build_info", Kind::Gauge, "1; the labels say what runs."),
];
