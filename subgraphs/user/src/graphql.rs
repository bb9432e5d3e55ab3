//! The GraphQL face of the user domain: parse → service → wrap. No query and no rule is here.

mod entity;
mod mutation;
mod query;
pub mod types;

pub use mutation::Mutation;
pub use query::Query;

use crate::service::Cx;
use async_graphql::Context;

/// The request's context.
fn cx<'c>(context: &Context<'c>) -> &'c Cx {
    context.data_unchecked::<std::sync::Arc<Cx>>()
}
