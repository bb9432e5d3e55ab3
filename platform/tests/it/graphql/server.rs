//! A tiny subgraph on a port of its own.

use async_graphql::{Context, EmptyMutation, Object, Result, Schema, Subscription};
use commons_platform::{ApiError, Cx, auth::Actor, cx::Service, graphql::Subgraph, task};
use commons_testing::{Identity, World};
use futures_util::{Stream, stream};
use std::{net::SocketAddr, sync::Arc};
use tokio::task::JoinHandle;

/// A running server; it ends with the test's runtime.
pub(super) struct Server {
    pub(super) world: World,
    pub(super) address: SocketAddr,
    pub(super) running: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start() -> Self {
        let world = World::new().await;
        let subgraph = Subgraph::new("tiny", world.platform.clone(), schema(), Arc::new(Tiny));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = subgraph
            .router()
            .into_make_service_with_connect_info::<SocketAddr>();
        let running = task::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self {
            world,
            address,
            running,
        }
    }

    /// What calls must show.
    pub(super) fn token(&self) -> String {
        self.world.platform.secret.internal_token()
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) async fn person(&self) -> Identity {
        self.world.person("ada").await
    }
}

struct Tiny;

impl Service for Tiny {
    type Loads = ();
    fn loads(&self, _: &Actor) {}
}

fn schema() -> Schema<Query, EmptyMutation, Live> {
    Schema::new(Query, EmptyMutation, Live)
}

struct Query;

#[Object(name = "Query")]
impl Query {
    async fn echo(&self, text: String) -> String {
        text
    }

    async fn list(&self, of: Vec<i32>) -> usize {
        of.len()
    }

    async fn me(&self, context: &Context<'_>) -> Result<String> {
        let cx = context.data_unchecked::<Arc<Cx<Tiny>>>();
        let user: uuid::Uuid = cx.actor.user()?;
        Ok(user.to_string())
    }

    async fn origin(&self, context: &Context<'_>) -> String {
        let origin = &context.data_unchecked::<Arc<Cx<Tiny>>>().origin;
        let device = origin.device.as_deref().unwrap_or("none");
        format!("{} {} {device}", origin.address, origin.request_id)
    }

    async fn broken(&self) -> Result<String> {
        Err(ApiError::internal(std::io::Error::other("a secret of the inside")).into())
    }

    async fn never(&self) -> bool {
        std::future::pending().await
    }

    async fn panics(&self) -> Result<String> {
        panic!("a defect");
    }
}

struct Live;

#[Subscription(name = "Subscription")]
impl Live {
    /// Counts to `to`.
    async fn count(&self, to: i32) -> impl Stream<Item = i32> {
        stream::iter(1..=to)
    }

    /// Says nothing and never ends.
    async fn silence(&self) -> impl Stream<Item = i32> {
        stream::pending()
    }
}
