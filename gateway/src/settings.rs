//! What the gateway is given: where to listen, which subgraphs there are, which extra routes to serve.

use crate::{
    GatewayError,
    edge::{Limits, Origins},
    node,
    remote::Remote,
};
use bytes::Bytes;
use commons_access::Access;
use commons_platform::{
    auth::Tokens,
    config::Config,
    graphql::{Call, Subgraph},
    internal::InternalToken,
};
use futures_util::future::BoxFuture;
use std::{
    collections::HashMap,
    fmt,
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    sync::Arc,
};

/// The committed supergraph, made by `schema/compose.mjs`.
pub const SUPERGRAPH: &str = include_str!("../../schema/supergraph.graphql");

/// Everything a gateway needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where clients connect; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The supergraph SDL; [`SUPERGRAPH`] outside tests.
    pub supergraph: String,
    /// Every subgraph that the supergraph names but `node`, which the gateway brings along.
    pub upstreams: Vec<Upstream>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether clients may read the schema.
    pub introspection: bool,
    /// Further paths to answer with GET.
    pub routes: Vec<Route>,
    /// What subgraphs are shown, which refuse everybody else.
    pub internal: InternalToken,
    /// What makes a connection live as long as its session instead of the token it was opened with;
    /// without it, the token's end is the end of what a connection may ask.
    pub tokens: Option<Arc<Tokens>>,
    /// Who may view what: clients of one stream then share what feeds them.
    pub access: Option<Arc<dyn Access>>,
    /// Pages that may open sockets.
    pub origins: Origins,
    /// How much one client may have.
    pub limits: Limits,
    /// Threads that serve connections; one for each processor when none.
    pub workers: Option<NonZeroUsize>,
}

impl Settings {
    /// Settings with the committed supergraph, open introspection and nothing extra.
    pub fn new(listen: SocketAddr, upstreams: Vec<Upstream>, internal: InternalToken) -> Self {
        Self {
            listen,
            supergraph: SUPERGRAPH.to_owned(),
            upstreams,
            trusted_proxies: Vec::new(),
            introspection: true,
            routes: Vec::new(),
            internal,
            tokens: None,
            access: None,
            origins: Origins::default(),
            limits: Limits::default(),
            workers: None,
        }
    }

    /// Settings as an instance has them: what the configuration says, `/health`, `/ready` and the public
    /// keys. `ready` says whether all that is needed answers.
    pub fn of(
        config: &Config,
        upstreams: Vec<Upstream>,
        internal: InternalToken,
        tokens: Arc<Tokens>,
        access: Arc<dyn Access>,
        ready: impl Fn() -> BoxFuture<'static, bool> + Send + Sync + 'static,
    ) -> Self {
        Self {
            trusted_proxies: config.gateway.trusted_proxies.clone(),
            introspection: config.introspection_is_open(),
            routes: routes(tokens.clone(), ready),
            tokens: Some(tokens),
            access: Some(access),
            origins: Origins::new(&config.gateway.allowed_origins, !config.is_production()),
            limits: Limits {
                sockets_per_address: config.limits.sockets_per_address,
                sockets_per_user: config.limits.sockets_per_user,
                subscriptions_per_address: config.limits.subscriptions_per_address,
                subscriptions_per_user: config.limits.subscriptions_per_user,
                operations_per_address: config.limits.operations_per_address,
                operations_per_user: config.limits.operations_per_user,
            },
            ..Self::new(config.gateway.listen, upstreams, internal)
        }
    }

    /// Adds the `node` subgraph; gives how each subgraph is asked.
    ///
    /// # Errors
    /// When the address of one is no address.
    pub(crate) fn complete(&mut self) -> Result<Answers, GatewayError> {
        let internal = &self.internal;
        let ask = |upstream: &Upstream| Ok((upstream.name.clone(), upstream.answer(internal)?));
        let owners: Answers = self
            .upstreams
            .iter()
            .map(ask)
            .collect::<Result<_, GatewayError>>()?;
        let node = node::upstream(owners.clone());
        let mut answers = owners;
        answers.insert(node.name.clone(), node.answer(internal)?);
        self.upstreams.push(node);
        Ok(answers)
    }
}

