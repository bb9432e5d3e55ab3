//! Somebody in a guild.

use super::{Guild, Role, UserRef};
use crate::{graphql::cx, service};
use async_graphql::{Context, Object, Result};
use chrono::{DateTime, Utc};
use commons_access::Permission;

/// Somebody in a guild.
pub struct GuildMember(pub service::Member);

/// Somebody in a guild.
#[Object]
impl GuildMember {
    /// The guild.
    #[graphql(tag = "live")]
    async fn guild(&self, context: &Context<'_>) -> Result<Option<Guild>> {
        Ok(service::guild(cx(context), self.0.row.guild_id).await?.map(Guild))
    }

    /// The person.
    #[graphql(tag = "live")]
    async fn user(&self) -> Option<UserRef> {
        Some(self.0.row.user_id.into())
    }

    /// What this guild calls them.
    #[graphql(tag = "live")]
    async fn nickname(&self) -> Option<&str> {
        self.0.row.nickname.as_deref()
    }

    /// The roles they hold besides `@everyone`, highest first.
    #[graphql(tag = "live")]
    async fn roles(&self, context: &Context<'_>) -> Result<Vec<Role>> {
        let standing = service::standing_of(cx(context), self.0.row.guild_id, self.0.row.user_id).await?;
        Ok(standing
            .map(|(_, roles)| roles.into_iter().map(Role).collect())
            .unwrap_or_default())
    }

    /// When they joined.
    #[graphql(tag = "live")]
    async fn joined_at(&self) -> DateTime<Utc> {
        self.0.row.joined_at
    }

    /// Until then they may only view and read history.
    #[graphql(tag = "live")]
    async fn timed_out_until(&self) -> Option<DateTime<Utc>> {
        self.0.row.timed_out_until
    }

    /// What they may do in the guild as a whole.
    #[graphql(tag = "live")]
    async fn permissions(&self, context: &Context<'_>) -> Result<Vec<Permission>> {
        let standing = service::standing_of(cx(context), self.0.row.guild_id, self.0.row.user_id).await?;
        Ok(standing
            .map(|(standing, _)| standing.permissions().list())
            .unwrap_or_default())
    }
}
