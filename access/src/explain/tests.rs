//! Explanations agree with the calculation, over random guilds, and name the rules that decide.

use super::*;
use crate::compute::RoleRule;
use chrono::TimeDelta;
use commons_entities::GuildId;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use uuid::Uuid;

const GUILD: GuildId = GuildId(Uuid::from_u128(1));
const EVERYONE: RoleId = RoleId(Uuid::from_u128(1));
const RED: RoleId = RoleId(Uuid::from_u128(2));
const BLUE: RoleId = RoleId(Uuid::from_u128(3));
/// Held by members, and gone from the guild.
const GONE: RoleId = RoleId(Uuid::from_u128(4));
const OWNER: UserId = UserId(Uuid::from_u128(10));
const MEMBER: UserId = UserId(Uuid::from_u128(11));
const OTHER: UserId = UserId(Uuid::from_u128(12));

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

/// About a third of all permissions; ADMINISTRATOR seldom, or nothing else would ever count.
fn some(rng: &mut StdRng) -> Permissions {
    let mut permissions =
        Permissions::from_row(rng.random::<i64>() & (rng.random::<i64>() | rng.random::<i64>()));
    permissions.set(Permissions::ADMINISTRATOR, rng.random_ratio(1, 20));
    permissions.set(Permissions::VIEW_CHANNEL, rng.random_ratio(2, 3));
    permissions
}

fn overwrite(rng: &mut StdRng, target: Target) -> Overwrite {
    let (allow, deny) = (some(rng), some(rng));
    Overwrite {
        target,
        allow: allow & Permissions::from_row(rng.random()),
        deny: deny & Permissions::from_row(rng.random()),
    }
}

struct Case {
    rules: GuildRules,
    user: UserId,
    member: Membership,
    overwrites: Vec<Overwrite>,
}

fn case(rng: &mut StdRng) -> Case {
    let roles = [(EVERYONE, 0), (RED, 1), (BLUE, 2)].map(|(id, position)| {
        let permissions = some(rng);
        (
            id,
            RoleRule {
                position,
                permissions,
            },
        )
    });
    let held = [RED, BLUE, GONE, EVERYONE, RED];
    let member = Membership {
        roles: held.into_iter().filter(|_| rng.random()).collect(),
        timed_out_until: [None, Some(now()), Some(now() + TimeDelta::seconds(1))]
            .choose(rng)
            .copied()
            .flatten(),
    };
    let targets = [EVERYONE, RED, BLUE, GONE]
        .map(Target::Role)
        .into_iter()
        .chain([MEMBER, OTHER].map(Target::Member));
    let mut overwrites: Vec<Overwrite> = targets
        .filter(|_| rng.random())
        .collect::<Vec<_>>()
        .into_iter()
        .map(|target| overwrite(rng, target))
        .collect();
    if rng.random() {
        overwrites.reverse();
    }
    Case {
        rules: GuildRules {
            guild: GUILD,
            owner: OWNER,
            roles: roles.into(),
        },
        user: if rng.random_ratio(1, 20) { OWNER } else { MEMBER },
        member,
        overwrites,
    }
}

#[test]
fn the_steps_lead_to_what_is_computed() {
    let mut rng = StdRng::seed_from_u64(7);
    let mut rules = std::collections::HashSet::new();
    for round in 0..20_000 {
        let case = case(&mut rng);
        let computed = compute::channel(&case.rules, case.user, &case.member, &case.overwrites, now());
        let told = channel(&case.rules, case.user, &case.member, &case.overwrites, now());
        assert_eq!(
            told.iter().map(|one| one.permission).collect::<Vec<_>>(),
            Permission::ALL
        );
        for one in &told {
            assert_eq!(
                one.allowed,
                computed.has(one.permission),
                "round {round}: {one:?}"
            );
            let mut replayed = false;
            for step in &one.steps {
                replayed = step.effect == Effect::Allows;
                rules.insert(std::mem::discriminant(&step.rule));
            }
            assert_eq!(one.allowed, replayed, "round {round}: {one:?}");
        }
    }
    assert_eq!(rules.len(), 10, "every rule came up");
}

/// `@everyone` views and sends, red also reacts.
fn rules() -> GuildRules {
    let everyone = Permissions::VIEW_CHANNEL | Permissions::SEND_MESSAGES | Permissions::EMBED_LINKS;
    let role = |position, permissions| RoleRule {
        position,
        permissions,
    };
    GuildRules {
        guild: GUILD,
        owner: OWNER,
        roles: [
            (EVERYONE, role(0, everyone)),
            (RED, role(1, Permissions::ADD_REACTIONS)),
            (BLUE, role(2, Permissions::empty())),
        ]
        .into(),
    }
}

fn steps(
    permission: Permission,
    rules: &GuildRules,
    user: UserId,
    member: &Membership,
    overwrites: &[Overwrite],
) -> Vec<Step> {
    let told = channel(rules, user, member, overwrites, now());
    told[permission as usize].steps.clone()
}

#[test]
fn rules_are_named_in_their_order() {
    let both = Membership {
        roles: vec![BLUE, RED],
        timed_out_until: Some(now() + TimeDelta::seconds(1)),
    };
    let (send, none) = (Permissions::SEND_MESSAGES, Permissions::empty());
    let overwrite = |target, allow, deny| Overwrite { target, allow, deny };
    let overwrites = [
        overwrite(Target::Member(MEMBER), send, none),
        overwrite(Target::Role(RED), send, none),
        overwrite(Target::Role(BLUE), none, send | Permissions::CONNECT),
        overwrite(Target::Role(EVERYONE), send, send),
    ];
    assert_eq!(
        steps(Permission::SendMessages, &rules(), MEMBER, &both, &overwrites),
        [
            allows(Rule::Role(EVERYONE)),
            allows(Rule::EveryoneOverwrite),
            denies(Rule::RoleOverwrite(BLUE)),
            allows(Rule::RoleOverwrite(RED)),
            allows(Rule::MemberOverwrite),
            denies(Rule::TimedOut),
        ]
    );
    assert_eq!(
        steps(Permission::AddReactions, &rules(), MEMBER, &both, &overwrites),
        [allows(Rule::Role(RED)), denies(Rule::TimedOut)]
    );
    assert_eq!(
        steps(Permission::ViewChannel, &rules(), MEMBER, &both, &overwrites),
        [allows(Rule::Role(EVERYONE))]
    );
    assert_eq!(
        steps(Permission::BanMembers, &rules(), MEMBER, &both, &overwrites),
        []
    );
    let mute = [overwrite(Target::Role(EVERYONE), none, send)];
    assert_eq!(
        steps(
            Permission::EmbedLinks,
            &rules(),
            MEMBER,
            &Membership::default(),
            &mute
        ),
        [allows(Rule::Role(EVERYONE)), denies(Rule::NoSendMessages)]
    );
    assert_eq!(
        steps(Permission::EmbedLinks, &rules(), OWNER, &both, &mute),
        [allows(Rule::Owner)]
    );
    let mut led = rules();
    led.roles.get_mut(&BLUE).unwrap().permissions = Permissions::ADMINISTRATOR;
    assert_eq!(
        steps(Permission::BanMembers, &led, MEMBER, &both, &mute),
        [allows(Rule::Administrator(BLUE))]
    );
}
