//! Why somebody may or may not do something in a channel.

use super::Role;
use crate::service;
use async_graphql::{Enum, SimpleObject};
use commons_access::{Effect, Permission, Rule, Step};
use commons_entities::RoleId;

/// Why somebody has a permission in a channel, or lacks it.
#[derive(SimpleObject)]
pub struct PermissionExplanation {
    /// The permission.
    permission: Permission,
    /// Whether they have it.
    allowed: bool,
    /// The rules that speak about it, in their order: each overrules those before it, so the last one
    /// decides. When there are none, nothing gives it.
    steps: Vec<PermissionStep>,
}

/// One rule's word about one permission.
#[derive(SimpleObject)]
pub struct PermissionStep {
    /// Which rule.
    rule: PermissionRule,
    /// What it says.
    effect: PermissionEffect,
    /// The role that it is about, for rules of roles.
    role: Option<Role>,
}

/// What a rule says about a permission.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "Effect")]
pub enum PermissionEffect {
    /// From here on they have it.
    Allows,
    /// From here on they lack it.
    Denies,
}

/// What speaks about a permission, in the order in which it counts.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum PermissionRule {
    /// The guild is theirs: everything is allowed, and nothing else counts.
    Owner,
    /// A role of theirs has ADMINISTRATOR: everything is allowed, and nothing else counts.
    Administrator,
    /// A role of theirs, `@everyone` among them, gives it in the whole guild.
    Role,
    /// The channel's overwrite of `@everyone`.
    EveryoneOverwrite,
    /// The channel's overwrite of a role of theirs. Of several, those that deny come first.
    RoleOverwrite,
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

/// Explanations as they are shown.
pub(in crate::graphql) fn shown(explained: service::Explained) -> Vec<PermissionExplanation> {
    let role = |id: RoleId| {
        let role = explained.roles.iter().find(|role| role.id == id);
        role.cloned().map(Role)
    };
    let step = |step: Step| {
        let (rule, of) = rule(step.rule);
        PermissionStep {
            rule,
            effect: step.effect.into(),
            role: of.and_then(role),
        }
    };
    let shown = explained.permissions.iter().map(|one| PermissionExplanation {
        permission: one.permission,
        allowed: one.allowed,
        steps: one.steps.iter().copied().map(step).collect(),
    });
    shown.collect()
}

fn rule(rule: Rule) -> (PermissionRule, Option<RoleId>) {
    match rule {
        Rule::Owner => (PermissionRule::Owner, None),
        Rule::Administrator(id) => (PermissionRule::Administrator, Some(id)),
        Rule::Role(id) => (PermissionRule::Role, Some(id)),
        Rule::EveryoneOverwrite => (PermissionRule::EveryoneOverwrite, None),
        Rule::RoleOverwrite(id) => (PermissionRule::RoleOverwrite, Some(id)),
        Rule::MemberOverwrite => (PermissionRule::MemberOverwrite, None),
        Rule::NoViewChannel => (PermissionRule::NoViewChannel, None),
        Rule::NoSendMessages => (PermissionRule::NoSendMessages, None),
        Rule::NoConnect => (PermissionRule::NoConnect, None),
        Rule::TimedOut => (PermissionRule::TimedOut, None),
    }
}
