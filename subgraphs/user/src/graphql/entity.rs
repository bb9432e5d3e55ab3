//! What other subgraphs' references resolve to.

use super::types::User;
use crate::service::{self, Cx};
use async_graphql::{ID, Result};
use commons_entities::UserId;

/// An account by reference, seen by anybody who is signed in, as everywhere else, and by an audience. An
/// id that is none resolves to null, never to an error: one error would null all other references of the
/// request.
pub(super) async fn user(cx: &Cx, id: &ID) -> Result<Option<User>> {
    let Ok(id) = id.parse::<UserId>() else {
        return Ok(None);
    };
    Ok(service::referred(cx, id).await?.map(User))
}
