//! The gateway as a process of its own: settings in, services over the network, no database.
//!
//! What it knows it is told: the signing keys by the user service, revoked sessions by the channel
//! service, everything else by the services it asks for each request. While nobody tells it of revoked
//! sessions it is not ready; the services themselves hold back what a stream would give.

use crate::{Admin, Gateway, GatewayError, Settings, Upstream};
use commons_access::{Access, RemoteAccess};
use commons_platform::{
    auth::{Tokens, follow_jwks},
    clock::SystemClock,
    config::Config,
    create_private,
    internal::InternalToken,
    secret::Secret,
    task::Guard,
};
use futures_util::{FutureExt, future::join_all};
use reqwest::{Client, redirect};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// How long a service may take to say that it is ready.
const READY: Duration = Duration::from_secs(2);
/// How long that is believed: anybody may ask the gateway.
const BELIEVED: Duration = Duration::from_secs(1);

/// A gateway over the network that has its addresses and does not answer yet.
#[derive(Debug)]
pub struct Standalone {
    gateway: Gateway,
    admin: Admin,
    _keys: Guard,
    _access: Arc<RemoteAccess>,
}

impl Standalone {
    /// Takes the addresses and begins to follow the services, which need not be there yet.
    ///
    /// # Errors
    /// When the secret, an address or a service's URL is not usable.
    pub async fn start(config: &Config) -> Result<Self, GatewayError> {
        create_private(&config.data_dir).map_err(GatewayError::Secret)?;
        let secret = Secret::load(config).map_err(GatewayError::Secret)?;
        let internal = InternalToken::of(&secret);
        let tokens = Arc::new(Tokens::new(
            &config.auth,
            &secret,
            Arc::new(SystemClock::default()),
        ));
        let services = &config.services;
        let services = [
            ("user", services.user_url.trim_end_matches('/')),
            ("channel", services.channel_url.trim_end_matches('/')),
            ("message", services.message_url.trim_end_matches('/')),
        ];
        let upstreams = services.map(|(name, url)| Upstream::remote(name, url)).to_vec();
        let access = RemoteAccess::start(services[1].1, &internal, tokens.clone())
            .map_err(|error| GatewayError::Client(error.into()))?;
        let ready = Ready::new(tokens.clone(), access.clone(), services.map(|(_, url)| url))?;
        let keys = follow_jwks(tokens.clone(), config.services.jwks_url()).map_err(client)?;
        let ready = Arc::new(ready);
        let is_ready = move || {
            let ready = ready.clone();
            async move { ready.is().await }.boxed()
        };
        let settings = Settings::of(config, upstreams, internal, tokens, access.clone(), is_ready);
        Ok(Self {
            gateway: Gateway::bind(settings)?,
            admin: Admin::serve(&config.gateway).await?,
            _keys: keys,
            _access: access,
        })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.gateway.address()
    }

    /// Where `/metrics` is.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.address()
    }

    /// Serves until `shutdown` is ready, then answers what was accepted and ends.
    ///
    /// # Errors
    /// When the router does not start or its server fails.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), GatewayError> {
        self.gateway.run(shutdown).await
    }
}

fn client(error: reqwest::Error) -> GatewayError {
    GatewayError::Client(error.into())
}

/// Whether the gateway can answer: it knows the signing keys and hears of revoked sessions, and every
/// service is ready.
struct Ready {
    tokens: Arc<Tokens>,
    access: Arc<RemoteAccess>,
    client: Client,
    urls: Vec<String>,
    last: Mutex<Option<(Instant, bool)>>,
}

impl Ready {
    fn new(
        tokens: Arc<Tokens>,
        access: Arc<RemoteAccess>,
        services: [&str; 3],
    ) -> Result<Self, GatewayError> {
        let built = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(READY)
            .build();
        Ok(Self {
            tokens,
            access,
            client: built.map_err(client)?,
            urls: services.map(|url| format!("{url}/ready")).to_vec(),
            last: Mutex::default(),
        })
    }

    async fn is(&self) -> bool {
        // One asks the services, who comes meanwhile waits for its answer.
        let mut last = self.last.lock().await;
        match *last {
            Some((at, ready)) if at.elapsed() < BELIEVED => return ready,
            _ => {}
        }
        let services = join_all(self.urls.iter().map(|url| self.answers(url))).await;
        let told = self.tokens.has_keys() && self.access.changes().is_fresh();
        let ready = told && services.into_iter().all(|answers| answers);
        *last = Some((Instant::now(), ready));
        ready
    }

    async fn answers(&self, url: &str) -> bool {
        let answer = self.client.get(url).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }
}
