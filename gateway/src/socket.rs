//! `/graphql/ws`: the `graphql-transport-ws` protocol.
//!
//! One task a socket. It takes the next answer of an operation only when the last frame was written,
//! so what is queued for a slow client is bounded by what the router's streams hold. Operations take
//! the same way as over HTTP. The caller is who opened the socket: `authorization` comes from
//! `connection_init`, else from the upgrade request, and no other key of either is believed. It is
//! checked once: from then on the socket lives as long as the session, not as long as the token. When
//! the session is revoked, its operations are refused and the socket ends, whatever else goes on.

mod count;
mod message;

pub(crate) use self::count::Networks;
use self::{
    count::Open,
    message::{ClientMessage, ServerMessage},
};
use crate::{
    caller,
    engine::{Engine, Outcome, Update},
    operation::{MAX_BODY, Operation},
    reply::Reply,
    server::Worker,
};
use bytes::BytesMut;
use commons_platform::{
    ApiError, Code,
    auth::{SessionEnd, Tokens},
    graphql::Call,
};
use futures_util::{FutureExt, StreamExt, stream::LocalBoxStream};
use hive_router::{
    http::StatusCode,
    ntex::{
        SharedCfg,
        http::{
            body::BodySize,
            h1,
            header::{self, HeaderValue},
        },
        io::{IoBoxed, IoConfig},
        rt,
        time::Seconds,
        util::{ByteString, Bytes, Either},
        web::{self, HttpRequest, HttpResponse, types},
        ws::{self, CloseCode, CloseReason, Codec, Frame, Item, Message, error::ProtocolError},
    },
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, timeout, timeout_at},
};
use tokio_stream::StreamMap;

const PROTOCOL: &str = "graphql-transport-ws";
const INIT_DEADLINE: Duration = Duration::from_secs(10);
const WRITE_DEADLINE: Duration = Duration::from_secs(10);
const PING_EVERY: Duration = Duration::from_secs(20);
const SILENCE: Duration = Duration::from_secs(60);
/// After the goodbye: how long to read on, and how long a pause means that all was read.
const LINGER: Duration = Duration::from_secs(1);
const QUIET: Duration = Duration::from_millis(100);
const MAX_OPERATIONS: usize = 100;
const MAX_SOCKETS: usize = 20_000;

/// Takes the connection over.
pub(crate) async fn upgrade(
    req: HttpRequest,
    worker: types::State<Worker>,
) -> Result<HttpResponse, web::Error> {
    let Ok(mut handshake) = ws::handshake(req.head()) else {
        return Ok(HttpResponse::build(StatusCode::UPGRADE_REQUIRED)
            .content_type("text/plain")
            .body("open a WebSocket here\n"));
    };
    let call = caller::call(&req, &worker.trusted_proxies);
    let open = Open::count(&worker.sockets, &worker.networks, call.origin.network());
    let full = *worker.sockets.borrow() > MAX_SOCKETS || open.of_network() > worker.sockets_per_address;
    if full || *worker.draining.borrow() {
        return Ok(HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE)
            .content_type("text/plain")
            .body("full\n"));
    }
    let Some((io, http)) = req.head().take_io() else {
        return Ok(HttpResponse::build(StatusCode::UPGRADE_REQUIRED)
            .content_type("text/plain")
            .body("open a WebSocket here\n"));
    };
    let speaks = web::ws::subprotocols(&req).any(|protocol| protocol == PROTOCOL);
    if speaks {
        handshake.header(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL);
    }
    let accepted = h1::Message::Item((handshake.finish().into_parts().0, BodySize::Empty));
    if io.encode(accepted, &http).is_err() {
        return Ok(HttpResponse::new(StatusCode::INTERNAL_SERVER_ERROR));
    }
    io.set_config(SharedCfg::new("SOCKET").add(IoConfig::new().set_keepalive_timeout(Seconds::ZERO)));
    // The server still counts down for the head of a next request.
    io.stop_timer();
    let session = Session {
        call,
        engine: worker.engine.clone(),
        tokens: worker.tokens.clone(),
        draining: worker.draining.clone(),
        wire: Wire {
            io,
            codec: Codec::new().max_size(MAX_BODY),
            partial: BytesMut::new(),
            heard: Instant::now(),
        },
        operations: StreamMap::new(),
    };
    rt::spawn(async move {
        session.run(speaks).await;
        drop(open);
    });
    // Never written: the connection is not the server's any more.
    Ok(HttpResponse::new(StatusCode::OK))
}

