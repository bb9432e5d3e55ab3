//! `/health`, `/ready` and `/metrics` of a service.

use crate::{Platform, telemetry};
use axum::{Router, extract::State, http::StatusCode, routing::get};
use std::time::Duration;
use tokio::time::timeout;

const ANSWER: Duration = Duration::from_secs(1);
const CLOSING: Duration = Duration::from_millis(800);

/// The three routes.
pub fn router(platform: Platform) -> Router {
    Router::new()
        .route("/health", get(async || "ok"))
        .route("/ready", get(ready))
        .route("/metrics", get(async || telemetry::metrics_text()))
        .with_state(platform)
}

async fn ready(State(platform): State<Platform>) -> (StatusCode, &'static str) {
    if is_ready(&platform).await {
        (StatusCode::OK, "ready")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the database does not answer, or no signing keys are known",
        )
    }
}

/// Whether what the service depends on answers: the database, and once at least the keeper of the
/// signing keys. The cache and the bus may be away.
pub async fn is_ready(platform: &Platform) -> bool {
    platform.tokens.has_keys() && timeout(ANSWER, platform.db.ping()).await.unwrap_or(false)
}

/// Closes the database; what is open after a moment, the system closes.
pub async fn close(platform: Platform) {
    match timeout(CLOSING, platform.db.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the database did not close cleanly"),
        Err(_) => tracing::debug!("the database is still closing"),
    }
}
