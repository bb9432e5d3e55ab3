//! Takes WebSockets out of the HTTP server's hands before it sees them: one port, and for a socket
//! neither its buffers nor its task.
//!
//! The head of a connection's first request is looked at where it lies. An upgrade on our paths goes to
//! the edge; whatever else it is stays with the HTTP server, unread. An upgrade on a connection that
//! served requests before comes by [`super::relay`].

use super::{Edge, PATHS, socket::Socket};
use hive_router::ntex::server::Stream;
use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

/// How long a client may take for the head.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// How much of a head is looked at; a longer one is the HTTP server's to judge.
const MAX_HEAD: usize = 8 * 1024;
const MAX_HEADERS: usize = 64;
/// How soon a head that came in parts is looked at again, and how soon after many looks.
const AGAIN: Duration = Duration::from_millis(2);
const SELDOM: Duration = Duration::from_millis(200);

/// Why a connection does not go on to the HTTP server.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is a socket of the edge.
    Edge,
    /// It ended, or never said what it wants.
    Lost,
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Edge => "taken by the live edge",
            Self::Lost => "ended before its first request",
        })
    }
}

/// Decides about a new connection.
///
/// # Errors
/// [`Taken`]: it is not the HTTP server's.
pub(crate) async fn take(edge: &Arc<Edge>, stream: Stream) -> Result<Stream, Taken> {
    let Stream::Tcp(stream) = stream else {
        return Ok(stream);
    };
    let lost = |_: io::Error| Taken::Lost;
    stream.set_nonblocking(true).map_err(lost)?;
    let stream = TcpStream::from_std(stream).map_err(lost)?;
    let upgrades = timeout(HEAD_DEADLINE, upgrades(&stream)).await;
    let upgrades = upgrades.map_err(|_| Taken::Lost)?.map_err(lost)?;
    let peer = stream.peer_addr().map_err(lost)?;
    let stream = stream.into_std().map_err(lost)?;
    if !upgrades {
        return Ok(Stream::Tcp(stream));
    }
    serve(edge, stream, peer);
    Err(Taken::Edge)
}

fn serve(edge: &Arc<Edge>, stream: std::net::TcpStream, peer: SocketAddr) {
    let task = edge.clone();
    edge.runtime.spawn(async move {
        match prepared(stream) {
            Ok(stream) => super::connection::serve(task, Socket::Tcp(stream), peer.ip()).await,
            Err(error) => tracing::debug!(%error, "a socket could not be taken over"),
        }
    });
}

/// How much the system holds for a client that does not read; more would hide that it is behind.
const SEND_BUFFER: usize = 32 * 1024;

fn prepared(stream: std::net::TcpStream) -> io::Result<TcpStream> {
    let socket = socket2::SockRef::from(&stream);
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.set_tcp_nodelay(true)?;
    TcpStream::from_std(stream)
}

/// Whether the first request is an upgrade on one of our paths.
async fn upgrades(stream: &TcpStream) -> io::Result<bool> {
    let mut head = [0; MAX_HEAD];
    let mut again = AGAIN;
    loop {
        let size = stream.peek(&mut head).await?;
        match look(&head[..size]) {
            _ if size == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            Some(upgrades) => return Ok(upgrades),
            None if size == MAX_HEAD => return Ok(false),
            // What lies there already is no news to the system: it would not wake us.
            None => sleep(again).await,
        }
        again = (again * 2).min(SELDOM);
    }
}

/// Whether it is an upgrade on one of our paths; none while that cannot be told.
fn look(head: &[u8]) -> Option<bool> {
    const METHOD: &[u8] = b"GET ";
    let known = head.len().min(METHOD.len());
    if head[..known] != METHOD[..known] {
        return Some(false);
    }
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => Some(is_ours(&request)),
        Ok(httparse::Status::Partial) => None,
        Err(_) => Some(false),
    }
}

fn is_ours(request: &httparse::Request<'_, '_>) -> bool {
    let path = request.path.unwrap_or_default();
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let mut headers = request.headers.iter();
    PATHS.contains(&path)
        && headers.any(|header| {
            header.name.eq_ignore_ascii_case("upgrade") && header.value.eq_ignore_ascii_case(b"websocket")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPGRADE: &str =
        "GET /graphql/ws HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n";

    #[test]
    fn only_whole_upgrades_on_our_paths_are_taken() {
        assert_eq!(look(UPGRADE.as_bytes()), Some(true));
        let also = |from: &str, to: &str| look(UPGRADE.replace(from, to).as_bytes());
        assert_eq!(also("/graphql/ws", "/graphql"), Some(true));
        assert_eq!(also("/graphql/ws", "/graphql?x=1"), Some(true));
        assert_eq!(also("/graphql/ws", "/graphqlws"), Some(false));
        assert_eq!(also("/graphql/ws", "/"), Some(false));
        assert_eq!(also("WebSocket", "h2c"), Some(false));
        assert_eq!(also("Upgrade: WebSocket\r\n", ""), Some(false));
        for size in 1..UPGRADE.len() {
            assert_eq!(look(&UPGRADE.as_bytes()[..size]), None, "{size}");
        }
    }

    #[test]
    fn what_is_no_get_is_known_by_its_first_byte() {
        for head in ["P", "POST /graphql", "PRI * HTTP/2.0", "\u{16}\u{3}", "GOT "] {
            assert_eq!(look(head.as_bytes()), Some(false), "{head}");
        }
    }
}
