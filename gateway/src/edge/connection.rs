//! One socket: `graphql-transport-ws`, from the upgrade to the goodbye.
//!
//! One task a socket reads what the client says and writes what waits; what operations have to say
//! they write themselves. The caller is who opened the socket: `authorization` comes from
//! `connection_init`, else from the upgrade request, and no other key of either is believed. It is
//! checked once: from then on the socket lives as long as the session, not as long as the token. When
//! the session is revoked, its operations are refused and the socket ends, whatever else goes on.

mod budget;
mod ending;
mod wire;

use self::{
    budget::Budget,
    ending::{
        AGAIN, CROWDED, Ending, GONE, LATE, LATER, NO_TOKEN, NOT_SPOKEN, RESTART, REVOKED, SILENT, TWICE,
        UNAUTHORIZED,
    },
    wire::{LAST_WORDS, Wire},
};
use super::{
    Edge, alone,
    client::Client,
    count::One,
    follow, frame,
    greeting::{Greeted, greet},
    message::ClientMessage,
    meter,
    shape::Shape,
    socket::Socket,
};
use crate::{caller, operation::Operation, reply::Reply, server::Counted};
use commons_platform::{
    ApiError, Code,
    auth::{Actor, SessionEnd},
    graphql::Call,
};
use serde_json::value::RawValue;
use std::{net::IpAddr, sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval_at, timeout, timeout_at},
};
use uuid::Uuid;

const INIT_DEADLINE: Duration = Duration::from_secs(10);
const PING_EVERY: Duration = Duration::from_secs(20);
/// After so long without a word of the client it is taken for gone.
const SILENCE: Duration = Duration::from_secs(60);
/// How long one that does not read may keep what waits for it.
const STUCK: Duration = Duration::from_secs(60);
/// How many operations may run on one socket.
const MAX_OPERATIONS: usize = 100;
/// How many sockets may be open in all.
const MAX_SOCKETS: usize = 20_000;

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
        wire: Wire::new(client.clone(), wire),
        call,
        budget: Budget::full(),
        user: None,
        edge,
        client,
    };
    let ending = match speaks {
        true => connection.run().await,
        false => NOT_SPOKEN,
    };
    meter::closed(ending.1);
    // Operations end before the goodbye, which may take a while.
    connection.client.end_quietly();
    connection.wire.close(ending).await;
}

struct Connection {
    edge: Arc<Edge>,
    client: Arc<Client>,
    wire: Wire,
    call: Call,
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
                message = timeout_at(deadline, self.wire.read()) => message.map_err(|_| LATE)??,
                () = drained(&mut draining) => return Err(RESTART),
            };
            match message {
                ClientMessage::ConnectionInit { authorization } => {
                    if authorization.is_some() {
                        self.call.authorization = authorization;
                    }
                    let session = self.connect()?;
                    self.wire.tell(&frame::acknowledged())?;
                    return Ok(session);
                }
                ClientMessage::Ping => self.wire.tell(&frame::pong())?,
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
            self.user = Some(self.edge.bounds.socket_of(user).ok_or(CROWDED)?);
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
                    if self.wire.silence() > SILENCE || client.outlet.is_stuck(STUCK) {
                        return SILENT;
                    }
                    self.wire.tell(&frame::PING).map(|()| None)
                }
                message = self.wire.read() => message.map(Some),
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
            ClientMessage::Ping => self.wire.tell(&frame::pong()),
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
            .and_then(|()| self.edge.bounds.operation(self.network(), self.user()))
            .and_then(|()| Operation::from_json(payload.get().as_bytes()))
            .and_then(|operation| self.start(id, operation));
        match started {
            Ok(()) => Ok(()),
            Err(error) => self.client.told(id, &self.refusal(error)).map_err(|_| GONE),
        }
    }

    fn start(&self, id: &str, operation: Operation) -> Result<(), ApiError> {
        let shape = self.edge.shapes.shape(&operation)?;
        let live = operation.about().kind == "subscription";
        let counted = match live {
            true => Some(self.edge.bounds.subscription(self.network(), self.user())?),
            false => None,
        };
        let line = self.client.open(id, live, MAX_OPERATIONS);
        let crowded = || ApiError::overloaded().with_reason("TOO_MANY_OPERATIONS");
        let line = line.ok_or_else(crowded)?;
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

    fn network(&self) -> IpAddr {
        self.call.origin.network()
    }

    fn user(&self) -> Option<Uuid> {
        self.user.as_ref().map(One::of)
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