/// Answers a request body: GraphQL JSON in, GraphQL JSON out.
pub(crate) type Answer = Arc<dyn Fn(Bytes, Call) -> BoxFuture<'static, Bytes> + Send + Sync>;

/// How subgraphs are asked, by name.
pub(crate) type Answers = HashMap<String, Answer>;

/// One subgraph as the gateway reaches it.
#[derive(Clone)]
pub struct Upstream {
    pub(crate) name: String,
    /// Where its `/graphql` is.
    pub(crate) url: String,
    /// What answers in process; without it, what is at `url`.
    local: Option<Answer>,
}

impl Upstream {
    /// A subgraph of this process. Queries and mutations are calls; subscriptions, and the entities of
    /// their events, go to `address`, where its [`Subgraph::router`] must be served.
    pub fn local(subgraph: Subgraph, address: SocketAddr) -> Self {
        let name = subgraph.name();
        Self::answering(name, address, move |body, call| {
            let subgraph = subgraph.clone();
            Box::pin(async move { subgraph.answer(&body, call).await })
        })
    }

    /// A subgraph that is a process of its own: `url` is where it is served, `http://host:port`.
    ///
    /// While it does not answer, its fields are `UNAVAILABLE`; nothing else is needed for its return.
    pub fn remote(name: impl Into<String>, url: &str) -> Self {
        Self {
            name: name.into(),
            url: format!("{}/graphql", url.trim_end_matches('/')),
            local: None,
        }
    }

    /// A subgraph of this process that is a function.
    pub fn answering(
        name: impl Into<String>,
        address: SocketAddr,
        answer: impl Fn(Bytes, Call) -> BoxFuture<'static, Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            url: format!("http://{address}/graphql"),
            local: Some(Arc::new(answer)),
        }
    }

    /// How it is asked.
    ///
    /// # Errors
    /// When its address is not of the form that [`Upstream::remote`] wants.
    pub(crate) fn answer(&self, internal: &InternalToken) -> Result<Answer, GatewayError> {
        if let Some(local) = &self.local {
            return Ok(local.clone());
        }
        let remote = Arc::new(Remote::new(&self.name, &self.url, internal)?);
        Ok(Arc::new(move |body, call| {
            let remote = remote.clone();
            Box::pin(async move { remote.answer(body, call).await })
        }))
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("name", &self.name)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// A further path that the gateway answers, such as `/health`.
#[derive(Clone)]
pub struct Route {
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) handler: Handler,
}

type Handler = Arc<dyn Fn() -> BoxFuture<'static, Result<Bytes, RouteFailed>> + Send + Sync>;

/// The handler has no answer now: the client gets 503.
#[derive(Debug, Clone, Copy)]
pub struct RouteFailed;

impl Route {
    /// Answers `GET path` with what `handler` gives; it runs on the caller's runtime.
    pub fn new(
        path: &'static str,
        content_type: &'static str,
        handler: impl Fn() -> BoxFuture<'static, Result<Bytes, RouteFailed>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            path,
            content_type,
            handler: Arc::new(handler),
        }
    }
}

/// What every instance answers beside GraphQL.
fn routes(
    tokens: Arc<Tokens>,
    ready: impl Fn() -> BoxFuture<'static, bool> + Send + Sync + 'static,
) -> Vec<Route> {
    vec![
        Route::new("/health", "text/plain", || {
            Box::pin(async { Ok(Bytes::from_static(b"ok")) })
        }),
        Route::new("/ready", "text/plain", move || {
            let ready = ready();
            Box::pin(async move {
                ready
                    .await
                    .then(|| Bytes::from_static(b"ready"))
                    .ok_or(RouteFailed)
            })
        }),
        Route::new("/.well-known/jwks.json", "application/json", move || {
            let keys = tokens.jwks();
            Box::pin(async move { keys.map(Bytes::from).ok_or(RouteFailed) })
        }),
    ]
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
