//! What somebody may do in a guild or a channel, and the proofs made of it.
//!
//! A standing exists only for what its user may see: a member of the guild, VIEW_CHANNEL in the
//! channel. It is an answer at one moment; [`crate::revalidate`] brings a proof up to date inside a
//! write transaction.

use crate::{Denied, Permission, Permissions, Subject};
use chrono::{DateTime, Utc};
use commons_entities::{ChannelId, GuildId, RoleId, UserId, channel::ChannelKind};

/// The newest change that each fact behind a standing takes into account; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Versions {
    /// Of the guild's owner and roles.
    pub guild: i64,
    /// Of the membership.
    pub member: i64,
    /// Of the channel and its overwrites; 0 for a guild's standing.
    pub channel: i64,
}

/// A member of a guild and what they may do in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuildStanding {
    pub(crate) guild: GuildId,
    pub(crate) user: UserId,
    pub(crate) owner: bool,
    pub(crate) roles: Vec<RoleId>,
    pub(crate) top_position: i32,
    pub(crate) timed_out_until: Option<DateTime<Utc>>,
    pub(crate) permissions: Permissions,
    pub(crate) versions: Versions,
}

impl GuildStanding {
    /// The guild.
    pub fn guild(&self) -> GuildId {
        self.guild
    }

    /// Whose standing it is.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// Whether the guild is theirs.
    pub fn is_owner(&self) -> bool {
        self.owner
    }

    /// The roles they hold besides `@everyone`.
    pub fn roles(&self) -> &[RoleId] {
        &self.roles
    }

    /// The rank of their highest role; 0 is `@everyone`'s.
    pub fn top_position(&self) -> i32 {
        self.top_position
    }

    /// When their time-out ends, if they have one; it may be over.
    pub fn timed_out_until(&self) -> Option<DateTime<Utc>> {
        self.timed_out_until
    }

    /// What they may do in the guild itself.
    pub fn permissions(&self) -> Permissions {
        self.permissions
    }

    /// Which changes are taken into account.
    pub fn versions(&self) -> Versions {
        self.versions
    }

    /// The proof that they are a member.
    pub fn member(self) -> GuildSeat {
        GuildSeat {
            standing: self,
            required: None,
        }
    }

    /// The proof that they have a permission in the guild.
    ///
    /// # Errors
    /// [`Denied::Missing`].
    pub fn require(self, permission: Permission) -> Result<GuildSeat, Denied> {
        if self.permissions.has(permission) {
            Ok(GuildSeat {
                standing: self,
                required: Some(permission),
            })
        } else {
            Err(Denied::Missing(permission))
        }
    }

    /// Whether they may act on another member. Nobody may act on the owner, nor on themselves.
    ///
    /// # Errors
    /// [`Denied::Outranked`]; [`Denied::Hidden`] when the other is of another guild.
    pub fn outranks_member(&self, other: &Self) -> Result<(), Denied> {
        if other.guild != self.guild {
            return Err(Denied::Hidden);
        }
        let above = !other.owner && (self.owner || self.top_position > other.top_position);
        above.then_some(()).ok_or(Denied::Outranked)
    }

    /// Whether they may act on a role, or move one to this position.
    ///
    /// # Errors
    /// [`Denied::Outranked`].
    pub fn outranks_role(&self, position: i32) -> Result<(), Denied> {
        (self.owner || self.top_position > position)
            .then_some(())
            .ok_or(Denied::Outranked)
    }

    /// Whether they may give these permissions to somebody.
    ///
    /// # Errors
    /// [`Denied::CannotGrant`] with what they lack.
    pub fn may_grant(&self, permissions: Permissions) -> Result<(), Denied> {
        grant(self.permissions, permissions)
    }

    /// Whether a time-out can be laid on them: not on the owner, not on administrators.
    pub fn can_be_timed_out(&self) -> bool {
        !self.owner && !self.permissions.has(Permission::Administrator)
    }

    pub(crate) fn subjects(&self) -> [Subject; 2] {
        [Subject::Guild(self.guild), Subject::Member(self.guild, self.user)]
    }
}

/// The facts about a channel that rules need. They are cached with its overwrites: who changes one
/// records [`Subject::Channel`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelFacts {
    /// The channel.
    pub channel: ChannelId,
    /// Its guild.
    pub guild: GuildId,
    /// What it is for.
    pub kind: ChannelKind,
    /// Seconds between two messages of one member; 0 is no limit.
    pub slowmode_seconds: i32,
    /// Since then nothing is sent here.
    pub archived_at: Option<DateTime<Utc>>,
}

