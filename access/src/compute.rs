//! Who may do what, as a calculation over facts: no clock, no database, no cache.
//!
//! In a guild: the owner has everything; everybody else what `@everyone` or one of their roles has,
//! and ADMINISTRATOR is everything. In a channel, in this order: the overwrite of `@everyone`; what
//! the overwrites of all held roles deny, then what they allow; the member's own overwrite. Then
//! what is nothing on its own falls away, and a time-out leaves viewing and reading only. Owner and
//! administrators stand above overwrites and time-outs.

use crate::Permissions;
use chrono::{DateTime, Utc};
use commons_entities::{GuildId, RoleId, TypedId, UserId};
use std::collections::HashMap;

/// What a guild says about everybody in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuildRules {
    /// The guild.
    pub guild: GuildId,
    /// Who may do everything.
    pub owner: UserId,
    /// All roles, `@everyone` among them.
    pub roles: HashMap<RoleId, RoleRule>,
}

/// What a role gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleRule {
    /// Its rank; `@everyone` is 0.
    pub position: i32,
    /// What its members may do.
    pub permissions: Permissions,
}

/// How somebody belongs to a guild.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Membership {
    /// The roles they hold besides `@everyone`.
    pub roles: Vec<RoleId>,
    /// Until then they may only view and read history.
    pub timed_out_until: Option<DateTime<Utc>>,
}

/// What a channel changes for a role or a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overwrite {
    /// For whom.
    pub target: Target,
    /// What they gain.
    pub allow: Permissions,
    /// What they lose; what is in both is allowed.
    pub deny: Permissions,
}

/// Whom an overwrite is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// All who hold a role; `@everyone` has the guild's UUID.
    Role(RoleId),
    /// One member.
    Member(UserId),
}

impl GuildRules {
    /// The role that everybody holds.
    pub fn everyone(&self) -> RoleId {
        RoleId::from_uuid(self.guild.uuid())
    }

    /// The rank of the highest role that a member holds; 0 is `@everyone`'s.
    pub fn top_position(&self, member: &Membership) -> i32 {
        self.held(member)
            .map(|(_, role)| role.position)
            .max()
            .unwrap_or_default()
    }

    /// The roles a member holds; one that the guild no longer has counts for nothing.
    fn held<'a>(&'a self, member: &'a Membership) -> impl Iterator<Item = (RoleId, &'a RoleRule)> {
        member
            .roles
            .iter()
            .filter_map(|id| self.roles.get(id).map(|role| (*id, role)))
    }
}

impl Membership {
    /// Whether a time-out lasts at `now`.
    pub fn is_timed_out(&self, now: DateTime<Utc>) -> bool {
        self.timed_out_until.is_some_and(|until| now < until)
    }
}

impl Overwrite {
    fn apply(self, to: Permissions) -> Permissions {
        let (allow, deny) = (
            self.allow & Permissions::IN_CHANNEL,
            self.deny & Permissions::IN_CHANNEL,
        );
        to.difference(deny) | allow
    }
}

/// What a member may do in the guild itself at `now`.
pub fn guild(rules: &GuildRules, user: UserId, member: &Membership, now: DateTime<Utc>) -> Permissions {
    let base = base(rules, user, member);
    if member.is_timed_out(now) && !stands_above(base) {
        base & Permissions::TIMED_OUT
    } else {
        base
    }
}

/// What a member may do in a channel of the guild at `now`.
pub fn channel(
    rules: &GuildRules,
    user: UserId,
    member: &Membership,
    overwrites: &[Overwrite],
    now: DateTime<Utc>,
) -> Permissions {
    let base = base(rules, user, member);
    if stands_above(base) {
        return base;
    }
    let of = |target| {
        overwrites
            .iter()
            .find(move |overwrite| overwrite.target == target)
            .copied()
    };
    let nothing = Overwrite {
        target: Target::Member(user),
        allow: Permissions::empty(),
        deny: Permissions::empty(),
    };
    let roles = rules
        .held(member)
        .filter(|(id, _)| *id != rules.everyone())
        .filter_map(|(id, _)| of(Target::Role(id)))
        .fold(nothing, |all, one| Overwrite {
            allow: all.allow | one.allow,
            deny: all.deny | one.deny,
            ..all
        });
    let permissions = [
        of(Target::Role(rules.everyone())),
        Some(roles),
        of(Target::Member(user)),
    ]
    .into_iter()
    .flatten()
    .fold(base, |permissions, overwrite| overwrite.apply(permissions));
    let permissions = settled(permissions);
    if member.is_timed_out(now) {
        permissions & Permissions::TIMED_OUT
    } else {
        permissions
    }
}

fn base(rules: &GuildRules, user: UserId, member: &Membership) -> Permissions {
    if user == rules.owner {
        return Permissions::all();
    }
    let everyone = rules
        .roles
        .get(&rules.everyone())
        .map(|role| role.permissions)
        .unwrap_or_default();
    let base = rules
        .held(member)
        .fold(everyone, |base, (_, role)| base | role.permissions);
    if base.contains(Permissions::ADMINISTRATOR) {
        Permissions::all()
    } else {
        base
    }
}

fn stands_above(base: Permissions) -> bool {
    base.contains(Permissions::ADMINISTRATOR)
}

/// Drops what is nothing on its own.
fn settled(mut permissions: Permissions) -> Permissions {
    if !permissions.contains(Permissions::VIEW_CHANNEL) {
        return Permissions::empty();
    }
    if !permissions.contains(Permissions::SEND_MESSAGES) {
        permissions.remove(Permissions::WITH_SENDING);
    }
    if !permissions.contains(Permissions::CONNECT) {
        permissions.remove(Permissions::WITH_VOICE);
    }
    permissions
}

#[cfg(test)]
mod tests;
