//! A client's socket: its own connection, or what [`super::relay`] carries over from one that the
//! HTTP server had taken already.

use std::io::{self, Read, Write};
use std::sync::Arc;
use tokio::net::{TcpStream, UnixStream};

use super::client::Client;

/// Bytes to and from one client.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    Relayed(UnixStream),
}

impl Socket {
    pub(super) fn try_read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.try_read(bytes),
            Self::Relayed(socket) => socket.try_read(bytes),
        }
    }

    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.try_write(bytes),
            Self::Relayed(socket) => socket.try_write(bytes),
        }
    }

    pub(super) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.readable().await,
            Self::Relayed(socket) => socket.readable().await,
        }
    }

    pub(super) async fn writable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.writable().await,
            Self::Relayed(socket) => socket.writable().await,
        }
    }
}

/// What the WebSocket library reads from and writes its own frames to: pongs and closes take the same
/// way out as everything else, so that frames never mix.
#[derive(Debug)]
pub(super) struct Stream {
    client: Arc<Client>,
    /// How much was read in this turn.
    turn: usize,
}

/// How much is read before others have their turn: what a client sends without end has no end within the
/// library either.
const TURN: usize = 16 * 1024;

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.turn >= TURN {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let size = self.client.outlet.socket().try_read(bytes)?;
        self.turn += size;
        Ok(size)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.client.outlet.tell(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream {
    pub(super) fn new(client: Arc<Client>) -> Self {
        Self { client, turn: 0 }
    }

    /// Begins a new turn; whether the last one was used up.
    pub(super) fn next_turn(&mut self) -> bool {
        std::mem::take(&mut self.turn) >= TURN
    }
}
