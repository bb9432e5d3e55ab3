//! A channel as who may view it sees it.

use super::{Guild, Role, UserRef};
use crate::{graphql::cx, loaders::RoleRow, service};
use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject, Union};
use chrono::{DateTime, Utc};
use commons_access::{Permission, Permissions};
use commons_entities::{
    RoleId, UserId,
    channel::{ChannelKind as Kind, OverwriteTarget as TargetKind},
};
use std::sync::Arc;

/// What a channel is for.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "Kind")]
pub enum ChannelKind {
    /// Messages.
    Text,
    /// Messages that are meant to be followed.
    Announcement,
    /// A heading over other channels; holds no messages.
    Category,
}

/// A place in a guild. It exists only for who has VIEW_CHANNEL in it.
pub struct Channel(pub service::Channel);

/// A place in a guild. It exists only for who has VIEW_CHANNEL in it.
#[Object]
impl Channel {
    /// The id, such as `channel_01h455vb4pex5vsknk084sn02q`.
    #[graphql(tag = "live")]
    pub async fn id(&self) -> ID {
        self.0.row.id.to_string().into()
    }

    /// The guild it is in.
    #[graphql(tag = "live")]
    async fn guild(&self, context: &Context<'_>) -> Result<Option<Guild>> {
        Ok(service::guild(cx(context), self.0.row.guild_id).await?.map(Guild))
    }

    /// What it is for.
    #[graphql(tag = "live")]
    async fn kind(&self) -> ChannelKind {
        self.0.row.kind.into()
    }

    /// What it is called, 1 to 100 characters.
    #[graphql(tag = "live")]
    async fn name(&self) -> &str {
        &self.0.row.name
    }

    /// What is talked about in it, at most 1,024 characters.
    #[graphql(tag = "live")]
    async fn topic(&self) -> Option<&str> {
        self.0.row.topic.as_deref()
    }

    /// Lower stands higher in the list. There may be gaps.
    #[graphql(tag = "live")]
    async fn position(&self) -> i32 {
        self.0.row.position
    }

    /// The category it stands under; null also when the viewer may not see that.
    async fn parent(&self, context: &Context<'_>) -> Result<Option<Self>> {
        let parent = service::channel_if_visible(cx(context), self.0.row.parent_id).await?;
        Ok(parent.map(Self))
    }

    /// Not for everybody's eyes.
    #[graphql(tag = "live")]
    async fn nsfw(&self) -> bool {
        self.0.row.nsfw
    }

    /// Seconds between two messages of one member; 0 is no limit.
    #[graphql(tag = "live")]
    async fn slowmode_seconds(&self) -> i32 {
        self.0.row.slowmode_seconds
    }

    /// Since then nothing is sent here.
    #[graphql(tag = "live")]
    async fn archived_at(&self) -> Option<DateTime<Utc>> {
        self.0.row.archived_at
    }

    /// When it was made.
    #[graphql(tag = "live")]
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.row.created_at
    }

    /// What it allows and denies roles and members, beyond what they have in the guild.
    #[graphql(tag = "live")]
    async fn overwrites(&self, context: &Context<'_>) -> Result<Vec<PermissionOverwrite>> {
        let rows = service::overwrites(cx(context), self.0.row.id).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let roles = service::roles_of(cx(context), self.0.row.guild_id).await?;
        let role = |id: RoleId| roles.iter().find(|role: &&Arc<RoleRow>| role.id == id).cloned();
        let shown = rows.iter().map(|row| PermissionOverwrite {
            target: match row.target_kind {
                TargetKind::Role => role(RoleId(row.target_id)).map(|role| OverwriteTarget::Role(Role(role))),
                TargetKind::Member => Some(OverwriteTarget::User(UserId(row.target_id).into())),
            },
            allow: Permissions::from_row(row.allow).list(),
            deny: Permissions::from_row(row.deny).list(),
        });
        Ok(shown.collect())
    }

    /// What the viewer may do here.
    async fn viewer_permissions(&self) -> Vec<Permission> {
        let standing = &self.0.standing;
        // An audience is no viewer.
        standing
            .user()
            .map_or_else(Vec::new, |_| standing.permissions().list())
    }
}

/// Whom an overwrite is for.
#[derive(Union)]
pub enum OverwriteTarget {
    /// All who hold a role.
    Role(Role),
    /// One member.
    User(UserRef),
}

/// What a channel allows and denies a role or a member.
#[derive(SimpleObject)]
pub struct PermissionOverwrite {
    /// For whom: a role or a member.
    #[graphql(tag = "live")]
    target: Option<OverwriteTarget>,
    /// What they gain.
    #[graphql(tag = "live")]
    allow: Vec<Permission>,
    /// What they lose.
    #[graphql(tag = "live")]
    deny: Vec<Permission>,
}
