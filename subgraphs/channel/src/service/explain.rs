//! Why somebody may or may not do something in a channel.

use super::{Cx, found, read};
use crate::{Error, loaders::RoleRow};
use commons_access::{Explanation, Permission, explain_channel};
use commons_entities::{ChannelId, UserId};
use commons_platform::ApiError;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// What an explanation counts for among the items of a query: it asks the database afresh.
const COST: usize = 1000;
/// How long one waits for those before it: they take turns, so that others have connections left.
const PATIENCE: Duration = Duration::from_secs(2);

/// An explanation of every permission, and the roles that it names.
#[derive(Debug, Clone)]
pub struct Explained {
    /// One for each permission, in the order of their bits.
    pub permissions: Vec<Explanation>,
    /// The roles of the guild.
    pub roles: Arc<Vec<Arc<RoleRow>>>,
}

/// Explains what a member may do in a channel that the actor sees: the actor themself, or, with
/// MANAGE_ROLES in the guild, anybody in it. None for a hidden channel, and for who is no member; an
/// audience is told nothing.
pub async fn explain(cx: &Cx, channel: ChannelId, user: UserId) -> Result<Option<Explained>, Error> {
    let Some(channel) = read::channel(cx, channel).await? else {
        return Ok(None);
    };
    let Some(viewer) = channel.standing.user() else {
        return Ok(None);
    };
    let guild = channel.row.guild_id;
    if viewer != user {
        let own = found(read::guild(cx, guild).await?)?;
        own.standing.require(Permission::ManageRoles)?;
    }
    cx.spend(COST)?;
    let turn = timeout(PATIENCE, cx.explaining.acquire()).await;
    let _turn = turn
        .map_err(|_| ApiError::overloaded())?
        .map_err(ApiError::internal)?;
    // All rows are of one moment, or the explanation could contradict itself.
    let snapshot = cx.platform.db.snapshot().await?;
    let now = cx.platform.clock.now();
    let permissions = explain_channel(&snapshot, channel.row.id, user, now).await?;
    snapshot.rollback().await?;
    let Some(permissions) = permissions else {
        return Ok(None);
    };
    let roles = read::roles_of(cx, guild).await?;
    Ok(Some(Explained { permissions, roles }))
}
