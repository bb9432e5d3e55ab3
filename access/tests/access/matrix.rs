//! Who may do what, as one table that is committed: a change of the rules shows in its diff.
//!
//! After a change on purpose: `INSTA_UPDATE=always cargo test -p commons-access matrix`.

use chrono::{DateTime, TimeDelta, Utc};
use commons_access::{
    Permission, Permissions,
    compute::{self, GuildRules, Membership, Overwrite, RoleRule, Target},
};
use commons_entities::{GuildId, RoleId, UserId};
use std::fmt::Write;
use uuid::Uuid;

const GUILD: GuildId = GuildId(Uuid::from_u128(1));
const EVERYONE: RoleId = RoleId(Uuid::from_u128(1));
const ADMINISTRATORS: RoleId = RoleId(Uuid::from_u128(2));
const MODERATORS: RoleId = RoleId(Uuid::from_u128(3));
const MUTED: RoleId = RoleId(Uuid::from_u128(4));
const OWNER: UserId = UserId(Uuid::from_u128(10));
const INVITED: UserId = UserId(Uuid::from_u128(11));
const SOMEBODY: UserId = UserId(Uuid::from_u128(12));

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn rules() -> GuildRules {
    let moderator = Permissions::KICK_MEMBERS
        | Permissions::BAN_MEMBERS
        | Permissions::TIMEOUT_MEMBERS
        | Permissions::MANAGE_NICKNAMES
        | Permissions::MANAGE_MESSAGES
        | Permissions::MANAGE_THREADS
        | Permissions::MANAGE_POSTS
        | Permissions::BYPASS_SLOWMODE
        | Permissions::MUTE_MEMBERS
        | Permissions::DEAFEN_MEMBERS
        | Permissions::MOVE_MEMBERS
        | Permissions::VIEW_AUDIT_LOG;
    let role = |position, permissions| RoleRule {
        position,
        permissions,
    };
    let roles = [
        (EVERYONE, role(0, Permissions::DEFAULT)),
        (MUTED, role(1, Permissions::empty())),
        (MODERATORS, role(2, moderator)),
        (ADMINISTRATORS, role(3, Permissions::ADMINISTRATOR)),
    ];
    GuildRules {
        guild: GUILD,
        owner: OWNER,
        roles: roles.into(),
    }
}

/// Name, user, roles and whether a time-out lasts.
const ACTORS: &[(&str, UserId, &[RoleId], bool)] = &[
    ("owner", OWNER, &[], false),
    ("administrator", SOMEBODY, &[ADMINISTRATORS], false),
    ("moderator", SOMEBODY, &[MODERATORS], false),
    ("member", SOMEBODY, &[], false),
    ("invited", INVITED, &[], false),
    ("muted", SOMEBODY, &[MUTED], false),
    ("timed out", SOMEBODY, &[MODERATORS], true),
];

fn places() -> Vec<(&'static str, Option<Vec<Overwrite>>)> {
    let overwrite = |target, allow, deny| Overwrite { target, allow, deny };
    let none = Permissions::empty();
    let silent = Permissions::SEND_MESSAGES | Permissions::SPEAK | Permissions::ADD_REACTIONS;
    vec![
        ("in the guild", None),
        (
            "in a channel that muted may not speak in",
            Some(vec![overwrite(Target::Role(MUTED), none, silent)]),
        ),
        (
            "in a channel that only moderators send to",
            Some(vec![
                overwrite(Target::Role(EVERYONE), none, Permissions::SEND_MESSAGES),
                overwrite(Target::Role(MODERATORS), Permissions::SEND_MESSAGES, none),
            ]),
        ),
        (
            "in a channel that moderators and the invited see",
            Some(vec![
                overwrite(Target::Role(EVERYONE), none, Permissions::VIEW_CHANNEL),
                overwrite(Target::Role(MODERATORS), Permissions::VIEW_CHANNEL, none),
                overwrite(
                    Target::Member(INVITED),
                    Permissions::VIEW_CHANNEL,
                    Permissions::CONNECT,
                ),
            ]),
        ),
    ]
}

#[test]
fn actors_and_permissions() {
    let rules = rules();
    let mut table = String::new();
    for (place, overwrites) in places() {
        writeln!(table, "{place}").unwrap();
        write!(table, "{:<20}", "").unwrap();
        for (name, ..) in ACTORS {
            write!(table, "{name:<15}").unwrap();
        }
        table.push('\n');
        for permission in Permission::ALL {
            write!(table, "{permission:<20}", permission = permission.as_str()).unwrap();
            for (_, user, roles, timed_out) in ACTORS {
                let timed_out_until = timed_out.then(|| now() + TimeDelta::minutes(5));
                let member = Membership {
                    roles: roles.to_vec(),
                    timed_out_until,
                };
                let permissions = match &overwrites {
                    None => compute::guild(&rules, *user, &member, now()),
                    Some(overwrites) => compute::channel(&rules, *user, &member, overwrites, now()),
                };
                let mark = if permissions.has(*permission) { "yes" } else { "-" };
                write!(table, "{mark:<15}").unwrap();
            }
            table.push('\n');
        }
        table.push('\n');
    }
    let table: Vec<&str> = table.lines().map(str::trim_end).collect();
    insta::assert_snapshot!("permission_matrix", table.join("\n"));
}
