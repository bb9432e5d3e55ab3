//! The root types of this subgraph put together.

use crate::{
    graphql::{Mutation, Query, types},
    service::UserService,
};
use async_graphql::{EmptySubscription, Schema, SchemaBuilder};
use commons_platform::graphql::Subgraph;
use std::sync::Arc;

/// The name of this subgraph in the supergraph.
pub const NAME: &str = "user";

/// The subgraph over a running service.
pub fn subgraph(service: Arc<UserService>) -> Subgraph {
    let platform = service.platform.clone();
    Subgraph::new(NAME, platform, builder().finish(), service)
}

/// The federation SDL, as committed in `schema/user.graphql`.
pub fn sdl() -> String {
    commons_platform::graphql::sdl(&builder().finish())
}

fn builder() -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    Schema::build(Query, Mutation, EmptySubscription)
        .enable_federation()
        .register_output_type::<types::Node>()
}
