//! The GraphQL face of the message domain: parse → service → wrap. No query and no rule is here.

pub mod channel;
mod entity;
pub mod event;
mod mutation;
pub mod payload;
mod query;
mod subscription;
pub mod types;

pub use mutation::Mutation;
pub use query::Query;
pub use subscription::{Subscription, TypingEvent};

use crate::service::Cx;
use async_graphql::Context;
use std::sync::Arc;

/// The request's context.
fn cx<'c>(context: &Context<'c>) -> &'c Arc<Cx> {
    context.data_unchecked::<Arc<Cx>>()
}
