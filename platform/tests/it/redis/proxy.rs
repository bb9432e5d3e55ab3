//! A way to Redis that can be blocked, for one process alone.

use commons_platform::task::{self, Guard};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Forwards connections until it is blocked; then it ends them and takes no more.
pub(crate) struct Proxy {
    pub(crate) url: String,
    blocked: Arc<AtomicBool>,
    cut: watch::Sender<()>,
    _serving: Guard,
}

impl Proxy {
    pub(crate) async fn to(url: &str) -> Self {
        let target = url.trim_start_matches("redis://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let blocked = Arc::new(AtomicBool::new(false));
        let (cut, cuts) = watch::channel(());
        let closed = blocked.clone();
        let serving = Guard::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                if closed.load(Ordering::SeqCst) {
                    continue;
                }
                let (target, mut cuts) = (target.clone(), cuts.clone());
                cuts.mark_unchanged();
                task::spawn(async move {
                    let Ok(mut server) = TcpStream::connect(target).await else {
                        return;
                    };
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = cuts.changed() => {}
                    }
                });
            }
        });
        Self {
            url,
            blocked,
            cut,
            _serving: serving,
        }
    }

    pub(crate) fn block(&self) {
        self.blocked.store(true, Ordering::SeqCst);
        self.cut.send_replace(());
    }

    pub(crate) fn unblock(&self) {
        self.blocked.store(false, Ordering::SeqCst);
    }
}
