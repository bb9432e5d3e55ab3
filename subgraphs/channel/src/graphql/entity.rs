//! What other subgraphs' references resolve to: null for an id that is none and for what the viewer
//! may not see, never an error.

use super::types::{Channel, Guild, Invite, Role};
use crate::service::{self, Cx};
use async_graphql::{ID, Result};

/// A guild by reference.
pub(super) async fn guild(cx: &Cx, id: &ID) -> Result<Option<Guild>> {
    let Ok(id) = id.parse() else { return Ok(None) };
    Ok(service::guild(cx, id).await?.map(Guild))
}

/// A channel by reference.
pub(super) async fn channel(cx: &Cx, id: &ID) -> Result<Option<Channel>> {
    let Ok(id) = id.parse() else { return Ok(None) };
    Ok(service::channel(cx, id).await?.map(Channel))
}

/// A role by reference.
pub(super) async fn role(cx: &Cx, id: &ID) -> Result<Option<Role>> {
    let Ok(id) = id.parse() else { return Ok(None) };
    Ok(service::role(cx, id).await?.map(Role))
}

/// An invite by reference.
pub(super) async fn invite(cx: &Cx, id: &ID) -> Result<Option<Invite>> {
    let Ok(id) = id.parse() else { return Ok(None) };
    Ok(service::invite(cx, id).await?.map(Invite))
}
