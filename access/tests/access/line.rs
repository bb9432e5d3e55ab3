//! A network line to a server on loopback that can be cut and held.

use axum::Router;
use commons_platform::task::Guard;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Mutex,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// Forwards what comes to its own port to a server that it keeps alive.
pub(crate) struct Line {
    near: SocketAddr,
    far: SocketAddr,
    open: Mutex<Option<Guard>>,
    held: watch::Sender<bool>,
    _server: Guard,
}

impl Line {
    /// A line to these routes, on free ports.
    pub(crate) async fn to(routes: Router) -> Self {
        let server = listen(0).await;
        let far = server.local_addr().unwrap();
        let near = listen(0).await;
        let line = Self {
            near: near.local_addr().unwrap(),
            far,
            open: Mutex::default(),
            held: watch::Sender::new(false),
            _server: Guard::spawn(async move { axum::serve(server, routes).await.unwrap() }),
        };
        line.forward(near);
        line
    }

    /// Where its near end is.
    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.near)
    }

    /// As if the server's process were killed: connections end, new ones are refused.
    pub(crate) fn cut(&self) {
        *self.open.lock().unwrap() = None;
    }

    /// As if it were started again.
    pub(crate) async fn mend(&self) {
        self.forward(listen(self.near.port()).await);
    }

    /// As if the server's process stood still: connections are made and nothing comes back.
    pub(crate) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    fn forward(&self, near: TcpListener) {
        let (far, held) = (self.far, self.held.clone());
        let guard = Guard::spawn(async move {
            let mut connections = Vec::new();
            while let Ok((stream, _)) = near.accept().await {
                connections.push(Guard::spawn(connect(stream, far, held.subscribe())));
            }
        });
        *self.open.lock().unwrap() = Some(guard);
    }
}

async fn listen(port: u16) -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap()
}

/// Either end may go at any time: that is what the line is for.
async fn connect(near: TcpStream, far: SocketAddr, held: watch::Receiver<bool>) {
    let Ok(far) = TcpStream::connect(far).await else {
        return;
    };
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    let (mut near_read, near_write) = near.into_split();
    let (far_read, mut far_write) = far.into_split();
    let _there = Guard::spawn(async move {
        let _ended = copy(&mut near_read, &mut far_write).await;
    });
    let _ended = back(far_read, near_write, held).await;
}

async fn back(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut held: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut bytes).await?;
        // An error is that the line is gone.
        if read == 0 || held.wait_for(|held| !held).await.is_err() {
            return Ok(());
        }
        to.write_all(&bytes[..read]).await?;
    }
}
