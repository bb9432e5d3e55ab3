//! Each rule and its precedence, as a table.

use super::*;
use chrono::TimeDelta;
use uuid::Uuid;

const GUILD: GuildId = GuildId(Uuid::from_u128(1));
const OWNER: UserId = UserId(Uuid::from_u128(2));
const MEMBER: UserId = UserId(Uuid::from_u128(3));
const EVERYONE: Target = Target::Role(RoleId(Uuid::from_u128(1)));
const RED: RoleId = RoleId(Uuid::from_u128(10));
const BLUE: RoleId = RoleId(Uuid::from_u128(11));
const ADMIN: RoleId = RoleId(Uuid::from_u128(12));
const GONE: RoleId = RoleId(Uuid::from_u128(13));

const VIEW: Permissions = Permissions::VIEW_CHANNEL;
const HISTORY: Permissions = Permissions::READ_HISTORY;
const SEND: Permissions = Permissions::SEND_MESSAGES;
const ATTACH: Permissions = Permissions::ATTACH_FILES;
const REACT: Permissions = Permissions::ADD_REACTIONS;
const CONNECT: Permissions = Permissions::CONNECT;
const SPEAK: Permissions = Permissions::SPEAK;
const KICK: Permissions = Permissions::KICK_MEMBERS;
const NONE: Permissions = Permissions::empty();

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

/// `@everyone` views and sends, red also kicks, blue also reacts.
fn rules() -> GuildRules {
    let role = |position, permissions| RoleRule {
        position,
        permissions,
    };
    let roles = [
        (RoleId(Uuid::from_u128(1)), role(0, VIEW | SEND)),
        (RED, role(1, KICK)),
        (BLUE, role(2, REACT)),
        (ADMIN, role(3, Permissions::ADMINISTRATOR)),
    ];
    GuildRules {
        guild: GUILD,
        owner: OWNER,
        roles: roles.into(),
    }
}

fn with(roles: &[RoleId]) -> Membership {
    Membership {
        roles: roles.to_vec(),
        timed_out_until: None,
    }
}

fn timed_out(roles: &[RoleId]) -> Membership {
    Membership {
        timed_out_until: Some(now() + TimeDelta::seconds(1)),
        ..with(roles)
    }
}

fn allow(target: Target, allow: Permissions) -> Overwrite {
    Overwrite {
        target,
        allow,
        deny: NONE,
    }
}

fn deny(target: Target, deny: Permissions) -> Overwrite {
    Overwrite {
        target,
        allow: NONE,
        deny,
    }
}

#[test]
fn the_guild_base() {
    for (rule, user, member, expected) in [
        ("everybody has @everyone", MEMBER, with(&[]), VIEW | SEND),
        (
            "roles add up",
            MEMBER,
            with(&[RED, BLUE]),
            VIEW | SEND | KICK | REACT,
        ),
        (
            "a role the guild no longer has counts for nothing",
            MEMBER,
            with(&[GONE]),
            VIEW | SEND,
        ),
        (
            "ADMINISTRATOR is everything",
            MEMBER,
            with(&[ADMIN]),
            Permissions::all(),
        ),
        (
            "the owner has everything without a role",
            OWNER,
            with(&[]),
            Permissions::all(),
        ),
        (
            "a time-out leaves viewing and reading",
            MEMBER,
            timed_out(&[RED, BLUE]),
            VIEW,
        ),
        (
            "the owner cannot be timed out",
            OWNER,
            timed_out(&[]),
            Permissions::all(),
        ),
        (
            "administrators cannot be timed out",
            MEMBER,
            timed_out(&[ADMIN]),
            Permissions::all(),
        ),
    ] {
        assert_eq!(guild(&rules(), user, &member, now()), expected, "{rule}");
    }
}

