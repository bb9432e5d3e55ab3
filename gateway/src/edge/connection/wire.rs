//! What a client says, and what the socket itself has to say.

use super::ending::{Ending, GONE, MALFORMED, NOT_TEXT, NOT_WEBSOCKET, REVOKED, TOO_LARGE};
use crate::edge::{client::Client, message::ClientMessage, outlet, socket::Stream};
use std::{io::ErrorKind, sync::Arc, time::Duration};
use tokio::time::{Instant, timeout};
use tungstenite::{
    Error, Message, WebSocket,
    error::ProtocolError,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

/// How long the last words may take.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(10);
/// After the goodbye: how long to read on, and how long a pause means that all was read.
const LINGER: Duration = Duration::from_secs(1);
const QUIET: Duration = Duration::from_millis(100);

/// An open socket, both ways.
pub(super) struct Wire {
    client: Arc<Client>,
    socket: WebSocket<Stream>,
    heard: Instant,
}

impl Wire {
    pub(super) fn new(client: Arc<Client>, socket: WebSocket<Stream>) -> Self {
        Self {
            client,
            socket,
            heard: Instant::now(),
        }
    }

    /// How long the client has said nothing, not even that it is there.
    pub(super) fn silence(&self) -> Duration {
        self.heard.elapsed()
    }

    /// Says a word of the protocol.
    pub(super) fn tell(&self, frame: &[u8]) -> Result<(), Ending> {
        self.client.outlet.tell(frame).map_err(|_: outlet::Refused| GONE)
    }

    /// The next message. Safe to cancel: what came in part is kept.
    pub(super) async fn read(&mut self) -> Result<ClientMessage, Ending> {
        loop {
            // Whoever sends without a pause leaves others their turn.
            tokio::task::coop::consume_budget().await;
            let message = match self.socket.read() {
                Ok(message) => message,
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                    if self.socket.get_mut().next_turn() {
                        tokio::task::yield_now().await;
                        continue;
                    }
                    self.client.outlet.socket().readable().await.map_err(|_| GONE)?;
                    continue;
                }
                Err(Error::Capacity(_)) => return Err(TOO_LARGE),
                Err(Error::Utf8(_)) => return Err(NOT_TEXT),
                Err(Error::Protocol(
                    ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing,
                )) => return Err(GONE),
                Err(Error::Protocol(_)) => return Err(NOT_WEBSOCKET),
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

    /// Says goodbye.
    pub(super) async fn close(&mut self, (code, reason): Ending) {
        let goodbye = CloseFrame {
            code: CloseCode::from(code),
            reason: reason.into(),
        };
        // The other end may be gone already: then there is nobody to tell.
        let _told = self.socket.close(Some(goodbye));
        let _told = self.socket.flush();
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
