//! The root types of this subgraph put together.

use crate::{
    graphql::{Mutation, Query, Subscription, event, types},
    service::MessageService,
};
use async_graphql::{Schema, SchemaBuilder};
use commons_platform::graphql::Subgraph;
use std::sync::Arc;

/// The name of this subgraph in the supergraph.
pub const NAME: &str = "message";

/// The subgraph over a running service.
pub fn subgraph(service: Arc<MessageService>) -> Subgraph {
    let platform = service.platform.clone();
    Subgraph::new(NAME, platform, builder().finish(), service)
}

/// The federation SDL, as committed in `schema/message.graphql`.
pub fn sdl() -> String {
    commons_platform::graphql::sdl(&builder().finish())
}

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query, Mutation, Subscription)
        .enable_federation()
        .enable_subscription_in_federation()
        .register_output_type::<types::Node>()
        .register_output_type::<event::MessageEvent>()
}
