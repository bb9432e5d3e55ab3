//! What other subgraphs' references resolve to: nothing that the viewer may not see.

use super::{channel::Channel, types::Message};
use crate::service::{self, Cx};
use async_graphql::{ID, Result};

/// A message by reference; hidden, deleted, unknown and malformed are all null.
pub(super) async fn message(cx: &Cx, id: &ID) -> Result<Option<Message>> {
    let Ok(id) = id.parse() else { return Ok(None) };
    Ok(service::message(cx, id).await?.map(Message))
}

/// A channel by reference; hidden, unknown and malformed are all null.
pub(super) async fn channel(cx: &Cx, id: &ID) -> Result<Option<Channel>> {
    let Ok(id) = id.parse() else { return Ok(None) };
    Ok(Channel::load(cx, id).await?)
}
