//! A subgraph over WebSocket: the `graphql-transport-ws` protocol.
//!
//! The router is the usual client. One task a socket: it reads the next event of an operation only
//! when the last frame was taken, so a slow client holds back its own streams and nothing else, and
//! what is queued is bounded by what the streams themselves hold. A token that does not pass is told to
//! each operation, not by a close code: the router would take that for a subgraph that is down.
//!
//! Who has not shown the internal token with the upgrade must show it in `connection_init`, as the
//! first message, short and soon; nothing else of theirs is looked at.

use super::{
    Subgraph, failed,
    http::{Asserted, MAX_INTERNAL_BODY, Peer, authorization as authorization_of},
};
use crate::{
    ApiError, Origin,
    auth::Actor,
    internal::{self, InternalToken},
    telemetry::metric::{Present, SUBGRAPH_SOCKETS},
};
use async_graphql::{Request, Response, ServerError};
use axum::{
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_stream::StreamMap;

const PROTOCOL: &str = "graphql-transport-ws";
const INIT_DEADLINE: Duration = Duration::from_secs(10);
const WRITE_DEADLINE: Duration = Duration::from_secs(10);
const PING_EVERY: Duration = Duration::from_secs(20);
const SILENCE: Duration = Duration::from_secs(60);
const MAX_OPERATIONS: usize = 1_000;
/// How long the message that shows the token may be, in bytes.
const MAX_INIT: usize = 16 * 1024;

pub(super) async fn upgrade(
    State(subgraph): State<Subgraph>,
    peer: Peer,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> axum::response::Response {
    let known = subgraph.token().is_in(&headers);
    if !known && headers.contains_key(internal::TOKEN) {
        return internal::stranger();
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(_) if known => return StatusCode::UPGRADE_REQUIRED.into_response(),
        Err(_) => return internal::stranger(),
    };
    let greeting = Greeting {
        token: (!known).then(|| subgraph.token().clone()),
        peer,
        headers,
    };
    upgrade
        .protocols([PROTOCOL])
        .max_message_size(MAX_INTERNAL_BODY)
        .max_frame_size(MAX_INTERNAL_BODY)
        .on_upgrade(move |socket| async move {
            let _open = Present::of_subgraph(SUBGRAPH_SOCKETS, subgraph.name());
            let mut session = Session {
                subgraph,
                socket,
                operations: Operations::default(),
            };
            let (code, reason) = session.run(&greeting).await.err().unwrap_or(GONE);
            session.close(code, reason).await;
        })
}

/// Why a socket ends: the protocol's code and a word.
type Ending = (u16, &'static str);

const MALFORMED: Ending = (4400, "Invalid message");
const GONE: Ending = (1001, "Gone");
const INIT_TIMEOUT: Ending = (4408, "Connection initialisation timeout");
const STRANGER: Ending = (4403, "Forbidden");

/// What came with the upgrade.
struct Greeting {
    /// The token that is still to be shown.
    token: Option<InternalToken>,
    peer: Peer,
    headers: HeaderMap,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ClientMessage {
    ConnectionInit { payload: Option<InitPayload> },
    Subscribe { id: String, payload: Box<Request> },
    Complete { id: String },
    Ping,
    Pong,
}

/// What the router would send as headers; `authorization` under either spelling of its name.
#[derive(Deserialize, Default)]
struct InitPayload {
    #[serde(alias = "Authorization")]
    authorization: Option<String>,
    #[serde(rename = "x-commons-internal")]
    internal: Option<String>,
    #[serde(rename = "x-commons-client-address")]
    address: Option<String>,
    #[serde(rename = "x-request-id")]
    request_id: Option<String>,
    #[serde(rename = "user-agent")]
    device: Option<String>,
    #[serde(rename = "traceparent")]
    trace: Option<String>,
}

/// The first message of one who has not shown the token.
#[derive(Deserialize)]
struct FirstMessage {
    #[serde(rename = "type")]
    kind: String,
    payload: Option<InitPayload>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ServerMessage<'a> {
    ConnectionAck,
    Ping,
    Pong,
    Next { id: &'a str, payload: &'a Response },
    Error { id: &'a str, payload: &'a [ServerError] },
    Complete { id: &'a str },
}

/// The actor, or what each operation of the socket is told instead.
type Identified = Result<Actor, Vec<ServerError>>;

/// The running operations by id; each says none once, when it ends.
type Operations = StreamMap<String, BoxStream<'static, Option<Response>>>;

/// Who asks, or why that is not known, and from where.
struct Caller {
    actor: Identified,
    origin: Origin,
}

struct Session {
    subgraph: Subgraph,
    socket: WebSocket,
    operations: Operations,
}

impl Session {
    async fn run(&mut self, greeting: &Greeting) -> Result<(), Ending> {
        let deadline = Instant::now() + INIT_DEADLINE;
        let payload = match &greeting.token {
            Some(token) => self.first(token, deadline).await?,
            None => self.initialisation(deadline).await?,
        };
        let caller = self.caller(&payload, greeting);
        self.send(&ServerMessage::ConnectionAck).await?;
        self.serve(&caller).await
    }

    /// The initialisation of one who has not shown the token yet: their first message, or none.
    async fn first(&mut self, token: &InternalToken, deadline: Instant) -> Result<InitPayload, Ending> {
        let message = timeout_at(deadline, self.socket.recv()).await;
        match message.map_err(|_| INIT_TIMEOUT)? {
            Some(Ok(Message::Text(text))) if text.len() <= MAX_INIT => {
                let first: FirstMessage = serde_json::from_str(&text).map_err(|_| STRANGER)?;
                let payload = first.payload.unwrap_or_default();
                let shown = payload.internal.as_deref().unwrap_or_default();
                if first.kind != "connection_init" || !token.is(shown.as_bytes()) {
                    return Err(STRANGER);
                }
                Ok(payload)
            }
            Some(Ok(Message::Close(_)) | Err(_)) | None => Err(GONE),
            Some(Ok(_)) => Err(STRANGER),
        }
    }

    async fn initialisation(&mut self, deadline: Instant) -> Result<InitPayload, Ending> {
        loop {
            let message = timeout_at(deadline, self.socket.recv()).await;
            match self.read(message.map_err(|_| INIT_TIMEOUT)?).await? {
                Some(ClientMessage::ConnectionInit { payload }) => return Ok(payload.unwrap_or_default()),
                Some(ClientMessage::Ping) => self.send(&ServerMessage::Pong).await?,
                Some(ClientMessage::Subscribe { .. }) => return Err((4401, "Unauthorized")),
                _ => {}
            }
        }
    }

    fn caller(&self, payload: &InitPayload, greeting: &Greeting) -> Caller {
        let authorization = payload.authorization.clone();
        let authorization = authorization.or_else(|| authorization_of(&greeting.headers));
        let actor = self.subgraph.actor(authorization.as_deref());
        let with_upgrade = Asserted::of(&greeting.headers);
        let asserted = Asserted {
            address: payload.address.as_deref().or(with_upgrade.address),
            request_id: payload.request_id.as_deref().or(with_upgrade.request_id),
            device: payload.device.as_deref().or(with_upgrade.device),
            trace: payload.trace.as_deref().or(with_upgrade.trace),
        };
        Caller {
            actor: actor.map_err(|error| failed(error).errors),
            origin: greeting.peer.origin(&asserted),
        }
    }

    async fn serve(&mut self, caller: &Caller) -> Result<(), Ending> {
        let mut ping = tokio::time::interval(PING_EVERY);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                message = self.socket.recv() => {
                    heard = Instant::now();
                    if let Some(message) = self.read(message).await? {
                        self.handle(message, caller).await?;
                    }
                }
                (id, event) = next_event(&mut self.operations) => self.deliver(&id, event).await?,
                _ = ping.tick() => {
                    if heard.elapsed() > SILENCE {
                        return Err((1001, "Silence"));
                    }
                    self.send(&ServerMessage::Ping).await?;
                }
            }
        }
    }

    async fn handle(&mut self, message: ClientMessage, caller: &Caller) -> Result<(), Ending> {
        match message {
            ClientMessage::ConnectionInit { .. } => Err((4429, "Too many initialisation requests")),
            ClientMessage::Ping => self.send(&ServerMessage::Pong).await,
            ClientMessage::Pong => Ok(()),
            ClientMessage::Complete { id } => {
                self.operations.remove(&id);
                Ok(())
            }
            ClientMessage::Subscribe { id, payload } => {
                if self.operations.contains_key(&id) {
                    return Err((4409, "Subscriber already exists"));
                }
                if self.operations.len() >= MAX_OPERATIONS {
                    let refusal = failed(ApiError::overloaded());
                    return self
                        .send(&ServerMessage::Error {
                            id: &id,
                            payload: &refusal.errors,
                        })
                        .await;
                }
                let stream = match &caller.actor {
                    Ok(actor) => self.subgraph.stream(*payload, *actor, caller.origin.clone()),
                    Err(errors) => stream::iter([Response::from_errors(errors.clone())]).boxed(),
                };
                let ended = stream::once(async { None });
                self.operations.insert(id, stream.map(Some).chain(ended).boxed());
                Ok(())
            }
        }
    }

    async fn deliver(&mut self, id: &str, event: Option<Response>) -> Result<(), Ending> {
        match event {
            Some(response) => {
                self.send(&ServerMessage::Next {
                    id,
                    payload: &response,
                })
                .await
            }
            None => {
                self.operations.remove(id);
                self.send(&ServerMessage::Complete { id }).await
            }
        }
    }

    /// A protocol message, none for a frame that is not one; pings of the transport are answered below us.
    async fn read(
        &mut self,
        frame: Option<Result<Message, axum::Error>>,
    ) -> Result<Option<ClientMessage>, Ending> {
        match frame {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).map(Some).map_err(|_| MALFORMED),
            Some(Ok(Message::Binary(_))) => Err(MALFORMED),
            Some(Ok(Message::Close(_)) | Err(_)) | None => Err(GONE),
            Some(Ok(_)) => Ok(None),
        }
    }

    async fn send(&mut self, message: &ServerMessage<'_>) -> Result<(), Ending> {
        let text = serde_json::to_string(message).expect("a message holds only what JSON has");
        match timeout(WRITE_DEADLINE, self.socket.send(Message::Text(text.into()))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(GONE),
        }
    }

    async fn close(mut self, code: u16, reason: &'static str) {
        let frame = Message::Close(Some(CloseFrame {
            code,
            reason: reason.into(),
        }));
        // The other end may be gone already: then there is nobody to tell.
        let _told = timeout(WRITE_DEADLINE, self.socket.send(frame)).await;
    }
}

/// The next event of any operation, none when that operation ended; pending while there is none.
async fn next_event(operations: &mut Operations) -> (String, Option<Response>) {
    match operations.next().await {
        Some(event) => event,
        None => std::future::pending().await,
    }
}
