//! What the gateway is given: where to listen, which subgraphs there are, which extra routes to serve.

use bytes::Bytes;
use commons_platform::{
    ApiError,
    graphql::{Call, Subgraph},
};
use futures_util::future::BoxFuture;
use std::{
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
    /// What makes the identity of a connection outlive the token it was opened with; without it, the
    /// token's end is the end of what a connection may ask.
    pub connect: Option<Connect>,
    /// How many sockets one address may have open; an IPv6 network of 64 bits counts as one.
    pub sockets_per_address: usize,
    /// Threads that serve connections; one for each processor when none.
    pub workers: Option<NonZeroUsize>,
}

impl Settings {
    /// Settings with the committed supergraph, open introspection and nothing extra.
    pub fn new(listen: SocketAddr, upstreams: Vec<Upstream>) -> Self {
        Self {
            listen,
            supergraph: SUPERGRAPH.to_owned(),
            upstreams,
            trusted_proxies: Vec::new(),
            introspection: true,
            routes: Vec::new(),
            connect: None,
            sockets_per_address: 256,
            workers: None,
        }
    }
}

/// Answers a request body in process: GraphQL JSON in, GraphQL JSON out.
pub(crate) type Answer = Arc<dyn Fn(Bytes, Call) -> BoxFuture<'static, Bytes> + Send + Sync>;

/// One subgraph as the gateway reaches it.
#[derive(Clone)]
pub struct Upstream {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) answer: Answer,
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

    /// A subgraph of this process that is a function.
    pub fn answering(
        name: impl Into<String>,
        address: SocketAddr,
        answer: impl Fn(Bytes, Call) -> BoxFuture<'static, Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            url: format!("http://{address}/graphql"),
            answer: Arc::new(answer),
        }
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

/// Checks the `authorization` that a connection is opened with, and gives the one it goes on with.
#[derive(Clone)]
pub struct Connect(Arc<Check>);

type Check = dyn Fn(&str) -> Result<String, ApiError> + Send + Sync;

impl Connect {
    /// A check that runs on the gateway's own threads: it must not wait for anything.
    pub fn new(check: impl Fn(&str) -> Result<String, ApiError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(check))
    }

    pub(crate) fn check(&self, authorization: &str) -> Result<String, ApiError> {
        (self.0)(authorization)
    }
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect").finish_non_exhaustive()
    }
}

/// A further path that the gateway answers, such as `/metrics`.
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

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
