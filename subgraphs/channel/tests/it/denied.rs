//! Hidden and unknown are one answer, over every root field; who is nobody changes nothing.

use crate::house::{House, id};
use commons_entities::{ChannelId, GuildId, InviteId, RoleId};
use commons_platform::clock::Clock;
use commons_testing::Client;
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const INTROSPECTION: &str = "{ __schema { queryType { fields { name } } mutationType { fields { name } }
    subscriptionType { fields { name } } } }";

/// Root fields that name nothing which could be hidden.
const NAMELESS: &[&str] = &["createGuild", "guilds", "_entities", "_service"];

/// What a root field can name: things that are there and hidden, or things that nobody made.
pub(crate) struct Named {
    guild: String,
    pub(crate) channel: String,
    role: String,
    invite: String,
    code: String,
    user: String,
}

/// Each root field with the arguments that name something, and what it selects.
pub(crate) fn cases(named: &Named) -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let Named {
        guild,
        channel,
        role,
        invite,
        code,
        user,
    } = named;
    let mutation = |name, input| (name, "mutation", json!({ "input": input }), "__typename");
    vec![
        ("guild", "query", json!({ "id": guild }), "id name"),
        ("channel", "query", json!({ "id": channel }), "id name"),
        ("invite", "query", json!({ "code": code }), "guildName"),
        (
            "explainPermissions",
            "query",
            json!({ "userId": user, "channelId": channel }),
            "permission",
        ),
        ("guildEvents", "subscription", json!({ "guildId": guild }), "seq"),
        mutation("updateGuild", json!({ "guildId": guild, "name": "Port" })),
        mutation("transferGuild", json!({ "guildId": guild, "userId": user })),
        mutation("deleteGuild", json!({ "guildId": guild })),
        mutation("createChannel", json!({ "guildId": guild, "name": "x" })),
        mutation("updateChannel", json!({ "channelId": channel, "name": "x" })),
        mutation(
            "moveChannels",
            json!({ "guildId": guild, "channelIds": [channel] }),
        ),
        mutation("deleteChannel", json!({ "channelId": channel })),
        mutation("archiveChannel", json!({ "channelId": channel })),
        mutation("unarchiveChannel", json!({ "channelId": channel })),
        mutation("createRole", json!({ "guildId": guild, "name": "x" })),
        mutation("updateRole", json!({ "roleId": role, "name": "x" })),
        mutation("moveRoles", json!({ "guildId": guild, "roleIds": [role] })),
        mutation("deleteRole", json!({ "roleId": role })),
        mutation("assignRole", json!({ "roleId": role, "userId": user })),
        mutation("unassignRole", json!({ "roleId": role, "userId": user })),
        mutation(
            "setOverwrite",
            json!({ "channelId": channel, "overwrite": { "roleId": role } }),
        ),
        mutation("clearOverwrite", json!({ "channelId": channel, "roleId": role })),
        mutation("createInvite", json!({ "guildId": guild })),
        mutation("revokeInvite", json!({ "inviteId": invite })),
        mutation("acceptInvite", json!({ "code": code })),
        mutation("leaveGuild", json!({ "guildId": guild })),
        mutation("kickMember", json!({ "guildId": guild, "userId": user })),
        mutation("banMember", json!({ "guildId": guild, "userId": user })),
        mutation("unbanMember", json!({ "guildId": guild, "userId": user })),
        mutation("timeoutMember", json!({ "guildId": guild, "userId": user })),
        mutation(
            "updateMember",
            json!({ "guildId": guild, "userId": user, "nickname": "x" }),
        ),
    ]
}

pub(crate) async fn answer(
    client: &Client<'_>,
    (name, kind, arguments, selection): &(&str, &str, Value, &str),
) -> Value {
    let arguments = arguments.as_object().unwrap();
    let ty = |argument: &str| match argument {
        "input" => format!("{}{}Input!", name[..1].to_uppercase(), &name[1..]),
        "code" => "String!".to_owned(),
        _ => "ID!".to_owned(),
    };
    let declared: Vec<_> = arguments
        .keys()
        .map(|key| format!("${key}: {}", ty(key)))
        .collect();
    let given: Vec<_> = arguments.keys().map(|key| format!("{key}: ${key}")).collect();
    let document = format!(
        "{kind}({}) {{ {name}({}) {{ {selection} }} }}",
        declared.join(", "),
        given.join(", ")
    );
    if *kind == "subscription" {
        let responses = client
            .subscribe(&document, json!(arguments))
            .collect::<Vec<_>>()
            .await;
        return json!(responses);
    }
    client.send(&document, json!(arguments)).await
}

pub(crate) async fn hidden(house: &House) -> Named {
    let role = house.role("crew", json!([])).await;
    let made = house.mutate(
        &house.alice,
        "createInvite",
        json!({ "guildId": house.guild }),
        "invite { id code }",
    );
    let made = made.await;
    let revoked = json!({ "inviteId": made["invite"]["id"] });
    house
        .mutate(&house.alice, "revokeInvite", revoked, "__typename")
        .await;
    Named {
        guild: house.guild.clone(),
        channel: house.hidden_channel().await,
        role,
        invite: made["invite"]["id"].as_str().unwrap().to_owned(),
        code: made["invite"]["code"].as_str().unwrap().to_owned(),
        user: id(house.bob.user),
    }
}

fn unknown(house: &House) -> Named {
    let new = || house.world.clock.new_id();
    Named {
        guild: GuildId(new()).to_string(),
        channel: ChannelId(new()).to_string(),
        role: RoleId(new()).to_string(),
        invite: InviteId(new()).to_string(),
        code: "0000000000".to_owned(),
        user: id(house.bob.user),
    }
}

