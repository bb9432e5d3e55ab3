//! The GraphQL face of the channel domain: parse → service → wrap. No query and no rule is here.

mod entity;
mod mutation;
mod query;
mod subscription;
pub mod types;

pub use mutation::Mutation;
pub use query::Query;
pub use subscription::Subscription;

use crate::service::Cx;
use async_graphql::{Context, MaybeUndefined};
use std::sync::Arc;

/// The request's context.
fn cx<'c>(context: &Context<'c>) -> &'c Arc<Cx> {
    context.data_unchecked::<Arc<Cx>>()
}

/// Absent stays, null clears, a value sets.
fn given<T>(value: MaybeUndefined<T>) -> Option<Option<T>> {
    match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}