/// Somebody who may view a channel, and what else they may do in it; or the channel's audience, which
/// views it, reads its history and proves nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelStanding {
    pub(crate) facts: ChannelFacts,
    pub(crate) user: Option<UserId>,
    pub(crate) permissions: Permissions,
    pub(crate) versions: Versions,
}

impl ChannelStanding {
    /// The channel.
    pub fn channel(&self) -> ChannelId {
        self.facts.channel
    }

    /// Its guild.
    pub fn guild(&self) -> GuildId {
        self.facts.guild
    }

    /// What rules need to know of the channel.
    pub fn facts(&self) -> &ChannelFacts {
        &self.facts
    }

    /// Whose standing it is; none for the channel's audience.
    pub fn user(&self) -> Option<UserId> {
        self.user
    }

    /// What they may do here.
    pub fn permissions(&self) -> Permissions {
        self.permissions
    }

    /// Which changes are taken into account.
    pub fn versions(&self) -> Versions {
        self.versions
    }

    /// The proof that a user has a permission here: with it things are changed, so an audience gets
    /// none.
    ///
    /// # Errors
    /// [`Denied::Missing`].
    pub fn require(self, permission: Permission) -> Result<ChannelSeat, Denied> {
        match self.user {
            Some(user) if self.permissions.has(permission) => Ok(ChannelSeat {
                standing: self,
                user,
                required: permission,
            }),
            _ => Err(Denied::Missing(permission)),
        }
    }

    /// The proof that they may read what was said here before.
    ///
    /// # Errors
    /// [`Denied::Missing`].
    pub fn reader(&self) -> Result<ChannelReader, Denied> {
        let permission = Permission::ReadHistory;
        match self.permissions.has(permission) {
            true => Ok(ChannelReader(self.channel())),
            false => Err(Denied::Missing(permission)),
        }
    }

    /// Whether they may give these permissions to somebody here.
    ///
    /// # Errors
    /// [`Denied::CannotGrant`] with what they lack.
    pub fn may_grant(&self, permissions: Permissions) -> Result<(), Denied> {
        grant(self.permissions, permissions)
    }
}

fn grant(own: Permissions, permissions: Permissions) -> Result<(), Denied> {
    let lacking = permissions.difference(own);
    if lacking.is_empty() {
        Ok(())
    } else {
        Err(Denied::CannotGrant(lacking))
    }
}

/// The proof that somebody is a member of a guild, or has a permission in it. Made by
/// [`GuildStanding::member`] and [`GuildStanding::require`] only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuildSeat {
    standing: GuildStanding,
    required: Option<Permission>,
}

impl GuildSeat {
    /// The guild.
    pub fn guild(&self) -> GuildId {
        self.standing.guild
    }

    /// Whose proof it is.
    pub fn user(&self) -> UserId {
        self.standing.user
    }

    /// What they may do in the guild.
    pub fn permissions(&self) -> Permissions {
        self.standing.permissions
    }

    /// Which changes are taken into account.
    pub fn versions(&self) -> Versions {
        self.standing.versions
    }

    /// The standing it was made of, with ranks and what may be granted.
    pub fn standing(&self) -> &GuildStanding {
        &self.standing
    }

    /// The permission it proves; none is membership alone.
    pub fn required(&self) -> Option<Permission> {
        self.required
    }
}

/// The proof that somebody has a permission in a channel. Made by [`ChannelStanding::require`] only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelSeat {
    standing: ChannelStanding,
    user: UserId,
    required: Permission,
}

/// The proof that somebody, or an audience, may read what was said in a channel before. Made by
/// [`ChannelStanding::reader`] only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelReader(ChannelId);

impl ChannelReader {
    /// The channel.
    pub fn channel(&self) -> ChannelId {
        self.0
    }
}

impl ChannelSeat {
    /// The channel.
    pub fn channel(&self) -> ChannelId {
        self.standing.facts.channel
    }

    /// Its guild.
    pub fn guild(&self) -> GuildId {
        self.standing.facts.guild
    }

    /// What rules need to know of the channel.
    pub fn facts(&self) -> &ChannelFacts {
        &self.standing.facts
    }

    /// Whose proof it is.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// What they may do here.
    pub fn permissions(&self) -> Permissions {
        self.standing.permissions
    }

    /// Which changes are taken into account.
    pub fn versions(&self) -> Versions {
        self.standing.versions
    }

    /// The standing it was made of.
    pub fn standing(&self) -> &ChannelStanding {
        &self.standing
    }

    /// The permission it proves.
    pub fn required(&self) -> Permission {
        self.required
    }

    pub(crate) fn subjects(&self) -> [Subject; 3] {
        let ChannelFacts { channel, guild, .. } = self.standing.facts;
        [
            Subject::Guild(guild),
            Subject::Member(guild, self.user),
            Subject::Channel(channel),
        ]
    }
}
