//! One socket: `graphql-transport-ws`, from the upgrade to the goodbye.
//!
//! One task a socket reads what the client says and writes what waits; what operations have to say
//! they write themselves. The caller is who opened the socket: `authorization` comes from
//! `connection_init`, else from the upgrade request, and no other key of either is believed. It is
//! checked once: from then on the socket lives as long as the session, not as long as the token. When
//! the session is revoked, its operations are refused and the socket ends, whatever else goes on.

mod budget;

use self::budget::Budget;
use super::{
    Edge, alone,
    client::{Client, Line, NotOpened},
    count::One,
    follow, frame,
    greeting::{Greeted, greet},
    message::ClientMessage,
    meter, outlet,
    shape::Shape,
    socket::{Socket, Stream},
};
use crate::{caller, operation::Operation, reply::Reply, server::Counted};
use commons_platform::{
    ApiError, Code,
    auth::{Actor, SessionEnd},
    graphql::Call,
};
use serde_json::value::RawValue;
use std::{io::ErrorKind, net::IpAddr, sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval_at, timeout, timeout_at},
};
use tungstenite::{
    Error, Message, WebSocket,
    protocol::{CloseFrame, frame::coding::CloseCode},
};
use uuid::Uuid;

const INIT_DEADLINE: Duration = Duration::from_secs(10);
const PING_EVERY: Duration = Duration::from_secs(20);
/// After so long without a word of the client it is taken for gone.
const SILENCE: Duration = Duration::from_secs(60);
/// How long one that does not read may keep what waits for it.
const STUCK: Duration = Duration::from_secs(60);
/// How long the last words may take.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// After the goodbye: how long to read on, and how long a pause means that all was read.
const LINGER: Duration = Duration::from_secs(1);
const QUIET: Duration = Duration::from_millis(100);
/// How many operations may run on one socket.
const MAX_OPERATIONS: usize = 100;
/// How many sockets may be open in all.
const MAX_SOCKETS: usize = 20_000;

