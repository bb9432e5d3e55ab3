//! Upgrades on connections that served requests before: the HTTP server has such a connection and does
//! not give it back, so that its bytes are carried over.
//!
//! Browsers open a connection of its own for each socket; proxies that keep connections may not.

use super::{Edge, PATHS, socket::Socket};
use hive_router::{
    http::{Method, StatusCode},
    ntex::{
        SharedCfg,
        http::header,
        io::{IoBoxed, IoConfig},
        rt,
        time::Seconds,
        web::{HttpRequest, HttpResponse},
    },
};
use std::{
    io::{self, ErrorKind, Write},
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};
use tokio::net::UnixStream;

/// How much is carried at a time.
const PIECE: usize = 4096;

/// Whether a request is an upgrade on one of our paths.
pub(crate) fn is_upgrade(req: &HttpRequest) -> bool {
    let upgrade = req.headers().get(header::UPGRADE);
    req.method() == Method::GET
        && PATHS.contains(&req.path())
        && upgrade.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Carries a connection over to the edge.
pub(crate) fn carry(edge: &Arc<Edge>, req: &HttpRequest) -> HttpResponse {
    let peer = req
        .peer_addr()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let (head, taken) = (head(req), req.head().take_io());
    let (Some((io, _)), Ok((ours, theirs))) = (taken, UnixStream::pair()) else {
        return HttpResponse::new(StatusCode::INTERNAL_SERVER_ERROR);
    };
    io.set_config(SharedCfg::new("RELAY").add(IoConfig::new().set_keepalive_timeout(Seconds::ZERO)));
    // The server still counts down for the head of a next request.
    io.stop_timer();
    let task = edge.clone();
    // Registered with the runtime that reads it.
    let theirs = theirs.into_std();
    edge.runtime.spawn(async move {
        if let Ok(theirs) = theirs.and_then(UnixStream::from_std) {
            super::connection::serve(task, Socket::Relayed(theirs), peer).await;
        }
    });
    rt::spawn(async move {
        if let Err(error) = relay(&io, &ours, &head).await {
            tracing::debug!(%error, "a relayed socket broke");
        }
        io.shutdown().await.ok();
    });
    // Never written: the connection is not the server's any more.
    HttpResponse::new(StatusCode::OK)
}

/// The request as it came, for the edge to read.
fn head(req: &HttpRequest) -> Vec<u8> {
    let mut head = Vec::new();
    write!(head, "GET {} HTTP/1.1\r\n", req.uri()).expect("memory takes all");
    for (name, value) in req.headers() {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

async fn relay(io: &IoBoxed, ours: &UnixStream, head: &[u8]) -> io::Result<()> {
    write_all(ours, head).await?;
    let inward = async {
        while let Some(()) = io.read_notify().await? {
            let came = io.with_read_buf(|unread| unread.split_to(unread.len()));
            write_all(ours, &came).await?;
        }
        Ok(())
    };
    let outward = async {
        let mut piece = [0; PIECE];
        loop {
            ours.readable().await?;
            match ours.try_read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(size) => {
                    io.with_write_buf(|buffer| buffer.extend_from_slice(&piece[..size]))?;
                    io.flush(true).await?;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    };
    tokio::select! {
        ended = inward => ended,
        ended = outward => ended,
    }
}

async fn write_all(stream: &UnixStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(size) => bytes = &bytes[size..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
