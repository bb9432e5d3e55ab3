//! A service on a port of its own, that can be killed and started again.

use std::net::{Ipv4Addr, SocketAddr};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};

/// Routes that are served by a runtime of their own: without it, all their connections are gone.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    routes: axum::Router,
    running: Option<Runtime>,
}

impl Service {
    pub(crate) fn start(routes: axum::Router) -> Self {
        let free = (Ipv4Addr::LOCALHOST, 0).into();
        let (address, running) = serve(free, routes.clone());
        Self {
            address,
            routes,
            running: Some(running),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(&mut self) {
        self.running.take().unwrap().shutdown_background();
        // The port is free when nobody answers any more.
        while std::net::TcpStream::connect(self.address).is_ok() {
            std::thread::yield_now();
        }
    }

    /// Starts it again where it was.
    pub(crate) fn revive(&mut self) {
        self.running = Some(serve(self.address, self.routes.clone()).1);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.shutdown_background();
        }
    }
}

fn serve(address: SocketAddr, routes: axum::Router) -> (SocketAddr, Runtime) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    runtime.spawn(async move {
        let listener = TcpListener::bind(address).await.unwrap();
        tell.send(listener.local_addr().unwrap()).unwrap();
        let service = routes.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service).await.unwrap();
    });
    (told.recv().unwrap(), runtime)
}
