//! The upgrade of a connection to a WebSocket: who may, and what is read of its request.

use super::{Edge, client::Client, count::One, socket::Stream};
use crate::{caller, operation::MAX_BODY};
use commons_platform::graphql::Call;
use std::{net::IpAddr, sync::Arc, time::Duration};
use tokio::time::timeout;
use tungstenite::{
    HandshakeError, WebSocket,
    handshake::server::{ErrorResponse, Request, Response},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    protocol::WebSocketConfig,
};

const PROTOCOL: &str = "graphql-transport-ws";
const DEADLINE: Duration = Duration::from_secs(10);
/// What is read at a time: most of what clients say is short, and there are many of them.
const READ_BUFFER: usize = 1024;

/// A socket that is open.
pub(super) struct Greeted {
    pub(super) wire: WebSocket<Stream>,
    pub(super) call: Call,
    /// Whether the client speaks our protocol.
    pub(super) speaks: bool,
    /// Counts it among its network's.
    pub(super) one: One<IpAddr>,
}

/// Answers the upgrade request; none when it was refused, or the client is gone.
pub(super) async fn greet(edge: &Edge, client: &Arc<Client>, peer: IpAddr, full: bool) -> Option<Greeted> {
    let mut read = None;
    #[expect(
        clippy::result_large_err,
        reason = "the library wants the refusal as a whole response"
    )]
    let answer = |request: &Request, mut response: Response| {
        if full || *edge.draining.borrow() {
            return Err(refusal(StatusCode::SERVICE_UNAVAILABLE, "full\n"));
        }
        let headers = request.headers();
        if !edge.origins.allow(headers) {
            return Err(refusal(StatusCode::FORBIDDEN, "this origin may not connect\n"));
        }
        let speaks = speaks(headers);
        if speaks {
            let protocol = HeaderValue::from_static(PROTOCOL);
            response
                .headers_mut()
                .insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        let all = |name: &str| {
            let values = headers.get_all(name).iter();
            values.map(|value| value.to_str().ok()).collect()
        };
        let call = caller::of(peer, &edge.trusted_proxies, all);
        let Some(one) = edge.bounds.socket(call.origin.network()) else {
            return Err(refusal(StatusCode::SERVICE_UNAVAILABLE, "full\n"));
        };
        read = Some((call, speaks, one));
        Ok(response)
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_BODY))
        .max_frame_size(Some(MAX_BODY));
    let shaken = timeout(DEADLINE, async {
        let socket = client.outlet.socket();
        // A fresh registration knows of nothing yet.
        socket.readable().await.ok()?;
        let mut shaking =
            tungstenite::accept_hdr_with_config(Stream::new(client.clone()), answer, Some(config));
        loop {
            match shaking {
                Ok(wire) => return Some(wire),
                Err(HandshakeError::Interrupted(later)) => {
                    socket.readable().await.ok()?;
                    shaking = later.handshake();
                }
                Err(HandshakeError::Failure(_)) => return None,
            }
        }
    });
    let wire = shaken.await.ok().flatten()?;
    let (call, speaks, one) = read?;
    Some(Greeted {
        wire,
        call,
        speaks,
        one,
    })
}

fn speaks(headers: &HeaderMap) -> bool {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let mut offered = offered
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    offered.any(|protocol| protocol.trim() == PROTOCOL)
}

fn refusal(status: StatusCode, text: &str) -> ErrorResponse {
    let mut response = ErrorResponse::new(Some(text.to_owned()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(text.len()));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