/// Why a socket ends: the protocol's code and a word.
type Ending = (u16, &'static str);

const MALFORMED: Ending = (4400, "Invalid message");
const GONE: Ending = (1001, "Gone");
const TOO_LARGE: Ending = (1009, "Message too large");
const RESTART: Ending = (1012, "Service restart");
const REVOKED: Ending = (4401, "The session has ended");

/// What an operation has to say; it ends with `End`.
enum Event {
    Next(bytes::Bytes),
    Error(Reply),
    End,
}

struct Session {
    call: Call,
    engine: Engine,
    tokens: Option<Arc<Tokens>>,
    draining: watch::Receiver<bool>,
    wire: Wire,
    operations: StreamMap<String, LocalBoxStream<'static, Event>>,
}

impl Session {
    async fn run(mut self, speaks: bool) {
        let (code, reason) = if speaks {
            match self.initialise().await {
                Ok(session) => tokio::select! {
                    biased;
                    () = caller::revoked(session.as_ref()) => REVOKED,
                    ending = self.serve() => ending.unwrap_or_else(|ending| ending),
                },
                Err(ending) => ending,
            }
        } else {
            (4406, "Subprotocol not acceptable")
        };
        if code == RESTART.0 {
            self.finish().await;
        }
        if (code, reason) == REVOKED {
            // Nobody waits for a client that does not read.
            let _told = timeout(LINGER, self.refuse()).await;
        }
        // Streams end before the goodbye, which may take a while.
        self.operations = StreamMap::new();
        self.wire.close(code, reason).await;
    }

    /// Greets the client; gives the session that the socket lives as long as, none for nobody's.
    async fn initialise(&mut self) -> Result<Option<SessionEnd>, Ending> {
        let deadline = Instant::now() + INIT_DEADLINE;
        loop {
            let late = |_| (4408, "Connection initialisation timeout");
            let message = tokio::select! {
                message = timeout_at(deadline, self.wire.read()) => message.map_err(late)??,
                () = drained(&mut self.draining) => return Err(RESTART),
            };
            match message {
                Some(ClientMessage::ConnectionInit { authorization }) => {
                    if authorization.is_some() {
                        self.call.authorization = authorization;
                    }
                    let session = self.connect()?;
                    self.wire.send(&ServerMessage::ConnectionAck).await?;
                    return Ok(session);
                }
                Some(ClientMessage::Ping) => self.wire.send(&ServerMessage::Pong).await?,
                Some(ClientMessage::Subscribe { .. }) => return Err((4401, "Unauthorized")),
                Some(ClientMessage::Pong | ClientMessage::Complete { .. }) | None => {}
            }
        }
    }

    /// Exchanges the client's token for one that lives as long as the session.
    fn connect(&mut self) -> Result<Option<SessionEnd>, Ending> {
        let (Some(tokens), Some(given)) = (&self.tokens, &self.call.authorization) else {
            return Ok(None);
        };
        let connection = tokens.for_connection(given).map_err(|error| match error.code() {
            Code::Unauthenticated => (4401, "A valid access token is needed"),
            _ => (1013, "Try again later"),
        })?;
        self.call.authorization = Some(connection.authorization);
        Ok(Some(tokens.end_of(connection.session)))
    }

    async fn serve(&mut self) -> Result<Ending, Ending> {
        let mut ping = interval(PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = self.wire.read() => {
                    if let Some(message) = message? {
                        self.handle(message).await?;
                    }
                }
                Some((id, event)) = self.operations.next() => self.deliver(&id, event).await?,
                _ = ping.tick() => {
                    if self.wire.heard.elapsed() > SILENCE {
                        return Ok((1001, "Silence"));
                    }
                    self.wire.write(Message::Ping(Bytes::new())).await?;
                }
                () = drained(&mut self.draining) => return Ok(RESTART),
            }
        }
    }

    async fn handle(&mut self, message: ClientMessage) -> Result<(), Ending> {
        match message {
            ClientMessage::ConnectionInit { .. } => Err((4429, "Too many initialisation requests")),
            ClientMessage::Ping => self.wire.send(&ServerMessage::Pong).await,
            ClientMessage::Pong => Ok(()),
            ClientMessage::Complete { id } => {
                self.operations.remove(&id);
                Ok(())
            }
            ClientMessage::Subscribe { id, payload } => {
                if self.operations.contains_key(&id) {
                    return Err((4409, "Subscriber already exists"));
                }
                metrics::counter!("commons_gateway_requests_total", "transport" => "ws").increment(1);
                let call = self.next_call();
                let operation = if self.operations.len() < MAX_OPERATIONS {
                    Operation::from_json(payload.get().as_bytes())
                } else {
                    Err(ApiError::overloaded())
                };
                match operation {
                    Ok(operation) => {
                        self.operations.insert(
                            id,
                            start(self.engine.clone(), operation, call, self.draining.clone()),
                        );
                        Ok(())
                    }
                    Err(error) => {
                        let refusal = Reply::refusal(error, &call.origin.request_id);
                        self.deliver(&id, Event::Error(refusal)).await
                    }
                }
            }
        }
    }

    /// Answers what was accepted; the streams among it have ended by themselves.
    async fn finish(&mut self) {
        while let Some((id, event)) = self.operations.next().await {
            if self.deliver(&id, event).await.is_err() {
                return;
            }
        }
    }

    /// Tells each operation that its caller is nobody any more.
    async fn refuse(&mut self) {
        let running: Vec<String> = self.operations.keys().cloned().collect();
        for id in running {
            let refusal = Reply::refusal(ApiError::unauthenticated(), &self.call.origin.request_id);
            if self.deliver(&id, Event::Error(refusal)).await.is_err() {
                return;
            }
        }
    }

    /// The caller of the next operation: each has a request id of its own.
    fn next_call(&self) -> Call {
        let mut call = self.call.clone();
        call.origin.request_id = caller::request_id();
        call
    }

    async fn deliver(&mut self, id: &str, event: Event) -> Result<(), Ending> {
        match event {
            Event::Next(json) => {
                let payload = serde_json::from_slice(&json).map_err(|_| (1011, "Internal error"))?;
                self.wire.send(&ServerMessage::Next { id, payload }).await
            }
            Event::Error(reply) => {
                self.operations.remove(id);
                let payload = reply.errors().ok_or((1011, "Internal error"))?;
                self.wire
                    .send(&ServerMessage::Error {
                        id,
                        payload: &payload,
                    })
                    .await
            }
            Event::End => {
                self.operations.remove(id);
                self.wire.send(&ServerMessage::Complete { id }).await
            }
        }
    }
}

