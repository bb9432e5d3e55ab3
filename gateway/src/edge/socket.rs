//! A client's socket: its own connection, or what [`super::relay`] carries over from one that the
//! HTTP server had taken already.

use std::io::{self, Read, Write};
use std::sync::Arc;
use tokio::net::{TcpStream, UnixStream};

use super::outlet::Outlet;

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
pub(super) struct Stream(pub(super) Arc<super::client::Client>);

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.outlet().socket().try_read(bytes)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.outlet().tell(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream {
    fn outlet(&self) -> &Outlet {
        &self.0.outlet
    }
}
