//! One subscriber: it connects, says who it is, and checks that what it gets is dense and in order.

use super::{
    board::Board,
    line::{Line, Way},
    wire::{self, Piece},
};
use anyhow::{Context, bail, ensure};
use serde_json::json;
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};

/// What is asked for: the number, the text and its author's name.
const FOLLOW: &str =
    "subscription($channel: ID!, $after: Int) { messageEvents(channelId: $channel, after: $after) {
  __typename seq ... on MessageCreated { message { id content author { id displayName } } }
} }";
const HEAD: &[u8] = b"\"__typename\":\"StreamHead\",";
const CREATED: &[u8] = b"\"__typename\":\"MessageCreated\",";
/// A server that is not there yet, or whose queue is full, is asked again.
const RETRY: Duration = Duration::from_millis(20);
const RETRYING: Duration = Duration::from_secs(10);

/// Who follows what.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    /// The `authorization` value.
    pub(super) authorization: Arc<str>,
    pub(super) channel: Arc<str>,
    /// The number of the last event known.
    pub(super) after: Option<i64>,
}

impl Ticket {
    /// Of somebody whom nothing is asked.
    pub(super) fn nobody() -> Self {
        Self {
            authorization: "".into(),
            channel: "".into(),
            after: None,
        }
    }
}

/// Where followers go.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) address: SocketAddr,
    pub(super) way: Way,
    /// How many may be between connecting and the server's first answer, so that its queue of new
    /// connections does not overflow: the system would try again only after a second.
    pub(super) doors: Arc<Semaphore>,
}

/// What is waited for.
enum Stage {
    /// The head of the HTTP answer.
    Opening,
    /// `connection_ack`.
    Greeting,
    /// Where the stream stands.
    Start,
    /// Messages.
    Events,
}

/// A subscriber.
pub(super) struct Follower {
    number: usize,
    ticket: Ticket,
    place: Arc<Place>,
    board: Arc<Board>,
    stage: Stage,
    door: Option<OwnedSemaphorePermit>,
    live: bool,
    /// The number of the last event.
    last: i64,
    /// Where the stream stood when it was joined.
    head: i64,
    replies: Vec<u8>,
}

impl Follower {
    /// The follower with a number on the board.
    pub(super) fn new(number: usize, ticket: Ticket, place: Arc<Place>, board: Arc<Board>) -> Self {
        Self {
            number,
            ticket,
            place,
            board,
            stage: Stage::Opening,
            door: None,
            live: false,
            last: 0,
            head: 0,
            replies: Vec::new(),
        }
    }

    /// Follows until the connection ends.
    pub(super) async fn run(mut self) {
        let Err(why) = self.follow().await;
        self.board.ended(self.number, &why);
    }

    async fn follow(&mut self) -> anyhow::Result<std::convert::Infallible> {
        self.door = Some(self.place.doors.clone().acquire_owned().await?);
        let stream = self.connect().await.context("connecting")?;
        stream.set_nodelay(true)?;
        let mut line = Line::new(stream, self.place.way);
        line.write(self.opening().as_bytes()).await?;
        loop {
            line.read(&mut |piece| self.hear(piece)).await?;
            if !self.replies.is_empty() {
                line.write(&std::mem::take(&mut self.replies)).await?;
            }
        }
    }

    async fn connect(&self) -> std::io::Result<TcpStream> {
        let began = Instant::now();
        loop {
            match TcpStream::connect(self.place.address).await {
                Err(_) if began.elapsed() < RETRYING => {
                    self.board.retried();
                    sleep(RETRY).await;
                }
                done => return done,
            }
        }
    }

    /// The HTTP request.
    fn opening(&self) -> String {
        let (address, authorization) = (self.place.address, &self.ticket.authorization);
        match self.place.way {
            Way::Socket | Way::Copies => format!(
                "GET /graphql/ws HTTP/1.1\r\nhost: {address}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
            ),
            Way::Events => {
                let body = self.operation().to_string();
                format!(
                    "POST /graphql HTTP/1.1\r\nhost: {address}\r\nauthorization: {authorization}\r\n\
                    content-type: application/json\r\naccept: text/event-stream\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                )
            }
        }
    }

    fn operation(&self) -> serde_json::Value {
        let mut variables = json!({ "channel": &*self.ticket.channel });
        if let Some(after) = self.ticket.after {
            variables["after"] = json!(after);
        }
        json!({ "query": FOLLOW, "variables": variables })
    }

    fn hear(&mut self, piece: Piece<'_>) -> anyhow::Result<()> {
        match piece {
            Piece::Text(text) => match wire::seq(text) {
                Some((before, seq, _)) => self.event(before, seq, text),
                None => self.word(text),
            },
            Piece::Head(head) => self.opened(head),
            Piece::Ping(payload) => {
                self.replies.extend(wire::masked_pong(payload));
                Ok(())
            }
            Piece::Close(why) => bail!("closed: {}", String::from_utf8_lossy(why)),
            Piece::Nothing => Ok(()),
        }
    }

    fn opened(&mut self, head: &[u8]) -> anyhow::Result<()> {
        self.door = None;
        let (status, stage) = match self.place.way {
            Way::Socket => (101, Stage::Greeting),
            Way::Events => (200, Stage::Start),
            Way::Copies => (101, Stage::Events),
        };
        ensure!(
            head.starts_with(format!("HTTP/1.1 {status} ").as_bytes()),
            "refused: {}",
            String::from_utf8_lossy(head)
        );
        match stage {
            Stage::Greeting => self.say(&json!({ "type": "connection_init",
                "payload": { "authorization": &*self.ticket.authorization } })),
            Stage::Events => self.settle(),
            _ => {}
        }
        self.stage = stage;
        Ok(())
    }

    fn event(&mut self, before: &[u8], seq: i64, text: &[u8]) -> anyhow::Result<()> {
        match self.stage {
            Stage::Start if before.ends_with(HEAD) => {
                self.head = seq;
                self.last = self.ticket.after.unwrap_or(seq);
                self.stage = Stage::Events;
            }
            Stage::Events if seq == self.last + 1 && before.ends_with(CREATED) => {
                self.last = seq;
                self.board.delivered(self.number, seq, text);
            }
            _ => bail!("after {} came {}", self.last, String::from_utf8_lossy(text)),
        }
        self.settle();
        Ok(())
    }

    /// Live is who has all that was there when they came.
    fn settle(&mut self) {
        if !self.live && self.last >= self.head {
            self.live = true;
            self.board.joined(self.number, self.last);
        }
    }

    fn word(&mut self, text: &[u8]) -> anyhow::Result<()> {
        let is = |kind: &str| wire::find(text, format!("\"type\":\"{kind}\"").as_bytes()).is_some();
        match self.stage {
            Stage::Greeting if is("connection_ack") => {
                self.say(&json!({ "type": "subscribe", "id": "1", "payload": self.operation() }));
                self.stage = Stage::Start;
            }
            _ if self.place.way == Way::Events && text.starts_with(b":") => {}
            _ if is("ping") => self.say(&json!({ "type": "pong" })),
            _ => bail!("after {} came {}", self.last, String::from_utf8_lossy(text)),
        }
        Ok(())
    }

    fn say(&mut self, message: &serde_json::Value) {
        self.replies.extend(wire::masked_text(&message.to_string()));
    }
}
