//! A TCP connection's middle: passes bytes on, until it holds them or cuts all connections.

use anyhow::Context;
use commons_platform::task::{self, Guard};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    time::timeout,
};

const CONNECT: Duration = Duration::from_secs(3);
const CHUNK: usize = 16 << 10;

/// A listener whose connections go on to one address.
pub(crate) struct Proxy {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    control: watch::Sender<Control>,
    open: Arc<AtomicUsize>,
    _listening: Guard,
}

#[derive(Debug, Clone, Copy, Default)]
struct Control {
    /// Connections of an older one are cut.
    generation: u64,
    held: bool,
}

impl Proxy {
    pub(crate) async fn listen(name: &str, to: u16) -> anyhow::Result<Arc<Self>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("no port")?;
        let address = listener.local_addr()?;
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, to));
        let (control, orders) = watch::channel(Control::default());
        let open = Arc::new(AtomicUsize::new(0));
        let counted = open.clone();
        let listening = Guard::spawn(async move {
            loop {
                // An error is of a connection that is gone again.
                let Ok((client, _)) = listener.accept().await else {
                    continue;
                };
                task::spawn(carry(client, to, orders.clone(), counted.clone()));
            }
        });
        Ok(Arc::new(Self {
            name: name.to_owned(),
            address,
            control,
            open,
            _listening: listening,
        }))
    }

    /// Resets every connection: how many there were.
    pub(crate) fn cut(&self) -> usize {
        self.control.send_modify(|control| control.generation += 1);
        self.open.load(Ordering::Relaxed)
    }

    /// Keeps what comes, on old connections and new ones.
    pub(crate) fn hold(&self) {
        self.control.send_modify(|control| control.held = true);
    }

    /// Passes on what was kept.
    pub(crate) fn release(&self) {
        self.control.send_modify(|control| control.held = false);
    }
}

async fn carry(
    mut client: TcpStream,
    to: SocketAddr,
    orders: watch::Receiver<Control>,
    open: Arc<AtomicUsize>,
) {
    let generation = orders.borrow().generation;
    let Ok(Ok(mut server)) = timeout(CONNECT, TcpStream::connect(to)).await else {
        reset(&client);
        return;
    };
    open.fetch_add(1, Ordering::Relaxed);
    // An error is of a connection that is gone.
    let _slow = client.set_nodelay(true).and(server.set_nodelay(true));
    let mut cut = orders.clone();
    let ended = {
        let (client_reads, client_writes) = client.split();
        let (server_reads, server_writes) = server.split();
        let both = async {
            tokio::try_join!(
                pump(client_reads, server_writes, orders.clone()),
                pump(server_reads, client_writes, orders.clone())
            )
        };
        tokio::select! {
            ended = both => ended.is_ok(),
            // An error is that the test ends.
            _ = cut.wait_for(|control| control.generation != generation) => false,
        }
    };
    if !ended {
        reset(&client);
        reset(&server);
    }
    open.fetch_sub(1, Ordering::Relaxed);
}

async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut orders: watch::Receiver<Control>,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = from.read(&mut chunk).await?;
        orders
            .wait_for(|control| !control.held)
            .await
            .map_err(io::Error::other)?;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&chunk[..read]).await?;
    }
}

/// The other end finds the connection broken, not ended.
fn reset(stream: &TcpStream) {
    // An error is of a connection that is gone.
    let _gone = stream.set_zero_linger();
}
