//! A running gateway with its subgraphs, and two people with tokens.

use crate::{client::Socket, subgraphs};
use commons_gateway::{Gateway, GatewayError, Route, RouteFailed, Settings, Upstream};
use commons_platform::{
    Platform,
    auth::{KeySet, SigningKey},
    config::Config,
    graphql::Subgraph,
};
use serde_json::{Value, json};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
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
        let data = TempDir::new().unwrap();
        let platform = platform(&data).await;
        let state = Arc::new(subgraphs::State::default());
        let mut upstreams = Vec::new();
        for subgraph in [
            subgraphs::user(platform.clone(), state.clone()),
            subgraphs::message(platform.clone(), state.clone()),
        ] {
            let address = serve(&subgraph).await;
            upstreams.push(Upstream::local(subgraph, address));
        }
        let mut settings = Settings::new((Ipv4Addr::LOCALHOST, 0).into(), upstreams);
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
    let config = Config::from_toml(&format!("data_dir = {:?}", data.path())).unwrap();
    let platform = Platform::start(config).await.unwrap();
    platform
        .tokens
        .set_keys(KeySet::new(&SigningKey::generate(), &[]).unwrap());
    platform
}

/// Serves a subgraph where subscriptions find it.
async fn serve(subgraph: &Subgraph) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = subgraph
        .router()
        .into_make_service_with_connect_info::<SocketAddr>();
    commons_platform::task::spawn(async move { axum::serve(listener, service).await.unwrap() });
    address
}
