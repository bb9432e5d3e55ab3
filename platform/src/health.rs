//! `/health`, `/ready` and `/metrics` of a service.

use crate::{Platform, telemetry};
use axum::{Router, extract::State, http::StatusCode, routing::get};

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
        (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer")
    }
}

/// Whether what the service depends on answers.
pub async fn is_ready(platform: &Platform) -> bool {
    platform.db.ping().await
}
