//! A subgraph over HTTP: `POST /graphql` with JSON, and the WebSocket upgrade.
//!
//! Both are for the other processes of this instance alone ([`crate::internal`]): nothing of a
//! stranger's call is read. The router can't send headers with an upgrade, only in `connection_init`,
//! so a WebSocket without the token is let in as far as that message.

use super::{Call, Subgraph, encode, failed, socket};
use crate::{
    ApiError, Origin,
    internal::{self, CLIENT_ADDRESS, REQUEST_ID},
    telemetry::{TRACEPARENT, TracePoint},
};
use axum::{
    Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, FromRequest, FromRequestParts, Request, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use std::{
    convert::Infallible,
    mem,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;

/// How large a client's request may be, in bytes.
pub const MAX_BODY: usize = 256 * 1024;
/// The same between the gateway and a subgraph: what it adds must not make a good request too large.
pub const MAX_INTERNAL_BODY: usize = 2 * MAX_BODY;
const DEADLINE: Duration = Duration::from_secs(30);
const MAX_DEVICE: usize = 200;
const MAX_REQUEST_ID: usize = 64;

pub(super) fn router(subgraph: Subgraph) -> Router {
    // Every layer costs every request: what a handler can do itself is no layer.
    Router::new()
        .route("/graphql", post(query).fallback(wrong_method))
        .route(
            "/graphql/ws",
            get(socket::upgrade).fallback(async || internal::stranger()),
        )
        .layer(CatchPanicLayer::new())
        .with_state(subgraph)
}

async fn query(State(subgraph): State<Subgraph>, _: Insider, peer: Peer, request: Request) -> Response {
    let answer = timeout(DEADLINE, answer(&subgraph, peer, request)).await;
    answer.unwrap_or_else(|_| StatusCode::SERVICE_UNAVAILABLE.into_response())
}

async fn answer(subgraph: &Subgraph, peer: Peer, mut request: Request) -> Response {
    let headers = mem::take(request.headers_mut());
    DefaultBodyLimit::max(MAX_INTERNAL_BODY).apply(&mut request);
    let body = match Bytes::from_request(request, &()).await {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let error = ApiError::invalid(
                "body",
                "BODY_TOO_LARGE",
                format!("a request has at most {MAX_INTERNAL_BODY} bytes"),
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
        origin: peer.origin(&Asserted::of(&headers)),
    };
    json(StatusCode::OK, subgraph.answer(&body, call).await)
}

async fn wrong_method(_: Insider) -> Response {
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

/// Somebody who shows the internal token. It stands before what reads the body: nothing of a stranger's is.
struct Insider;

impl FromRequestParts<Subgraph> for Insider {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, subgraph: &Subgraph) -> Result<Self, Response> {
        let known = subgraph.token().is_in(&parts.headers);
        known.then_some(Self).ok_or_else(internal::stranger)
    }
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

/// What another process of this instance says of the client for whom it calls.
#[derive(Debug, Default)]
pub(super) struct Asserted<'a> {
    pub(super) address: Option<&'a str>,
    pub(super) request_id: Option<&'a str>,
    pub(super) device: Option<&'a str>,
    pub(super) trace: Option<&'a str>,
}

impl<'a> Asserted<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        Self {
            address: text(headers, CLIENT_ADDRESS),
            request_id: text(headers, REQUEST_ID),
            device: text(headers, header::USER_AGENT),
            trace: text(headers, TRACEPARENT),
        }
    }
}

impl Peer {
    /// Where a call comes from whose sender has shown the internal token; the peer itself when that says
    /// nothing of a client.
    pub(super) fn origin(self, asserted: &Asserted<'_>) -> Origin {
        let cut = |text: &str, length| text.chars().take(length).collect::<String>().into();
        let address = asserted.address.and_then(|address| address.parse().ok());
        Origin {
            address: address.unwrap_or(self.0),
            request_id: cut(asserted.request_id.unwrap_or("-"), MAX_REQUEST_ID),
            device: asserted.device.map(|device| cut(device, MAX_DEVICE)),
            trace: asserted.trace.map_or_else(TracePoint::default, TracePoint::parse),
        }
    }
}