#[tokio::test]
async fn a_stranger_cannot_tell_hidden_from_unknown() {
    let house = House::new().await;
    let (hidden, unknown) = (hidden(&house).await, unknown(&house));
    let client = house.of(&house.stranger);
    for (there, nowhere) in cases(&hidden).iter().zip(&cases(&unknown)) {
        let (there_is, there_is_not) = (answer(&client, there).await, answer(&client, nowhere).await);
        assert_eq!(there_is, there_is_not, "{}", there.0);
        let refused = there_is.to_string().contains("NOT_FOUND");
        assert_eq!(refused, there.1 != "query", "{}: {there_is:#}", there.0);
    }
}

#[tokio::test]
async fn a_member_cannot_tell_a_hidden_channel_from_an_unknown_one() {
    let house = House::new().await;
    let (mut hidden, unknown) = (hidden(&house).await, unknown(&house));
    house
        .empower(&house.bob, json!(["MANAGE_CHANNELS", "MANAGE_ROLES"]))
        .await;
    // The guild is Bob's own in both; only the channel differs.
    let mut nowhere = unknown;
    nowhere.guild.clone_from(&hidden.guild);
    nowhere.role.clone_from(&hidden.role);
    hidden.user = id(house.carol.user);
    let names_channel = [
        "channel",
        "explainPermissions",
        "updateChannel",
        "moveChannels",
        "deleteChannel",
        "archiveChannel",
        "unarchiveChannel",
        "setOverwrite",
        "clearOverwrite",
    ];
    let client = house.of(&house.bob);
    for (there, nowhere) in cases(&hidden).iter().zip(&cases(&nowhere)) {
        if names_channel.contains(&there.0) {
            assert_eq!(
                answer(&client, there).await,
                answer(&client, nowhere).await,
                "{}",
                there.0
            );
        }
    }
}

#[tokio::test]
async fn who_is_nobody_reads_nothing_and_changes_nothing() {
    let house = House::new().await;
    let named = hidden(&house).await;
    // An audience is nobody but in its own channel.
    for client in [Client::anonymous(&house.subgraph), house.audience(&house.general)] {
        for case in cases(&named) {
            let answered = answer(&client, &case).await;
            match case.1 {
                "query" => assert_eq!(answered["data"][case.0], json!(null), "{}", case.0),
                _ => assert!(
                    answered.to_string().contains("UNAUTHENTICATED"),
                    "{}: {answered:#}",
                    case.0
                ),
            }
        }
        for document in [
            "{ guilds { nodes { id } } }",
            "mutation { createGuild(input: { name: \"x y\" }) { guild { id } } }",
        ] {
            assert_eq!(client.error(document, json!({})).await["code"], "UNAUTHENTICATED");
        }
    }
}

#[tokio::test]
async fn references_to_what_is_hidden_are_null() {
    let house = House::new().await;
    let named = hidden(&house).await;
    let document = "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }";
    let of = |named: &Named| {
        json!({ "r": [
            { "__typename": "Guild", "id": named.guild }, { "__typename": "Channel", "id": named.channel },
            { "__typename": "Role", "id": named.role }, { "__typename": "Invite", "id": named.invite },
            { "__typename": "Guild", "id": "nonsense" },
        ] })
    };
    for client in [
        house.of(&house.stranger),
        Client::anonymous(&house.subgraph),
        house.audience(&house.general),
    ] {
        let nothing = json!({ "_entities": [null, null, null, null, null] });
        assert_eq!(client.data(document, of(&named)).await, nothing);
        assert_eq!(client.data(document, of(&unknown(&house))).await, nothing);
    }
    let seen = house.of(&house.alice).data(document, of(&named)).await;
    let kinds = ["Guild", "Channel", "Role", "Invite"].map(|kind| json!({ "__typename": kind }));
    assert_eq!(seen["_entities"].as_array().unwrap()[..4], kinds);
}

/// A new root field gets its case here, or a reason why there is nothing to hide.
#[tokio::test]
async fn every_root_field_has_a_case() {
    let house = House::new().await;
    let schema = Client::anonymous(&house.subgraph)
        .data(INTROSPECTION, json!({}))
        .await;
    let fields: BTreeSet<String> = ["queryType", "mutationType", "subscriptionType"]
        .iter()
        .flat_map(|root| schema["__schema"][root]["fields"].as_array().unwrap().clone())
        .map(|field| field["name"].as_str().unwrap().to_owned())
        .collect();
    let covered = cases(&unknown(&house))
        .into_iter()
        .map(|case| case.0)
        .chain(NAMELESS.iter().copied());
    assert_eq!(fields, covered.map(str::to_owned).collect());
}

/// Lists of a guild that its members do not all see; a new one gets its case here.
#[tokio::test]
async fn a_member_sees_no_list_that_wants_a_permission() {
    let house = House::new().await;
    for (list, permission) in [
        ("invites", "MANAGE_GUILD"),
        ("bans", "BAN_MEMBERS"),
        ("auditLog", "VIEW_AUDIT_LOG"),
    ] {
        let document =
            format!("query($id: ID!) {{ guild(id: $id) {{ name {list} {{ nodes {{ __typename }} }} }} }}");
        let variables = json!({ "id": house.guild });
        let refused = house.of(&house.carol).send(&document, variables.clone()).await;
        assert_eq!(refused["data"]["guild"]["name"], "Harbour");
        assert_eq!(refused["data"]["guild"][list], json!(null));
        assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN");
        house.empower(&house.carol, json!([permission])).await;
        house.of(&house.carol).data(&document, variables).await;
    }
}
