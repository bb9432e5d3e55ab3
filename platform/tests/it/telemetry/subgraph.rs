//! A subgraph that asks the database, behind HTTP.

use async_graphql::{Context, EmptyMutation, Object, Result, Schema, Subscription};
use commons_platform::{
    ApiError, Cx, Platform,
    auth::Actor,
    cx::Service,
    graphql::Subgraph,
    internal::{REQUEST_ID, TOKEN},
    task,
    telemetry::TRACEPARENT,
};
use commons_testing::World;
use futures_util::{Stream, stream};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use std::{net::SocketAddr, sync::Arc};

/// The subgraph and where it listens; it ends with the test's runtime.
pub(super) struct Served {
    pub(super) subgraph: Subgraph,
    world: World,
    address: SocketAddr,
}

impl Served {
    pub(super) async fn start(name: &'static str) -> Self {
        let world = World::new().await;
        let asking = Arc::new(Asking(world.platform.clone()));
        let schema = Schema::new(Query, EmptyMutation, Live);
        let subgraph = Subgraph::new(name, world.platform.clone(), schema, asking);
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = subgraph.router();
        task::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self {
            subgraph,
            world,
            address,
        }
    }

    /// What the gateway's call gives.
    pub(super) async fn ask(&self, query: &str, variables: Value, id: &str, trace: Option<&str>) -> Value {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client
            .post(format!("http://{}/graphql", self.address))
            .header(TOKEN, self.world.platform.secret.internal_token())
            .header(REQUEST_ID, id);
        if let Some(trace) = trace {
            request = request.header(TRACEPARENT, trace);
        }
        let body = json!({ "query": query, "variables": variables });
        request.json(&body).send().await.unwrap().json().await.unwrap()
    }

    /// What a stranger's scraper gets.
    pub(super) async fn metrics(&self) -> String {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.get(format!("http://{}/metrics", self.address));
        request.send().await.unwrap().text().await.unwrap()
    }
}

struct Asking(Platform);

impl Service for Asking {
    type Loads = ();
    fn loads(&self, _: &Actor) {}
}

struct Query;

#[Object(name = "Query")]
impl Query {
    /// Whether two texts that the database is given are the same.
    async fn same(&self, context: &Context<'_>, one: String, other: String) -> Result<bool> {
        let cx = context.data_unchecked::<Arc<Cx<Asking>>>();
        let db = &cx.0.db;
        let values = [one.into(), other.into()];
        let text = "SELECT CAST($1 AS text) = CAST($2 AS text) AS same";
        let statement = Statement::from_sql_and_values(db.read().get_database_backend(), text, values);
        let row = db.read().query_one_raw(statement).await.map_err(ApiError::from)?;
        let same = row.unwrap().try_get_by_index(0).map_err(ApiError::from)?;
        Ok(same)
    }

    /// Always fails inside.
    async fn broken(&self) -> Result<bool> {
        Err(ApiError::internal(std::io::Error::other("a cause")).into())
    }
}

struct Live;

#[Subscription(name = "Subscription")]
impl Live {
    /// Counts to `to`.
    async fn count(&self, to: i32) -> impl Stream<Item = i32> {
        stream::iter(1..=to)
    }
}
