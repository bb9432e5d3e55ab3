//! The whole platform in one process.

use crate::{DataLock, Services};
use anyhow::Context;
use commons_gateway::{Admin, Gateway, Settings, Upstream};
use commons_platform::{
    config::Config,
    graphql::Subgraph,
    health,
    internal::InternalToken,
    service,
    task::{self, Guard},
    telemetry,
};
use futures_util::FutureExt;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;

/// A platform that has its address and does not answer yet.
#[derive(Debug)]
pub struct Server {
    services: Services,
    gateway: Gateway,
    /// `/metrics`.
    _admin: Admin,
    /// The subgraphs on loopback, for subscriptions.
    listeners: Vec<Guard>,
    _lock: Option<DataLock>,
}

impl Server {
    /// Starts every part and takes the public address.
    ///
    /// # Errors
    /// When a part does not start; the message is meant for whoever runs the instance.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        telemetry::start_metrics();
        let lock = DataLock::take(&config)?;
        let services = Services::start(config).await?;
        task::background("retention", services.streams.clone().run_retention());
        let (mut upstreams, mut listeners) = (Vec::new(), Vec::new());
        for subgraph in services.subgraphs() {
            let (address, listener) = serve(&subgraph).await?;
            upstreams.push(Upstream::local(subgraph, address));
            listeners.push(listener);
        }
        let admin = Admin::serve(&services.platform.config.gateway).await?;
        let gateway = Gateway::bind(settings(&services, upstreams))?;
        Ok(Self {
            services,
            gateway,
            _admin: admin,
            listeners,
            _lock: lock,
        })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.gateway.address()
    }

    /// Serves until `shutdown` is ready; then answers what was accepted, writes it down and ends.
    ///
    /// # Errors
    /// When the gateway fails.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let result = self.gateway.run(shutdown).await;
        // Only the gateway uses them, and it has ended.
        drop(self.listeners);
        self.services.stop().await;
        Ok(result?)
    }
}

/// Serves a subgraph on a free loopback port.
async fn serve(subgraph: &Subgraph) -> anyhow::Result<(SocketAddr, Guard)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .context("no loopback port")?;
    let address = listener.local_addr()?;
    let listener = service::prompt(listener);
    let (name, routes) = (subgraph.name(), subgraph.router());
    let served = Guard::background("loopback", async move {
        let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::error!(name, %error, "a subgraph's listener failed");
        }
    });
    Ok((address, served))
}

fn settings(services: &Services, upstreams: Vec<Upstream>) -> Settings {
    let platform = &services.platform;
    let internal = InternalToken::of(&platform.secret);
    let needed = platform.clone();
    let is_ready = move || {
        let platform = needed.clone();
        async move { health::is_ready(&platform).await }.boxed()
    };
    Settings::of(
        &platform.config,
        upstreams,
        internal,
        platform.tokens.clone(),
        services.access.clone(),
        is_ready,
    )
}
