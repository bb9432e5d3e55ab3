//! The events of this domain, as they stand on streams.
//!
//! On a guild's stream is what every member may see: the guild itself, its roles, who is in it. A
//! channel's own changes are on the channel's stream as [`CHANNEL_CHANGED`]; what shows them is the
//! message subgraph. Nothing here says who was kicked by whom, or that a hidden channel exists.

use commons_entities::{
    GuildId, RoleId, UserId,
    channel::{channel, guild, guild_member, role},
};
use commons_streams::Event;

/// On a channel's stream: its name, topic, place, overwrites or archiving changed.
pub const CHANNEL_CHANGED: &str = "CHANNEL_CHANGED";

pub(crate) const GUILD_UPDATED: &str = "GUILD_UPDATED";
pub(crate) const ROLE_CREATED: &str = "ROLE_CREATED";
pub(crate) const ROLE_UPDATED: &str = "ROLE_UPDATED";
pub(crate) const ROLE_DELETED: &str = "ROLE_DELETED";
pub(crate) const ROLES_MOVED: &str = "ROLES_MOVED";
pub(crate) const MEMBER_JOINED: &str = "MEMBER_JOINED";
pub(crate) const MEMBER_LEFT: &str = "MEMBER_LEFT";
pub(crate) const MEMBER_UPDATED: &str = "MEMBER_UPDATED";

/// What is to be written of one thing that happened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Happened {
    pub(crate) stream: uuid::Uuid,
    pub(crate) kind: &'static str,
    pub(crate) subject: uuid::Uuid,
    pub(crate) rev: i64,
}

impl Happened {
    pub(crate) fn to_channel(row: &channel::Model) -> Self {
        Self {
            stream: row.id.0,
            kind: CHANNEL_CHANGED,
            subject: row.id.0,
            rev: row.rev,
        }
    }

    pub(crate) fn to_guild(kind: &'static str, row: &guild::Model) -> Self {
        Self {
            stream: row.id.0,
            kind,
            subject: row.id.0,
            rev: row.rev,
        }
    }

    pub(crate) fn to_role(kind: &'static str, row: &role::Model) -> Self {
        Self {
            stream: row.guild_id.0,
            kind,
            subject: row.id.0,
            rev: row.rev,
        }
    }

    pub(crate) fn to_member(kind: &'static str, row: &guild_member::Model) -> Self {
        Self {
            stream: row.guild_id.0,
            kind,
            subject: row.user_id.0,
            rev: row.rev,
        }
    }
}

/// A guild's event, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuildEvent {
    /// Its name, description, icon or owner changed.
    Updated(GuildId),
    /// A role is new.
    RoleCreated(RoleId),
    /// A role changed.
    RoleUpdated(RoleId),
    /// A role is gone.
    RoleDeleted(RoleId),
    /// The order of the roles changed.
    RolesMoved,
    /// Somebody came.
    MemberJoined(UserId),
    /// Somebody left or was removed.
    MemberLeft(UserId),
    /// A member's nickname or roles changed.
    MemberUpdated(UserId),
}

impl GuildEvent {
    /// What an event of a guild's stream says. One that a newer version wrote says that the guild
    /// changed: it keeps its number, and who hears it loads the guild again.
    pub fn read(event: &Event) -> Self {
        let id = event.subject;
        match event.kind.as_ref() {
            ROLE_CREATED => Self::RoleCreated(RoleId(id)),
            ROLE_UPDATED => Self::RoleUpdated(RoleId(id)),
            ROLE_DELETED => Self::RoleDeleted(RoleId(id)),
            ROLES_MOVED => Self::RolesMoved,
            MEMBER_JOINED => Self::MemberJoined(UserId(id)),
            MEMBER_LEFT => Self::MemberLeft(UserId(id)),
            MEMBER_UPDATED => Self::MemberUpdated(UserId(id)),
            _ => Self::Updated(GuildId(event.stream)),
        }
    }
}
