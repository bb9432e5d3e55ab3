//! A subgraph over HTTP: `POST /graphql` with JSON, and the WebSocket upgrade.

use super::{Call, Subgraph, encode, failed, socket};
use crate::{ApiError, Origin};
use axum::{
    Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, FromRequestParts, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};

/// How large a request may be, in bytes.
pub const MAX_BODY: usize = 256 * 1024;
const DEADLINE: Duration = Duration::from_secs(30);
const MAX_DEVICE: usize = 200;

pub(super) fn router(subgraph: Subgraph) -> Router {
    let queries = Router::new()
        .route("/graphql", post(query).fallback(wrong_method))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            DEADLINE,
        ));
    let sockets = Router::new().route("/graphql/ws", get(socket::upgrade));
    queries
        .merge(sockets)
        .layer(CatchPanicLayer::new())
        .with_state(subgraph)
}

async fn query(
    State(subgraph): State<Subgraph>,
    peer: Peer,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let error = ApiError::invalid(
                "body",
                "BODY_TOO_LARGE",
                format!("a request has at most {MAX_BODY} bytes"),
            );
            return refused(StatusCode::PAYLOAD_TOO_LARGE, error);
        }
        Err(_) => {
            return refused(
                StatusCode::BAD_REQUEST,
                ApiError::invalid("body", "BODY_CUT", "the body ended early"),
            );
        }
    };
    if !is_json(&headers) {
        let error = ApiError::invalid("content-type", "CONTENT_TYPE", "send application/json");
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, error);
    }
    let call = Call {
        authorization: authorization(&headers),
        origin: peer.origin(&headers),
    };
    json(StatusCode::OK, subgraph.answer(&body, call).await)
}

async fn wrong_method() -> Response {
    let error = ApiError::invalid("method", "METHOD", "use POST");
    refused(StatusCode::METHOD_NOT_ALLOWED, error)
}

fn refused(status: StatusCode, error: ApiError) -> Response {
    json(status, encode(&failed(error)))
}

fn json(status: StatusCode, body: Bytes) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn is_json(headers: &HeaderMap) -> bool {
    text(headers, header::CONTENT_TYPE).is_some_and(|value| {
        let essence = value.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    })
}

pub(super) fn authorization(headers: &HeaderMap) -> Option<String> {
    // A value that is no text is still a value: it must fail the check, not pass as anonymous.
    let value = headers.get(header::AUTHORIZATION)?;
    Some(value.to_str().unwrap_or_default().to_owned())
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The other end of the connection; loopback where there is none, as in a test without a socket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(
            peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip()),
        ))
    }
}

impl Peer {
    pub(super) fn origin(self, headers: &HeaderMap) -> Origin {
        let device = text(headers, header::USER_AGENT);
        let id = headers.get("x-request-id").and_then(|value| value.to_str().ok());
        Origin {
            address: self.0,
            request_id: id.unwrap_or("-").into(),
            device: device.map(|device| device.chars().take(MAX_DEVICE).collect::<String>().into()),
        }
    }
}