async fn drained(draining: &mut watch::Receiver<bool>) {
    // The sender is gone only when the gateway is.
    let _gone = draining.wait_for(|draining| *draining).await;
}

/// An operation as a stream of events; dropping it cancels the operation. A subscription ends without a
/// word when the gateway stops.
fn start(
    engine: Engine,
    operation: Operation,
    call: Call,
    mut draining: watch::Receiver<bool>,
) -> LocalBoxStream<'static, Event> {
    let id = call.origin.request_id.clone();
    let outcome = async move {
        let accept = HeaderValue::from_static("application/json, text/event-stream");
        engine.execute(&operation, call, accept).await
    };
    let events = outcome.map(move |outcome| match outcome {
        Outcome::One { reply, .. } => {
            let whole = futures_util::stream::iter(of_answer(reply).into_iter().chain([Event::End]));
            whole.boxed_local()
        }
        Outcome::Many(updates) => {
            let broken = futures_util::stream::once(async move { Event::Error(Reply::broken(&id)) });
            updates
                .filter_map(async |update| match update {
                    Update::Answer(reply) => of_answer(reply),
                    Update::Heartbeat => None,
                    Update::Complete => Some(Event::End),
                })
                // Reached only when the stream stops without `complete`.
                .chain(broken)
                .take_until(async move { drained(&mut draining).await })
                .boxed_local()
        }
    });
    events.flatten_stream().boxed_local()
}

