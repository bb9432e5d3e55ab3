//! The gateway's life: bind, serve on a thread of its own, drain, end.
//!
//! The router needs an ntex system, which owns its thread; it starts its worker threads from there.
//! Subgraphs stay on the runtime that calls [`Gateway::run`].

use crate::{
    GatewayError, Settings,
    edge::{self, Bounds, Edge, Engines, Shapes},
    engine::{Engine, Federation, Router},
    http, pages,
};
use commons_platform::{
    auth::Tokens,
    clock::{Clock, SystemClock},
};
use futures_util::future::join;
use hive_router::{
    background_tasks::BackgroundTasksManager,
    ntex::{
        self, SharedCfg,
        http::{HttpService, HttpServiceConfig},
        rt::{DefaultRuntime, System},
        time::Seconds,
        web,
    },
};
use std::{
    net::{IpAddr, SocketAddr, TcpListener},
    sync::Arc,
    thread,
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::{oneshot, watch},
    time::timeout,
};

/// How long a client may take for the head of a request.
const HEAD_DEADLINE: Seconds = Seconds(10);
const KEEP_ALIVE: Seconds = Seconds(75);
/// How long the last answers over HTTP and over sockets may take, and then their connections to
/// close: together below 5 s.
const LAST_ANSWERS: Duration = Duration::from_secs(3);
const GOODBYE: Seconds = Seconds(1);

/// What the handlers of one worker thread share.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) engine: Engine,
    pub(crate) trusted_proxies: Arc<[IpAddr]>,
    /// What makes a connection outlive its token.
    pub(crate) tokens: Option<Arc<Tokens>>,
    /// True from when the gateway stops.
    pub(crate) draining: watch::Receiver<bool>,
    /// Where sockets are served.
    pub(crate) edge: Arc<Edge>,
    /// How many requests are being answered, on all workers.
    pub(crate) requests: watch::Sender<usize>,
    /// Where the caller's handlers run.
    pub(crate) runtime: Handle,
}

/// Counts one while it lives.
pub(crate) struct Counted(watch::Sender<usize>);

impl Counted {
    pub(crate) fn one(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

async fn none(count: &watch::Sender<usize>) {
    let mut count = count.subscribe();
    // An error is that nobody counts any more.
    let _none = count.wait_for(|count| *count == 0).await;
}

/// A gateway that has its address and does not answer yet.
#[derive(Debug)]
pub struct Gateway {
    listener: TcpListener,
    address: SocketAddr,
    settings: Settings,
    federation: Arc<Federation>,
}

impl Gateway {
    /// Loads the supergraph and takes the address; connections wait until [`Gateway::run`].
    ///
    /// # Errors
    /// When the supergraph or a service's address is not usable, or our address is taken.
    ///
    /// # Panics
    /// Outside a tokio runtime: subgraphs of this process will run on the current one.
    pub fn bind(mut settings: Settings) -> Result<Self, GatewayError> {
        let answers = settings.complete()?;
        let federation = Arc::new(Federation::load(&settings, answers, Handle::current())?);
        let listen = |source| GatewayError::Listen {
            address: settings.listen,
            source,
        };
        let listener = TcpListener::bind(settings.listen).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self {
            listener,
            address,
            settings,
            federation,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is ready, then answers what was accepted and ends, within 5 s.
    ///
    /// # Errors
    /// When the router does not start or its server fails.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), GatewayError> {
        let (stop, stopping) = watch::channel(false);
        let (tell, mut ended) = oneshot::channel();
        let thread = thread::Builder::new().name("gateway".to_owned()).spawn(move || {
            let system = System::build()
                .name("gateway")
                .signals(false)
                .build(DefaultRuntime);
            // Nobody listens when `run` was dropped.
            let _unheard = tell.send(system.block_on(self.serve(stopping)));
        });
        thread.map_err(GatewayError::Server)?;
        tokio::select! {
            result = &mut ended => return result.unwrap_or(Err(GatewayError::Ended)),
            () = shutdown => {}
        }
        // The thread may have ended just now: its result says so.
        let _gone = stop.send(true);
        ended.await.unwrap_or(Err(GatewayError::Ended))
    }

    async fn serve(self, mut stopping: watch::Receiver<bool>) -> Result<(), GatewayError> {
        let mut tasks = BackgroundTasksManager::new();
        let router = Router::start(&self.settings, self.federation.clone(), &mut tasks).await?;
        let (sockets, requests) = (watch::Sender::new(0), watch::Sender::new(0));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let edge = Arc::new(Edge {
            engines: Engines::default(),
            shapes: Shapes::of_supergraph(&self.settings.supergraph)?,
            tokens: self.settings.tokens,
            access: self.settings.access,
            bounds: Bounds::new(self.settings.limits, &clock),
            clock,
            trusted_proxies: self.settings.trusted_proxies.into(),
            origins: self.settings.origins,
            draining: stopping.clone(),
            sockets: sockets.clone(),
            runtime: self.federation.runtime().clone(),
            groups: Default::default(),
        });
        let factory = {
            let (router, edge, requests) = (router.clone(), edge.clone(), requests.clone());
            let routes = self.settings.routes;
            async move || {
                let engine = router.engine().await;
                edge.engines.serve(engine.clone());
                let worker = Worker {
                    engine,
                    trusted_proxies: edge.trusted_proxies.clone(),
                    tokens: edge.tokens.clone(),
                    draining: edge.draining.clone(),
                    requests: requests.clone(),
                    runtime: edge.runtime.clone(),
                    edge: edge.clone(),
                };
                web::App::new()
                    .state(worker)
                    .service(web::resource("/graphql").to(http::graphql))
                    .service(web::resource("/graphql/ws").to(http::upgrade))
                    .configure(|config| pages::configure(config, &routes))
                    .default_service(web::to(pages::not_found))
            }
        };
        let config = HttpServiceConfig::new()
            .set_keepalive(KEEP_ALIVE)
            .set_client_timeout(HEAD_DEADLINE);
        let config: SharedCfg = SharedCfg::new("GATEWAY").add(config).into();
        let mut server = ntex::server::build()
            .disable_signals()
            .shutdown_timeout(GOODBYE)
            .on_accept(async move |_, stream| edge::take(&edge, stream).await);
        if let Some(workers) = self.settings.workers {
            server = server.workers(workers.get());
        }
        let serve = async move |settings: ntex::server::Config| {
            settings.config(config.clone());
            HttpService::new(factory().await)
        };
        let server = server.listen("gateway", self.listener, serve);
        let mut server = server.map_err(GatewayError::Server)?.run();
        tracing::info!(address = %self.address, "the gateway listens");
        let control = server.clone();
        let result = tokio::select! {
            // The sender is gone when `run` was dropped: that is a stop as well.
            _ = stopping.wait_for(|stopping| *stopping) => {
                control.pause().await;
                // The server itself waits for its connections only until there was once none.
                if timeout(LAST_ANSWERS, join(none(&sockets), none(&requests))).await.is_err() {
                    let (sockets, requests) = (*sockets.borrow(), *requests.borrow());
                    tracing::warn!(sockets, requests, "not everything was answered in time");
                }
                control.stop(true).await;
                Ok(())
            }
            result = &mut server => result.map_err(GatewayError::Server),
        };
        tasks.graceful_shutdown().await;
        router.stop().await;
        tracing::info!("the gateway stopped");
        result
    }
}