/// Why a socket ends: the protocol's code and a word.
type Ending = (u16, &'static str);

const MALFORMED: Ending = (4400, "Invalid message");
const GONE: Ending = (1001, "Gone");
const SILENT: Ending = (1001, "Silence");
const NOT_TEXT: Ending = (1007, "Invalid text");
const TOO_LARGE: Ending = (1009, "Message too large");
const RESTART: Ending = (1012, "Service restart");
const LATER: Ending = (1013, "Try again later");
const CROWDED: Ending = (1013, "Too many connections of this user");
const UNAUTHORIZED: Ending = (4401, "Unauthorized");
const NO_TOKEN: Ending = (4401, "A valid access token is needed");
const REVOKED: Ending = (4401, "The session has ended");
const NOT_SPOKEN: Ending = (4406, "Subprotocol not acceptable");
const LATE: Ending = (4408, "Connection initialisation timeout");
const TWICE: Ending = (4409, "Subscriber already exists");
const AGAIN: Ending = (4429, "Too many initialisation requests");

/// Serves a connection whose upgrade request is still unread.
pub(super) async fn serve(edge: Arc<Edge>, socket: Socket, peer: IpAddr) {
    let _open = Counted::one(&edge.sockets);
    let full = *edge.sockets.borrow() > MAX_SOCKETS;
    let client = Arc::new(Client::new(socket));
    let Some(greeted) = greet(&edge, &client, peer, full).await else {
        // What the refusal still needs to leave.
        let _told = timeout(LAST_WORDS, client.outlet.drain()).await;
        return;
    };
    let Greeted {
        wire,
        call,
        speaks,
        one: _one_of_its_network,
    } = greeted;
    let _counted = meter::connection();
    let mut connection = Connection {
        draining: edge.draining.clone(),
        wire,
        call,
        heard: Instant::now(),
        budget: Budget::full(),
        user: None,
        edge,
        client,
    };
    let (code, reason) = match speaks {
        true => connection.run().await,
        false => NOT_SPOKEN,
    };
    meter::closed(reason);
    connection.close(code, reason).await;
}

struct Connection {
    edge: Arc<Edge>,
    client: Arc<Client>,
    wire: WebSocket<Stream>,
    call: Call,
    heard: Instant,
    draining: watch::Receiver<bool>,
    budget: Budget,
    /// Who it is, once that was told.
    user: Option<One<Uuid>>,
}

impl Connection {
    async fn run(&mut self) -> Ending {
        let session = match self.initialise().await {
            Ok(session) => session,
            Err(ending) => return ending,
        };
        let ending = tokio::select! {
            biased;
            () = caller::revoked(session.as_ref()) => REVOKED,
            ending = self.serve() => ending,
        };
        match ending {
            RESTART => self.finish().await,
            REVOKED => self.client.end_all(|| self.refusal(ApiError::unauthenticated())),
            _ => {}
        }
        ending
    }

    /// Greets the client; gives the session that the socket lives as long as, none for nobody's.
    async fn initialise(&mut self) -> Result<Option<SessionEnd>, Ending> {
        let deadline = Instant::now() + INIT_DEADLINE;
        loop {
            let mut draining = self.draining.clone();
            let message = tokio::select! {
                message = timeout_at(deadline, self.read()) => message.map_err(|_| LATE)??,
                () = drained(&mut draining) => return Err(RESTART),
            };
            match message {
                ClientMessage::ConnectionInit { authorization } => {
                    if authorization.is_some() {
                        self.call.authorization = authorization;
                    }
                    let session = self.connect()?;
                    self.tell(&frame::acknowledged())?;
                    return Ok(session);
                }
                ClientMessage::Ping => self.tell(&frame::pong())?,
                ClientMessage::Subscribe { .. } => return Err(UNAUTHORIZED),
                ClientMessage::Pong | ClientMessage::Complete { .. } => {}
            }
        }
    }

    /// Exchanges the client's token for one that lives as long as the session.
    fn connect(&mut self) -> Result<Option<SessionEnd>, Ending> {
        let (Some(tokens), Some(given)) = (&self.edge.tokens, &self.call.authorization) else {
            return Ok(None);
        };
        let refused = |error: ApiError| match error.code() {
            Code::Unauthenticated => NO_TOKEN,
            _ => LATER,
        };
        let connection = tokens.for_connection(given).map_err(refused)?;
        if let Actor::User { user, .. } = tokens.actor(Some(&connection.authorization)).map_err(refused)? {
            let bound = self.edge.limits.sockets_per_user;
            self.user = Some(self.edge.users.one(user, bound).ok_or(CROWDED)?);
        }
        self.call.authorization = Some(connection.authorization);
        Ok(Some(tokens.end_of(connection.session)))
    }

    async fn serve(&mut self) -> Ending {
        let mut ping = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (client, mut draining) = (self.client.clone(), self.draining.clone());
        loop {
            let message = tokio::select! {
                biased;
                Err(_) = client.outlet.pump() => return GONE,
                () = drained(&mut draining) => return RESTART,
                _ = ping.tick() => {
                    if self.heard.elapsed() > SILENCE || client.outlet.is_stuck(STUCK) {
                        return SILENT;
                    }
                    self.tell(&frame::PING).map(|()| None)
                }
                message = self.read() => message.map(Some),
            };
            let handled = match message {
                Ok(Some(message)) => self.handle(message),
                Ok(None) => Ok(()),
                Err(ending) => Err(ending),
            };
            if let Err(ending) = handled {
                return ending;
            }
        }
    }

    fn handle(&mut self, message: ClientMessage) -> Result<(), Ending> {
        match message {
            ClientMessage::ConnectionInit { .. } => Err(AGAIN),
            ClientMessage::Ping => self.tell(&frame::pong()),
            ClientMessage::Pong => Ok(()),
            ClientMessage::Complete { id } => {
                self.client.leave(&id);
                Ok(())
            }
            ClientMessage::Subscribe { id, payload } => self.subscribe(&id, &payload),
        }
    }

    fn subscribe(&mut self, id: &str, payload: &RawValue) -> Result<(), Ending> {
        metrics::counter!("commons_gateway_requests_total", "transport" => "ws").increment(1);
        if self.client.runs(id) {
            return Err(TWICE);
        }
        let started = self
            .budget
            .spend()
            .and_then(|()| Operation::from_json(payload.get().as_bytes()))
            .and_then(|operation| self.start(id, operation));
        match started {
            Ok(()) => Ok(()),
            Err(error) => {
                let reply = self.refusal(error);
                let errors = reply.errors();
                let errors = errors.as_deref().map_or("[]", RawValue::get);
                self.tell(&frame::error(id, errors.as_bytes()))
            }
        }
    }

    fn start(&self, id: &str, operation: Operation) -> Result<(), ApiError> {
        let shape = self.edge.shapes.shape(&operation)?;
        let live = operation.about().kind == "subscription";
        let crowded = |reason| ApiError::overloaded().with_reason(reason);
        let counted = match &self.user {
            Some(user) if live => {
                let bound = self.edge.limits.subscriptions_per_user;
                let counted = self.edge.subscriptions.one(user.of(), bound);
                Some(counted.ok_or_else(|| crowded("TOO_MANY_SUBSCRIPTIONS"))?)
            }
            _ => None,
        };
        let opened = self.client.open(id, live, MAX_OPERATIONS);
        let line: Line = opened.map_err(|reason| {
            debug_assert_eq!(reason, NotOpened::TooMany, "who runs twice was refused");
            crowded("TOO_MANY_OPERATIONS")
        })?;
        let (edge, call, task) = (self.edge.clone(), self.next_call(), line.clone());
        line.run(async move {
            let _counted = counted;
            match shape {
                Shape::Numbered(numbered) => follow::follow(edge, task, numbered, call).await,
                Shape::Alone => alone::answer(edge, task, operation, call).await,
            }
        });
        Ok(())
    }

    /// Answers what was accepted; subscriptions end without a word, so that their clients come back.
    async fn finish(&mut self) {
        while self.client.end_live() {
            tokio::select! {
                biased;
                _ = self.client.outlet.pump() => return,
                () = self.client.changed() => {}
            }
        }
    }

    /// The caller of the next operation: each has a request id of its own.
    fn next_call(&self) -> Call {
        let mut call = self.call.clone();
        call.origin.request_id = caller::request_id();
        call
    }

    fn refusal(&self, error: ApiError) -> Reply {
        Reply::refusal(error, &self.call.origin.request_id)
    }

    fn tell(&self, frame: &[u8]) -> Result<(), Ending> {
        self.client.outlet.tell(frame).map_err(|_: outlet::Refused| GONE)
    }

    /// The next message. Safe to cancel: what came in part is kept.
    async fn read(&mut self) -> Result<ClientMessage, Ending> {
        loop {
            // Whoever sends without a pause leaves others their turn.
            tokio::task::coop::consume_budget().await;
            let message = match self.wire.read() {
                Ok(message) => message,
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                    self.client.outlet.socket().readable().await.map_err(|_| GONE)?;
                    continue;
                }
                Err(Error::Capacity(_)) => return Err(TOO_LARGE),
                Err(Error::Utf8(_)) => return Err(NOT_TEXT),
                Err(_) => return Err(GONE),
            };
            self.heard = Instant::now();
            match message {
                Message::Text(text) => return ClientMessage::read(&text).ok_or(MALFORMED),
                Message::Binary(_) => return Err(MALFORMED),
                Message::Close(_) => return Err(GONE),
                // The library answers pings.
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    async fn close(mut self, code: u16, reason: &'static str) {
        // Operations end before the goodbye, which may take a while.
        self.client.end_quietly();
        let goodbye = CloseFrame {
            code: CloseCode::from(code),
            reason: reason.into(),
        };
        // The other end may be gone already: then there is nobody to tell.
        let _told = self.wire.close(Some(goodbye));
        let _told = self.wire.flush();
        let last_words = match (code, reason) {
            // Nobody waits for a client that has no session.
            REVOKED => LINGER,
            _ => LAST_WORDS,
        };
        let _told = timeout(last_words, self.client.outlet.drain()).await;
        // Closing over bytes that were never read resets the connection, and the goodbye is lost with it.
        let _quiet = timeout(LINGER, self.read_away()).await;
    }

    async fn read_away(&self) {
        let (socket, mut unread) = (self.client.outlet.socket(), [0; 1024]);
        while timeout(QUIET, socket.readable())
            .await
            .is_ok_and(|ready| ready.is_ok())
        {
            match socket.try_read(&mut unread) {
                Ok(1..) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(_) | Err(_) => return,
            }
        }
    }
}

impl Drop for Connection {
    /// However it ended, nothing of it goes on.
    fn drop(&mut self) {
        self.client.end_quietly();
        self.client.outlet.abandon();
    }
}

async fn drained(draining: &mut watch::Receiver<bool>) {
    // The sender is gone only when the gateway is.
    let _gone = draining.wait_for(|draining| *draining).await;
}
