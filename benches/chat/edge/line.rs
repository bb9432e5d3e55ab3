//! One connection to a server, from which whole pieces are read.

use super::wire::{self, Piece, find};
use anyhow::anyhow;
use std::{
    cell::RefCell,
    future::poll_fn,
    pin::Pin,
    task::{Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWriteExt, ReadBuf},
    net::TcpStream,
};

/// More than a server has in flight to one client.
const SCRATCH: usize = 64 * 1024;

/// How a client follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// `graphql-transport-ws` at `/graphql/ws`.
    Socket,
    /// Server-sent events: the answer to `POST /graphql`.
    Events,
    /// WebSocket frames of a server that copies them to whoever connects.
    Copies,
}

/// A connection. Reads go through memory that all connections of a thread share, so that one that waits
/// costs next to nothing.
#[derive(Debug)]
pub(super) struct Line {
    stream: TcpStream,
    way: Way,
    opened: bool,
    /// The beginning of a piece whose end has not come.
    rest: Vec<u8>,
    /// The beginning of an event, out of its chunks.
    event: Vec<u8>,
}

impl Line {
    /// A connection on which nothing was said.
    pub(super) fn new(stream: TcpStream, way: Way) -> Self {
        Self {
            stream,
            way,
            opened: false,
            rest: Vec::new(),
            event: Vec::new(),
        }
    }

    /// Says it.
    ///
    /// # Errors
    /// When the connection is broken.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// Waits for bytes, and hands over what is whole with them.
    ///
    /// # Errors
    /// When the connection ends, when what came is not of its protocol, and what `hear` gives.
    pub(super) async fn read(
        &mut self,
        hear: &mut (impl FnMut(Piece<'_>) -> anyhow::Result<()> + Send),
    ) -> anyhow::Result<()> {
        thread_local! {
            static SHARED: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH]);
        }
        poll_fn(|context| {
            SHARED.with_borrow_mut(|shared| -> Poll<anyhow::Result<()>> {
                let mut into = ReadBuf::new(shared);
                ready!(Pin::new(&mut self.stream).poll_read(context, &mut into))?;
                if into.filled().is_empty() {
                    return Poll::Ready(Err(anyhow!("the server hung up")));
                }
                Poll::Ready(self.take(into.filled(), hear))
            })
        })
        .await
    }

    fn take(
        &mut self,
        bytes: &[u8],
        hear: &mut impl FnMut(Piece<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if self.rest.is_empty() {
            let used = self.pieces(bytes, hear)?;
            self.rest = bytes[used..].to_vec();
        } else {
            let mut whole = std::mem::take(&mut self.rest);
            whole.extend_from_slice(bytes);
            let used = self.pieces(&whole, hear)?;
            self.rest = whole[used..].to_vec();
        }
        Ok(())
    }

    /// Hands over every whole piece; how many bytes they take.
    fn pieces(
        &mut self,
        bytes: &[u8],
        hear: &mut impl FnMut(Piece<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<usize> {
        let mut used = 0;
        loop {
            let left = &bytes[used..];
            let next = match self.way {
                _ if !self.opened => wire::head(left),
                Way::Socket | Way::Copies => wire::frame(left)?,
                Way::Events => wire::chunk(left)?,
            };
            let Some((piece, length)) = next else {
                return Ok(used);
            };
            match piece {
                Piece::Text(part) if self.way == Way::Events => self.events(part, hear)?,
                piece => hear(piece)?,
            }
            self.opened = true;
            used += length;
        }
    }

    /// Puts a chunk to what came before it; an empty line ends an event.
    fn events(
        &mut self,
        part: &[u8],
        hear: &mut impl FnMut(Piece<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.event.extend_from_slice(part);
        while let Some(end) = find(&self.event, b"\n\n") {
            hear(Piece::Text(&self.event[..end]))?;
            self.event.drain(..end + 2);
        }
        Ok(())
    }
}
