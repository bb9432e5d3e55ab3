//! A server that only copies: what it gets on its first connection goes to all others, one write each.
//! It knows nobody, asks nothing and keeps nothing: the limit for whoever writes a frame to each client.
//!
//! It is this program again, as a child process, so that its CPU time can be told apart.

use super::{publish::Publisher, wire};
use crate::process;
use anyhow::{Context, ensure};
use bytes::{Buf, Bytes, BytesMut};
use std::{
    io::{BufRead, BufReader, ErrorKind},
    net::{Ipv4Addr, SocketAddr},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Builder,
    sync::Mutex,
};

/// The argument that makes this program the server.
pub(crate) const ARGUMENT: &str = "--copy-frames";

const ACCEPTED: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";

/// The server as a child; killed when dropped.
#[derive(Debug)]
pub(super) struct Copier {
    child: Child,
    address: SocketAddr,
}

impl Copier {
    /// Starts it.
    ///
    /// # Errors
    /// When it does not say where it is.
    pub(super) fn start() -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        let stdout = child.stdout.take().context("stdout was asked for above")?;
        let mut copier = Self {
            child,
            address: (Ipv4Addr::LOCALHOST, 0).into(),
        };
        BufReader::new(stdout).read_line(&mut said)?;
        copier.address.set_port(said.trim().parse()?);
        Ok(copier)
    }

    /// Where clients connect, once there is a [`Copier::publisher`].
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The CPU time it used so far.
    pub(super) fn cpu(&self) -> anyhow::Result<Duration> {
        process::cpu(&self.child.id().to_string())
    }

    /// Sends texts like this one, with numbers from 1 on.
    ///
    /// # Errors
    /// When it cannot be reached, or the text has no number.
    pub(super) async fn publisher(&self, sample: &[u8]) -> anyhow::Result<Publisher> {
        let (before, behind) = wire::around_seq(sample)?;
        let texts = Arc::new((before, behind));
        let control = TcpStream::connect(self.address).await?;
        control.set_nodelay(true)?;
        let control = Arc::new(Mutex::new((control, 0)));
        Ok(Arc::new(move |_| {
            let (texts, control) = (texts.clone(), control.clone());
            Box::pin(async move {
                let mut control = control.lock().await;
                let (stream, last) = &mut *control;
                let (before, behind) = &*texts;
                let seq: i64 = *last + 1;
                let frame = wire::plain_text(&[before, seq.to_string().as_bytes(), behind].concat());
                let length = u32::try_from(frame.len())?.to_be_bytes();
                stream.write_all(&[&length, &frame[..]].concat()).await?;
                *last = seq;
                Ok(seq)
            })
        }))
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        // Fails when it has ended, which is as good.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Is the server; ends when its first connection does.
///
/// # Errors
/// When a connection breaks.
pub(crate) fn copy_frames() -> anyhow::Result<()> {
    commons_platform::process::raise_file_limit();
    Builder::new_current_thread()
        .enable_io()
        .build()?
        .block_on(serve())
}

async fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", listener.local_addr()?.port());
    let (mut control, _) = listener.accept().await?;
    let (mut clients, mut unread) = (Vec::new(), BytesMut::new());
    loop {
        tokio::select! {
            accepted = listener.accept() => clients.push(upgrade(accepted?.0).await?),
            read = control.read_buf(&mut unread) => {
                if read? == 0 {
                    return Ok(());
                }
                while let Some(frame) = next(&mut unread) {
                    for client in &mut clients {
                        copy(&frame, client).await?;
                    }
                }
            }
        }
    }
}

/// The next whole frame; its length comes before it.
fn next(unread: &mut BytesMut) -> Option<Bytes> {
    let length = unread.get(..4)?.try_into().ok()?;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    (unread.len() >= 4 + length).then(|| {
        unread.advance(4);
        unread.split_to(length).freeze()
    })
}

async fn copy(frame: &[u8], client: &mut TcpStream) -> anyhow::Result<()> {
    let written = match client.try_write(frame) {
        Ok(written) => written,
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        Err(error) => return Err(error.into()),
    };
    if written < frame.len() {
        client.write_all(&frame[written..]).await?;
    }
    Ok(())
}

/// Takes a client; its key is not looked at, because nobody else connects.
async fn upgrade(mut client: TcpStream) -> anyhow::Result<TcpStream> {
    client.set_nodelay(true)?;
    let mut head = BytesMut::new();
    while !head.ends_with(b"\r\n\r\n") {
        ensure!(client.read_buf(&mut head).await? > 0, "a client left early");
    }
    client.write_all(ACCEPTED).await?;
    Ok(client)
}
