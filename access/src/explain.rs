//! Why somebody may or may not do something in a channel: the rules that speak about it, in the order in
//! which they count.
//!
//! [`crate::compute`] decides; this tells which rules it went by, and a test holds the two together over
//! random guilds. Who may ask for whose explanation is the business of the service that shows it.

use crate::{
    Permission, Permissions,
    compute::{self, GuildRules, Membership, Overwrite, Target},
    rows,
};
use chrono::{DateTime, Utc};
use commons_entities::{ChannelId, RoleId, UserId};
use sea_orm::{ConnectionTrait, DbErr};

/// Why somebody has a permission in a channel, or lacks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The permission.
    pub permission: Permission,
    /// Whether they have it.
    pub allowed: bool,
    /// The rules that speak about it, in their order: each overrules those before it, so the last one
    /// decides. None: nothing gives it.
    pub steps: Vec<Step>,
}

/// One rule's word about one permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Which rule.
    pub rule: Rule,
    /// What it says.
    pub effect: Effect,
}

/// What a rule says about a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// From here on they have it.
    Allows,
    /// From here on they lack it.
    Denies,
}

/// What speaks about a permission, in the order in which it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The guild is theirs: everything is allowed, and nothing else counts.
    Owner,
    /// A role of theirs has ADMINISTRATOR: everything is allowed, and nothing else counts.
    Administrator(RoleId),
    /// A role of theirs gives it in the whole guild; `@everyone` has the guild's UUID.
    Role(RoleId),
    /// The channel's overwrite of `@everyone`.
    EveryoneOverwrite,
    /// The channel's overwrite of a role of theirs. Of several, those that deny come first.
    RoleOverwrite(RoleId),
    /// The channel's overwrite of this member.
    MemberOverwrite,
    /// Without VIEW_CHANNEL nothing is allowed.
    NoViewChannel,
    /// Without SEND_MESSAGES what goes with sending is not allowed.
    NoSendMessages,
    /// Without CONNECT what goes with voice is not allowed.
    NoConnect,
    /// A member in a time-out only views and reads.
    TimedOut,
}

/// Explains each permission, in the order of their bits, for a member in a channel of the guild at `now`.
pub fn channel(
    rules: &GuildRules,
    user: UserId,
    member: &Membership,
    overwrites: &[Overwrite],
    now: DateTime<Utc>,
) -> Vec<Explanation> {
    let permissions = compute::channel(rules, user, member, overwrites, now);
    let roles = held(rules, member);
    let above = above(rules, user, &roles);
    let mut told: Vec<Explanation> = Permission::ALL
        .iter()
        .map(|permission| Explanation {
            permission: *permission,
            allowed: permissions.has(*permission),
            steps: match above {
                Some(rule) => vec![allows(rule)],
                None => given(*permission, rules, user, &roles, overwrites),
            },
        })
        .collect();
    if above.is_none() {
        let given = replay(&told);
        for one in &mut told {
            one.steps.extend(taken(one.permission, given, member, now));
        }
    }
    told
}

