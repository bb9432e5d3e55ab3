//! What the router is told. The settings are made here, from a value: neither a file nor the
//! environment has a say, because only the router's own loader reads those.
//!
//! Off for good: sharing of requests between clients (it would skip the token check), reuse of
//! subgraph sockets (two users must never share one), error masking (our subgraphs mask at the
//! source, [`crate::reply`] masks the router), persisted documents, the router's own page.

use crate::{GatewayError, Settings, caller::TOLD};
use commons_platform::{
    graphql::{MAX_INTERNAL_BODY, limits::MAX_INTERNAL_ALIASES},
    internal,
};
use hive_router::{
    config::HiveRouterConfig,
    plugins::{hooks::on_supergraph_load::SupergraphOptions, plugin_trait::RouterPlugin},
};
use serde_json::{Value, json};

use super::plugin::Subgraphs;

/// How many streams may be open at a time.
const MAX_STREAMS: usize = 50_000;
/// How long a request may take, subgraphs included, and how long one subgraph: a slow one must cost
/// its own fields only.
const DEADLINE: &str = "30s";
const SUBGRAPH_DEADLINE: &str = "25s";

/// The router's settings.
///
/// # Errors
/// When the router does not know one of them: a defect, found by the first test.
pub(crate) fn router(settings: &Settings) -> Result<HiveRouterConfig, GatewayError> {
    serde_json::from_value(value(settings)).map_err(|error| GatewayError::Router(error.into()))
}

/// What belongs to the supergraph: a supergraph from memory does not inherit the router's settings.
///
/// # Errors
/// As [`router`].
pub(crate) fn supergraph_options(settings: &Settings) -> Result<SupergraphOptions, GatewayError> {
    let config = router(settings)?;
    let mut options = SupergraphOptions::default();
    options.headers = config.headers;
    options.traffic_shaping = (&config.traffic_shaping).into();
    options.subscriptions = (&config.subscriptions).into();
    options.error_masking = config.error_masking;
    options.override_subgraph_urls = config.override_subgraph_urls;
    Ok(options)
}

fn value(settings: &Settings) -> Value {
    let urls = settings.upstreams.iter();
    let urls = urls.map(|upstream| (upstream.name.clone(), json!({ "url": upstream.url })));
    let told = TOLD.map(|name| name.to_string());
    // Sent as a header with requests, and in `connection_init` over WebSocket.
    let token = json!({ "name": internal::TOKEN.as_str(), "value": settings.internal.as_str() });
    json!({
        "supergraph": { "source": "plugin" },
        "plugins": { Subgraphs::plugin_name(): { "enabled": true } },
        "http": { "graphql_endpoint": super::PATH },
        "laboratory": { "enabled": false },
        "introspection": settings.introspection,
        "error_masking": { "enabled": false },
        "override_subgraph_urls": { "subgraphs": urls.collect::<serde_json::Map<_, _>>() },
        "headers": { "all": { "request": [{ "propagate": { "named": told } }, { "insert": token }] } },
        "subscriptions": {
            "enabled": true,
            // What a stream may hold back for a client that reads slowly; more is dropped.
            "broadcast_capacity": 1024,
            "subgraph_buffer_capacity": 1024,
            "websocket": { "all": { "path": "/graphql/ws" } },
        },
        "traffic_shaping": {
            "max_connections_per_host": 1024,
            "all": {
                "dedupe_enabled": false,
                "request_timeout": SUBGRAPH_DEADLINE,
                "websocket": { "reuse_connections": false },
            },
            "router": {
                "dedupe": { "enabled": false, "headers": { "include": ["authorization"] } },
                "max_long_lived_clients": MAX_STREAMS,
                "request_timeout": DEADLINE,
            },
        },
        "limits": {
            "max_depth": { "n": 12, "ignore_introspection": true, "flatten_fragments": true },
            // Of clients the gateway takes fewer: the live edge adds some.
            "max_aliases": { "n": MAX_INTERNAL_ALIASES },
            "max_directives": { "n": 20 },
            "max_tokens": { "n": 2000 },
            // The real bound is ours and comes first; the variables that we pass on are not longer.
            "max_request_body_size": format!("{MAX_INTERNAL_BODY} B"),
        },
    })
}