#[test]
fn overwrites_in_their_order() {
    let member = Target::Member(MEMBER);
    let (red, blue) = (Target::Role(RED), Target::Role(BLUE));
    let both = with(&[RED, BLUE]);
    let all = VIEW | SEND | KICK | REACT;
    for (rule, overwrites, expected) in [
        ("none change nothing", vec![], all),
        ("@everyone denies", vec![deny(EVERYONE, SEND)], all - SEND),
        ("@everyone allows", vec![allow(EVERYONE, HISTORY)], all | HISTORY),
        (
            "@everyone also denies what a role gave",
            vec![deny(EVERYONE, REACT)],
            all - REACT,
        ),
        (
            "a role's allow comes after @everyone's deny",
            vec![allow(red, SEND), deny(EVERYONE, SEND)],
            all,
        ),
        (
            "a role's deny comes after @everyone's allow",
            vec![deny(red, HISTORY), allow(EVERYONE, HISTORY)],
            all,
        ),
        (
            "one role's allow beats another's deny",
            vec![allow(red, SEND), deny(blue, SEND)],
            all,
        ),
        (
            "in whichever order they come",
            vec![deny(red, SEND), allow(blue, SEND)],
            all,
        ),
        (
            "the member's deny is last",
            vec![deny(member, SEND), allow(red, SEND), allow(EVERYONE, SEND)],
            all - SEND,
        ),
        (
            "the member's allow is last",
            vec![allow(member, SEND), deny(red, SEND), deny(EVERYONE, SEND)],
            all,
        ),
        (
            "allow beats deny in one overwrite",
            vec![Overwrite {
                target: red,
                allow: SEND,
                deny: SEND,
            }],
            all,
        ),
        (
            "of a role not held: nothing",
            vec![deny(Target::Role(ADMIN), SEND)],
            all,
        ),
        (
            "of another member: nothing",
            vec![deny(Target::Member(OWNER), SEND)],
            all,
        ),
        (
            "they give nothing that is the guild's",
            vec![allow(
                member,
                Permissions::ADMINISTRATOR | Permissions::BAN_MEMBERS,
            )],
            all,
        ),
        (
            "they take nothing that is the guild's",
            vec![deny(member, KICK)],
            all,
        ),
    ] {
        assert_eq!(
            channel(&rules(), MEMBER, &both, &overwrites, now()),
            expected,
            "{rule}"
        );
    }
}

#[test]
fn a_role_the_guild_no_longer_has_has_no_overwrite() {
    let overwrites = [allow(Target::Role(GONE), HISTORY)];
    assert_eq!(
        channel(&rules(), MEMBER, &with(&[GONE]), &overwrites, now()),
        VIEW | SEND
    );
}

#[test]
fn what_is_nothing_on_its_own() {
    let member = Target::Member(MEMBER);
    let voice = CONNECT | Permissions::WITH_VOICE;
    let sending = SEND | Permissions::WITH_SENDING;
    for (rule, overwrites, expected) in [
        (
            "without VIEW_CHANNEL nothing",
            vec![deny(member, VIEW), allow(EVERYONE, voice | REACT)],
            NONE,
        ),
        (
            "with SEND_MESSAGES what goes with it",
            vec![allow(member, sending)],
            VIEW | sending,
        ),
        (
            "without SEND_MESSAGES no attaching, embedding, mentioning everyone",
            vec![Overwrite {
                target: member,
                allow: ATTACH | Permissions::WITH_SENDING | REACT,
                deny: SEND,
            }],
            VIEW | REACT,
        ),
        (
            "with CONNECT voice",
            vec![allow(member, voice)],
            VIEW | SEND | voice,
        ),
        (
            "without CONNECT no voice",
            vec![allow(member, voice - CONNECT)],
            VIEW | SEND,
        ),
    ] {
        assert_eq!(
            channel(&rules(), MEMBER, &with(&[]), &overwrites, now()),
            expected,
            "{rule}"
        );
    }
}

#[test]
fn time_outs_in_channels() {
    let member = Target::Member(MEMBER);
    let allowed = allow(member, HISTORY | SEND | CONNECT | SPEAK | REACT);
    for (rule, user, membership, overwrites, expected) in [
        (
            "views and reads, whatever allows more",
            MEMBER,
            timed_out(&[BLUE]),
            vec![allowed],
            VIEW | HISTORY,
        ),
        ("reads only what it may", MEMBER, timed_out(&[]), vec![], VIEW),
        (
            "does not view what is hidden",
            MEMBER,
            timed_out(&[]),
            vec![deny(EVERYONE, VIEW)],
            NONE,
        ),
        (
            "not the owner",
            OWNER,
            timed_out(&[]),
            vec![deny(EVERYONE, VIEW)],
            Permissions::all(),
        ),
        (
            "not an administrator",
            MEMBER,
            timed_out(&[ADMIN]),
            vec![deny(member, VIEW)],
            Permissions::all(),
        ),
    ] {
        assert_eq!(
            channel(&rules(), user, &membership, &overwrites, now()),
            expected,
            "{rule}"
        );
    }
}

#[test]
fn a_time_out_ends_by_itself() {
    let member = timed_out(&[]);
    let until = member.timed_out_until.unwrap();
    assert_eq!(
        guild(&rules(), MEMBER, &member, until - TimeDelta::milliseconds(1)),
        VIEW
    );
    assert_eq!(guild(&rules(), MEMBER, &member, until), VIEW | SEND);
    assert_eq!(channel(&rules(), MEMBER, &member, &[], until), VIEW | SEND);
}

#[test]
fn the_top_role_is_the_highest_that_is_held() {
    for (roles, expected) in [(vec![], 0), (vec![BLUE, RED], 2), (vec![RED, GONE], 1)] {
        assert_eq!(rules().top_position(&with(&roles)), expected);
    }
}
