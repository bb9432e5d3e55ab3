//! The audit log, as who may view it sees it.

use super::{Channel, Guild, Role, UserRef};
use crate::{graphql::cx, service};
use async_graphql::{Context, Enum, ID, InputObject, Json, Object, Result, SimpleObject, Union};
use chrono::{DateTime, Utc};
use commons_entities::{
    ChannelId, GuildId, InviteId, RoleId, UserId,
    channel::{AuditAction as Action, AuditTarget as TargetKind},
};
use commons_platform::{ApiError, graphql::parse_id};
use serde_json::Value;

/// What was done in a guild.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "Action")]
pub enum AuditAction {
    /// The guild was founded.
    GuildCreated,
    /// Its name, description or picture changed.
    GuildUpdated,
    /// It has another owner.
    GuildTransferred,
    /// It was deleted.
    GuildDeleted,
    /// A channel was made.
    ChannelCreated,
    /// A channel's name, topic, place or settings changed.
    ChannelUpdated,
    /// A channel was closed.
    ChannelArchived,
    /// A channel was opened again.
    ChannelUnarchived,
    /// A channel was deleted.
    ChannelDeleted,
    /// A role was made.
    RoleCreated,
    /// A role's name, permissions, place or looks changed.
    RoleUpdated,
    /// A role was deleted.
    RoleDeleted,
    /// A member was given a role.
    RoleAssigned,
    /// A role was taken from a member.
    RoleUnassigned,
    /// What a channel allows or denies somebody was set.
    OverwriteSet,
    /// What a channel allows or denies somebody was removed.
    OverwriteCleared,
    /// An invite was made.
    InviteCreated,
    /// An invite was taken back.
    InviteRevoked,
    /// A nickname changed.
    MemberUpdated,
    /// A member was removed.
    MemberKicked,
    /// Somebody was banned.
    MemberBanned,
    /// A ban was lifted.
    MemberUnbanned,
    /// A member may only view and read for a time.
    MemberTimedOut,
    /// A time-out was ended early.
    MemberTimeoutEnded,
}

/// Which entries of an audit log are wanted; all fields that are given must fit.
#[derive(InputObject, Default)]
pub struct AuditLogFilter {
    /// Done by this user.
    actor_id: Option<ID>,
    /// Done to this guild, channel, role, user or invite.
    target_id: Option<ID>,
    /// Of this kind.
    action: Option<AuditAction>,
    /// Done then or later.
    since: Option<DateTime<Utc>>,
}

impl TryFrom<AuditLogFilter> for service::AuditWanted {
    type Error = ApiError;
    fn try_from(filter: AuditLogFilter) -> Result<Self, ApiError> {
        Ok(Self {
            actor: filter
                .actor_id
                .map(|id| parse_id("filter.actorId", &id))
                .transpose()?,
            target: filter.target_id.map(|id| id.0),
            action: filter.action.map(Into::into),
            since: filter.since,
        })
    }
}

/// What something was done to.
#[derive(Union)]
pub enum AuditTarget {
    /// The guild itself.
    Guild(Guild),
    /// A channel.
    Channel(Channel),
    /// A role.
    Role(Role),
    /// A member, or somebody who is none.
    User(UserRef),
}

/// A field that was changed.
#[derive(SimpleObject)]
pub struct AuditChange {
    /// The field, such as `name`.
    field: String,
    /// What it was; null for nothing. Of a text it is `{ "length": … }` alone.
    before: Option<Json<Value>>,
    /// What it is; null for nothing. Of a text it is `{ "length": … }` alone.
    after: Option<Json<Value>>,
}

/// Something that was done in a guild. It is never changed.
pub struct AuditLogEntry(pub service::AuditEntry);

/// Something that was done in a guild. It is never changed.
#[Object]
impl AuditLogEntry {
    /// The id, such as `audit_01h455vb4pex5vsknk084sn02q`.
    async fn id(&self) -> ID {
        self.0.row.id.to_string().into()
    }

    /// What was done.
    async fn action(&self) -> AuditAction {
        self.0.row.action.into()
    }

    /// Who did it; null for the instance itself.
    async fn actor(&self) -> Option<UserRef> {
        self.0.row.actor_id.map(Into::into)
    }

    /// The id of what it was done to; its first word says what that is.
    async fn target_id(&self) -> ID {
        let id = self.0.row.target_id;
        let text = match self.0.row.target_kind {
            TargetKind::Guild => GuildId(id).to_string(),
            TargetKind::Channel => ChannelId(id).to_string(),
            TargetKind::Role => RoleId(id).to_string(),
            TargetKind::User => UserId(id).to_string(),
            TargetKind::Invite => InviteId(id).to_string(),
        };
        text.into()
    }

    /// What it was done to, as it is now; null when it is gone, and for an invite.
    async fn target(&self, context: &Context<'_>) -> Result<Option<AuditTarget>> {
        let (cx, id) = (cx(context), self.0.row.target_id);
        Ok(match self.0.row.target_kind {
            TargetKind::Guild => service::guild(cx, GuildId(id))
                .await?
                .map(|guild| AuditTarget::Guild(Guild(guild))),
            TargetKind::Channel => service::channel(cx, ChannelId(id))
                .await?
                .map(|channel| AuditTarget::Channel(Channel(channel))),
            TargetKind::Role => service::role(cx, RoleId(id))
                .await?
                .map(|role| AuditTarget::Role(Role(role))),
            TargetKind::User => Some(AuditTarget::User(UserId(id).into())),
            TargetKind::Invite => None,
        })
    }

    /// What it changed; empty where the action says it all.
    async fn changes(&self) -> Vec<AuditChange> {
        let shown = |value: &Value| (!value.is_null()).then(|| Json(value.clone()));
        self.0
            .changes
            .iter()
            .map(|change| AuditChange {
                field: change.field.clone(),
                before: shown(&change.before),
                after: shown(&change.after),
            })
            .collect()
    }

    /// Why, in the actor's words.
    async fn reason(&self) -> Option<&str> {
        self.0.row.reason.as_deref()
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.0.row.at
    }
}
