//! Invites, as who manages them and as who holds a code sees them.

use super::{Channel, Guild, UserRef};
use crate::{graphql::cx, service};
use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, Utc};
use commons_entities::{UserId, channel::invite};

/// A way into a guild, seen by who made it and who manages the guild.
pub struct Invite(pub invite::Model);

/// A way into a guild, seen by who made it and who manages the guild.
#[Object]
impl Invite {
    /// The id, such as `invite_01h455vb4pex5vsknk084sn02q`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What is passed on, 10 letters and digits. Whoever has it may join.
    async fn code(&self) -> &str {
        &self.0.code
    }

    /// The guild it leads to.
    async fn guild(&self, context: &Context<'_>) -> Result<Option<Guild>> {
        Ok(service::guild(cx(context), self.0.guild_id).await?.map(Guild))
    }

    /// The channel that opens first; null also when the viewer may not see it.
    async fn channel(&self, context: &Context<'_>) -> Result<Option<Channel>> {
        let channel = service::channel_if_visible(cx(context), self.0.channel_id).await?;
        Ok(channel.map(Channel))
    }

    /// Who made it; null when that account is erased.
    async fn creator(&self) -> Option<UserRef> {
        user(self.0.creator_id)
    }

    /// How often it works; null is without end.
    async fn max_uses(&self) -> Option<i32> {
        self.0.max_uses
    }

    /// How often it was used.
    async fn uses(&self) -> i32 {
        self.0.uses
    }

    /// When it stops working; null is never.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.0.expires_at
    }

    /// When it was taken back.
    async fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.0.revoked_at
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

fn user(id: UserId) -> Option<UserRef> {
    (!id.0.is_nil()).then(|| id.into())
}

/// What who has a code may know before they join.
pub struct InvitePreview(pub service::Preview);

/// What who has a code may know before they join.
#[Object]
impl InvitePreview {
    /// What the guild is called.
    async fn guild_name(&self) -> &str {
        &self.0.guild.name
    }

    /// A few words about the guild.
    async fn guild_description(&self) -> Option<&str> {
        self.0.guild.description.as_deref()
    }

    /// An `https` address of the guild's picture.
    async fn guild_icon_url(&self) -> Option<&str> {
        self.0.guild.icon_url.as_deref()
    }

    /// How many members the guild has.
    async fn member_count(&self, context: &Context<'_>) -> Result<i32> {
        let count = service::member_count(cx(context), self.0.guild.id).await?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }

    /// Who invites; null when that account is erased.
    async fn inviter(&self) -> Option<UserRef> {
        user(self.0.invite.creator_id)
    }

    /// When the invite stops working; null is never.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.0.invite.expires_at
    }
}
