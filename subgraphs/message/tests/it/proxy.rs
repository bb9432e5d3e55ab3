//! The way to a PostgreSQL server, which a test can close, open and cut at a certain word.

use commons_platform::{config::DatabaseConfig, task};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// A forwarder to the server.
pub(crate) struct Proxy {
    address: SocketAddr,
    server: String,
    state: Arc<State>,
    listening: Option<task::Guard>,
}

#[derive(Default)]
struct State {
    /// Every connection ends.
    cut: Notify,
    /// The answer to the next COMMIT is withheld, and its connection cut.
    hush: AtomicBool,
    hushed: AtomicUsize,
}

impl Proxy {
    /// In front of the server of a database, and the settings that lead through it.
    pub(crate) async fn before(config: &DatabaseConfig) -> (Self, DatabaseConfig) {
        let mut url = url::Url::parse(&config.url).unwrap();
        let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(address.port())).unwrap();
        let config = DatabaseConfig {
            url: url.into(),
            ..config.clone()
        };
        let state = Arc::new(State::default());
        let mut proxy = Self {
            address,
            server,
            state,
            listening: None,
        };
        proxy.listen(listener);
        (proxy, config)
    }

    fn listen(&mut self, listener: TcpListener) {
        let (server, state) = (self.server.clone(), self.state.clone());
        self.listening = Some(task::Guard::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, state) = (server.clone(), state.clone());
                task::spawn(async move {
                    let Ok(server) = TcpStream::connect(server).await else {
                        return;
                    };
                    tokio::select! {
                        () = forward(client, server, &state) => {}
                        () = state.cut.notified() => {}
                    }
                });
            }
        }));
    }

    /// The server is gone: connections end, and none is made.
    pub(crate) fn close(&mut self) {
        self.listening = None;
        self.state.cut.notify_waiters();
    }

    /// It is back.
    pub(crate) async fn open(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.listen(listener);
    }

    /// The next COMMIT reaches the server, and its answer nobody.
    pub(crate) fn hush_next_commit(&self) {
        self.state.hush.store(true, Ordering::SeqCst);
    }

    /// How many were hushed.
    pub(crate) fn hushed(&self) -> usize {
        self.state.hushed.load(Ordering::SeqCst)
    }
}

async fn forward(client: TcpStream, server: TcpStream, state: &State) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let asking = async {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let Ok(count @ 1..) = from_client.read(&mut buffer).await else {
                return;
            };
            let commits = buffer[..count].windows(6).any(|word| word == b"COMMIT");
            if to_server.write_all(&buffer[..count]).await.is_err() {
                return;
            }
            if commits && state.hush.swap(false, Ordering::SeqCst) {
                state.hushed.fetch_add(1, Ordering::SeqCst);
                return;
            }
        }
    };
    let answering = tokio::io::copy(&mut from_server, &mut to_client);
    tokio::select! {
        biased;
        () = asking => {}
        _ = answering => {}
    }
}
