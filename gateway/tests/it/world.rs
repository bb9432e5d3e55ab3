//! A running gateway with its subgraphs, and two people with tokens.

use crate::{client::Socket, service::Service, subgraphs};
use commons_gateway::{Gateway, GatewayError, Route, RouteFailed, Settings, Upstream};
use commons_platform::{
    Platform,
    auth::{KeySet, SigningKey, Tokens},
    clock::{Clock, ManualClock, SystemClock},
    config::Config,
    db::Db,
    internal::InternalToken,
    secret::Secret,
};
use reqwest::Response;
use serde_json::{Value, json};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};
use uuid::Uuid;

pub(crate) const SUPERGRAPH: &str = include_str!("schema/supergraph.graphql");

/// A gateway at work.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) state: Arc<subgraphs::State>,
    /// `authorization` of users 1 and 2.
    pub(crate) alice: String,
    pub(crate) bob: String,
    pub(crate) http: reqwest::Client,
    /// What the gateway knows of tokens; in process it is what the subgraphs know.
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) platform: Platform,
    pub(crate) clock: Arc<ManualClock>,
    /// `user` and `message`, as far as they are served.
    pub(crate) services: [Service; 2],
    stop: oneshot::Sender<()>,
    done: JoinHandle<Result<(), GatewayError>>,
    _data: TempDir,
}

impl World {
    /// Everything up.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// Everything up, some settings changed.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::build(false, change).await
    }

    /// Everything up, the subgraphs as services of their own.
    pub(crate) async fn apart() -> Self {
        Self::build(true, |_| {}).await
    }

    /// The same, some settings changed.
    pub(crate) async fn apart_with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::build(true, change).await
    }

    async fn build(apart: bool, change: impl FnOnce(&mut Settings)) -> Self {
        let data = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::new(SystemClock::default().now()));
        let platform = platform_at(&data, clock.clone()).await;
        let state = Arc::new(subgraphs::State::default());
        let internal = InternalToken::of(&platform.secret);
        let subgraphs = [
            subgraphs::user(platform.clone(), state.clone()),
            subgraphs::message(platform.clone(), state.clone()),
        ];
        let services = subgraphs
            .clone()
            .map(|subgraph| Service::start(subgraph.router()));
        let upstreams = std::iter::zip(subgraphs, &services).map(|(subgraph, service)| {
            if apart {
                Upstream::remote(subgraph.name(), &service.url())
            } else {
                Upstream::local(subgraph, service.address)
            }
        });
        let tokens = if apart {
            let tokens = Tokens::new(&platform.config.auth, &platform.secret, clock.clone());
            tokens.set_keys(KeySet::from_jwks(&platform.tokens.jwks().unwrap()).unwrap());
            Arc::new(tokens)
        } else {
            platform.tokens.clone()
        };
        let listen = (Ipv4Addr::LOCALHOST, 0).into();
        let mut settings = Settings::new(listen, upstreams.collect(), internal);
        settings.tokens = Some(tokens.clone());
        settings.supergraph = SUPERGRAPH.to_owned();
        settings.routes = vec![
            Route::new("/ready", "text/plain", || Box::pin(async { Ok("ready".into()) })),
            Route::new("/broken", "text/plain", || Box::pin(async { Err(RouteFailed) })),
        ];
        change(&mut settings);
        let gateway = Gateway::bind(settings).unwrap();
        let address = gateway.address();
        let (stop, stopped) = oneshot::channel();
        let done = commons_platform::task::spawn(gateway.run(async {
            let _dropped = stopped.await;
        }));
        let token = |number| {
            let token = platform
                .tokens
                .issue(Uuid::from_u128(number), Uuid::from_u128(number + 1_000))
                .unwrap();
            format!("Bearer {}", token.text)
        };
        Self {
            address,
            state,
            alice: token(1),
            bob: token(2),
            http: reqwest::Client::new(),
            tokens,
            platform,
            clock,
            services,
            stop,
            done,
            _data: data,
        }
    }

    /// Asks it to stop and waits for the end.
    pub(crate) async fn stop(self) -> Result<(), GatewayError> {
        self.stop.send(()).unwrap();
        self.done.await.unwrap()
    }

    /// Asks it to stop; the end can be waited for.
    pub(crate) fn begin_to_stop(self) -> JoinHandle<Result<(), GatewayError>> {
        self.stop.send(()).unwrap();
        self.done
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The whole answer to a query of nobody.
    pub(crate) async fn ask(&self, query: &str) -> Value {
        self.ask_as(None, query).await
    }

    /// The whole answer to a query.
    pub(crate) async fn ask_as(&self, authorization: Option<&str>, query: &str) -> Value {
        let mut request = self
            .http
            .post(self.url("/graphql"))
            .json(&json!({ "query": query }));
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        request.send().await.unwrap().json().await.unwrap()
    }

    /// The answer to who takes server-sent events alone.
    pub(crate) async fn events(&self, authorization: Option<&str>, query: &str) -> Response {
        let mut request = self
            .http
            .post(self.url("/graphql"))
            .header("accept", "text/event-stream")
            .json(&json!({ "query": query }));
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        request.send().await.unwrap()
    }

    /// A socket past `connection_init`.
    pub(crate) async fn socket(&self, authorization: Option<&str>) -> Socket {
        let mut socket = Socket::open(self.address, None).await;
        socket
            .init(authorization.map(|value| json!({ "authorization": value })))
            .await;
        socket
    }
}

pub(crate) async fn platform(data: &TempDir) -> Platform {
    platform_at(data, Arc::new(SystemClock::default())).await
}

async fn platform_at(data: &TempDir, clock: Arc<dyn Clock>) -> Platform {
    let config = Config::from_toml(&format!("data_dir = {:?}", data.path())).unwrap();
    let db = Db::connect(&config.database).await.unwrap();
    let secret = Secret::new("a secret of the test world");
    let platform = Platform::assemble(config, db, secret, clock);
    platform
        .tokens
        .set_keys(KeySet::new(&SigningKey::generate(), &[]).unwrap());
    platform
}