/// Explains each permission of a user in a channel, from the rows as they are; none when there is no
/// such channel or they are no member of its guild. Also for a channel that they may not view.
///
/// Nine statements; a caller whose rows must be of one moment brings a snapshot.
///
/// # Errors
/// When the database fails.
pub async fn explain_channel(
    db: &impl ConnectionTrait,
    id: ChannelId,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Option<Vec<Explanation>>, DbErr> {
    let channels = rows::channels(db, &[id]).await?;
    let Some(known) = channels.get(&id) else {
        return Ok(None);
    };
    let guild = known.fact.facts.guild;
    let guilds = rows::guilds(db, &[guild]).await?;
    let members = rows::members(db, &[(guild, user)]).await?;
    let member = members
        .get(&(guild, user))
        .and_then(|member| member.fact.as_ref());
    Ok(guilds
        .get(&guild)
        .zip(member)
        .map(|(rules, member)| channel(&rules.fact, user, member, &known.fact.overwrites, now)))
}

/// What a member's roles give, each once: `@everyone` first, then by rank.
fn held(rules: &GuildRules, member: &Membership) -> Vec<(RoleId, Permissions)> {
    let everyone = rules.everyone();
    let mut ids: Vec<RoleId> = member.roles.clone();
    ids.push(everyone);
    ids.sort_unstable();
    ids.dedup();
    let mut roles: Vec<_> = ids
        .into_iter()
        .filter_map(|id| Some((id, rules.roles.get(&id)?)))
        .collect();
    roles.sort_by_key(|(id, role)| (*id != everyone, role.position));
    roles
        .into_iter()
        .map(|(id, role)| (id, role.permissions))
        .collect()
}

/// What lifts somebody above all other rules.
fn above(rules: &GuildRules, user: UserId, roles: &[(RoleId, Permissions)]) -> Option<Rule> {
    if user == rules.owner {
        return Some(Rule::Owner);
    }
    roles
        .iter()
        .find(|(_, permissions)| permissions.has(Permission::Administrator))
        .map(|(id, _)| Rule::Administrator(*id))
}

/// What roles and overwrites say about one permission.
fn given(
    permission: Permission,
    rules: &GuildRules,
    user: UserId,
    roles: &[(RoleId, Permissions)],
    overwrites: &[Overwrite],
) -> Vec<Step> {
    let mut steps: Vec<Step> = roles
        .iter()
        .filter(|(_, permissions)| permissions.has(permission))
        .map(|(id, _)| allows(Rule::Role(*id)))
        .collect();
    if !Permissions::IN_CHANNEL.has(permission) {
        return steps;
    }
    let says = |target, rule| {
        let overwrite = overwrites.iter().find(|overwrite| overwrite.target == target)?;
        if overwrite.allow.has(permission) {
            Some(allows(rule))
        } else if overwrite.deny.has(permission) {
            Some(denies(rule))
        } else {
            None
        }
    };
    let everyone = rules.everyone();
    steps.extend(says(Target::Role(everyone), Rule::EveryoneOverwrite));
    let (allowing, denying): (Vec<Step>, Vec<Step>) = roles
        .iter()
        .filter(|(id, _)| *id != everyone)
        .filter_map(|(id, _)| says(Target::Role(*id), Rule::RoleOverwrite(*id)))
        .partition(|step| step.effect == Effect::Allows);
    steps.extend(denying);
    steps.extend(allowing);
    steps.extend(says(Target::Member(user), Rule::MemberOverwrite));
    steps
}

/// What is taken again of a permission that was given.
fn taken(
    permission: Permission,
    given: Permissions,
    member: &Membership,
    now: DateTime<Utc>,
) -> Option<Step> {
    let rule = if !given.has(permission) {
        return None;
    } else if !given.has(Permission::ViewChannel) {
        Rule::NoViewChannel
    } else if Permissions::WITH_SENDING.has(permission) && !given.has(Permission::SendMessages) {
        Rule::NoSendMessages
    } else if Permissions::WITH_VOICE.has(permission) && !given.has(Permission::Connect) {
        Rule::NoConnect
    } else if member.is_timed_out(now) && !Permissions::TIMED_OUT.has(permission) {
        Rule::TimedOut
    } else {
        return None;
    };
    Some(denies(rule))
}

/// The permissions that the steps leave.
fn replay(told: &[Explanation]) -> Permissions {
    told.iter()
        .filter(|one| one.steps.last().is_some_and(|step| step.effect == Effect::Allows))
        .map(|one| one.permission)
        .collect()
}

fn allows(rule: Rule) -> Step {
    let effect = Effect::Allows;
    Step { rule, effect }
}

fn denies(rule: Rule) -> Step {
    let effect = Effect::Denies;
    Step { rule, effect }
}

#[cfg(test)]
mod tests;