fn of_answer(reply: Reply) -> Option<Event> {
    Some(if reply.refused {
        Event::Error(reply)
    } else {
        Event::Next(reply.json)
    })
}

/// Frames in and out.
struct Wire {
    io: IoBoxed,
    codec: Codec,
    partial: BytesMut,
    heard: Instant,
}

impl Wire {
    /// A protocol message, none for a frame that is not one. Loses nothing when it is cancelled.
    async fn read(&mut self) -> Result<Option<ClientMessage>, Ending> {
        let frame = match self.io.recv(&self.codec).await {
            Ok(Some(frame)) => frame,
            Ok(None) => return Err(GONE),
            Err(Either::Left(ProtocolError::Overflow)) => return Err(TOO_LARGE),
            Err(_) => return Err(GONE),
        };
        self.heard = Instant::now();
        match frame {
            Frame::Text(text) => parse(&text).map(Some),
            Frame::Continuation(Item::FirstText(part) | Item::Continue(part)) => {
                self.gather(&part).map(|()| None)
            }
            Frame::Continuation(Item::Last(part)) => {
                self.gather(&part)?;
                parse(&self.partial.split()).map(Some)
            }
            Frame::Ping(payload) => self.write(Message::Pong(payload)).await.map(|()| None),
            Frame::Pong(_) => Ok(None),
            Frame::Binary(_) | Frame::Continuation(Item::FirstBinary(_)) => Err(MALFORMED),
            Frame::Close(_) => Err(GONE),
        }
    }

    fn gather(&mut self, part: &[u8]) -> Result<(), Ending> {
        if self.partial.len() + part.len() > MAX_BODY {
            return Err(TOO_LARGE);
        }
        self.partial.extend_from_slice(part);
        Ok(())
    }

    async fn send(&self, message: &ServerMessage<'_>) -> Result<(), Ending> {
        let text = serde_json::to_string(message).expect("texts and JSON are JSON");
        self.write(Message::Text(ByteString::from(text))).await
    }

    async fn write(&self, message: Message) -> Result<(), Ending> {
        match timeout(WRITE_DEADLINE, self.io.send(message, &self.codec)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(GONE),
        }
    }

    async fn close(self, code: u16, reason: &'static str) {
        let reason = CloseReason {
            code: CloseCode::from(code),
            description: Some(reason.to_owned()),
        };
        // The other end may be gone already: then there is nobody to tell.
        let _told = timeout(
            WRITE_DEADLINE,
            self.io.send(Message::Close(Some(reason)), &self.codec),
        )
        .await;
        // Closing over bytes that were never read resets the connection, and the goodbye is lost with it.
        let _quiet = timeout(LINGER, async {
            while let Ok(Ok(Some(()))) = timeout(QUIET, self.io.read_notify()).await {
                self.io.with_read_buf(|unread| unread.clear());
            }
        })
        .await;
        let _closed = timeout(WRITE_DEADLINE, self.io.shutdown()).await;
    }
}

fn parse(text: &[u8]) -> Result<ClientMessage, Ending> {
    ClientMessage::read(text).ok_or(MALFORMED)
}
