//! Several at once, also from two processes: what is counted, ranked and placed holds on both databases.

use crate::house::{House, id};
use commons_access::Access;
use commons_channel::service::{ImportedAudience, ImportedChannel, import_channels, import_guild};
use commons_entities::{
    InviteId,
    channel::{invite, permission_overwrite, role},
};
use commons_platform::clock::Clock;
use commons_testing::{Client, Identity};
use futures_util::future::join_all;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const CREATE_CHANNEL: &str =
    "mutation($input: CreateChannelInput!) { createChannel(input: $input) { channel { position } } }";
const CREATE_GUILD: &str =
    "mutation($input: CreateGuildInput!) { createGuild(input: $input) { guild { id } } }";
const CREATE_ROLE: &str = "mutation($input: CreateRoleInput!) { createRole(input: $input) { role { id } } }";
const ACCEPT: &str = "mutation($input: AcceptInviteInput!) { acceptInvite(input: $input) { guild { id } } }";

/// The answers to one document, sent by turns to two processes, all at once.
async fn at_once(house: &House, asks: Vec<(&Identity, &str, Value)>) -> Vec<Value> {
    let other = house.another_process().await;
    let asked = asks
        .into_iter()
        .enumerate()
        .map(|(number, (who, document, input))| {
            let subgraph = [&house.subgraph, &other.subgraph][number % 2];
            let client = Client::of(subgraph, who);
            async move { client.send(document, json!({ "input": input })).await }
        });
    let answers = join_all(asked).await;
    house.access.changes().read().await.unwrap();
    for answer in &answers {
        let code = &answer["errors"][0]["extensions"]["code"];
        assert_ne!(code, "INTERNAL", "{answer:#}");
        assert_ne!(code, "OVERLOADED", "{answer:#}");
    }
    answers
}

fn passed(answers: &[Value]) -> Vec<&Value> {
    let answers = answers.iter().filter(|answer| answer.get("errors").is_none());
    answers.map(|answer| &answer["data"]).collect()
}

fn reasons(answers: &[Value]) -> BTreeSet<&str> {
    let errors = answers
        .iter()
        .filter_map(|answer| answer["errors"][0].get("extensions"));
    errors
        .map(|error| error.get("reason").unwrap_or(&error["code"]).as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_last_use_of_an_invite_is_one_persons() {
    let house = House::new().await;
    let mut people = Vec::new();
    for number in 0..6 {
        people.push(house.world.person(&format!("late{number}")).await);
    }
    for uses in [1, 3] {
        let code = house.invite(json!({ "maxUses": uses })).await;
        let asks = people
            .iter()
            .map(|person| (person, ACCEPT, json!({ "code": code })));
        let answers = at_once(&house, asks.collect()).await;
        assert_eq!(passed(&answers).len(), uses);
        assert_eq!(reasons(&answers), ["NOT_FOUND"].into());
        for (person, answer) in people.iter().zip(&answers) {
            if answer.get("errors").is_none() {
                let left = json!({ "guildId": house.guild });
                house.mutate(person, "leaveGuild", left, "__typename").await;
            }
        }
    }
}

#[tokio::test]
async fn the_last_channel_is_one() {
    let house = House::new().await;
    let many: Vec<_> = (0..498)
        .map(|number| ImportedChannel {
            external_id: number.to_string(),
            name: format!("channel {number}"),
            topic: None,
            created_at: house.world.clock.now(),
            audience: ImportedAudience::Everyone,
        })
        .collect();
    import_channels(&house.service, house.guild.parse().unwrap(), "test", &many)
        .await
        .unwrap();
    let input = json!({ "guildId": house.guild, "name": "one more" });
    let answers = at_once(&house, vec![(&house.alice, CREATE_CHANNEL, input); 6]).await;
    let made = passed(&answers);
    assert_eq!(made.len(), 1);
    assert_eq!(made[0]["createChannel"]["channel"]["position"], 499);
    assert_eq!(reasons(&answers), ["TOO_MANY_CHANNELS"].into());
}

#[tokio::test]
async fn channels_made_at_once_have_places_of_their_own() {
    let house = House::new().await;
    let input = json!({ "guildId": house.guild, "name": "one more" });
    let answers = at_once(&house, vec![(&house.alice, CREATE_CHANNEL, input); 8]).await;
    let places = passed(&answers);
    let places: BTreeSet<i64> = places
        .iter()
        .map(|made| made["createChannel"]["channel"]["position"].as_i64().unwrap())
        .collect();
    assert_eq!(places, (1..=8).collect());
}

#[tokio::test]
async fn roles_made_and_moved_at_once_have_ranks_of_their_own() {
    let house = House::new().await;
    let (a, b) = (house.role("a", json!([])).await, house.role("b", json!([])).await);
    let moved = "mutation($input: MoveRolesInput!) { moveRoles(input: $input) { guild { id } } }";
    let mut asks = Vec::new();
    for number in 0..10 {
        let order = if number % 4 < 2 { [&a, &b] } else { [&b, &a] };
        asks.push(match number % 2 {
            0 => (
                &house.alice,
                CREATE_ROLE,
                json!({ "guildId": house.guild, "name": "new" }),
            ),
            _ => (
                &house.alice,
                moved,
                json!({ "guildId": house.guild, "roleIds": order }),
            ),
        });
    }
    let answers = at_once(&house, asks).await;
    assert_eq!(passed(&answers).len(), 10, "{answers:#?}");
    let guild: commons_entities::GuildId = house.guild.parse().unwrap();
    let rows = role::Entity::find().filter(role::Column::GuildId.eq(guild));
    let rows = rows.all(house.world.platform.db.read()).await.unwrap();
    let ranks: BTreeSet<i32> = rows.iter().map(|row| row.position).collect();
    assert_eq!(ranks, (0..8).collect());
}

#[tokio::test]
async fn the_last_role_is_one() {
    let house = House::new().await;
    let guild: commons_entities::GuildId = house.guild.parse().unwrap();
    let rows = (1..249).map(|position| role::Model {
        id: commons_entities::RoleId(house.world.clock.new_id()),
        guild_id: guild,
        name: "role".to_owned(),
        position,
        permissions: 0,
        color: None,
        hoist: false,
        mentionable: false,
        created_at: house.world.clock.now(),
        rev: 1,
    });
    let rows = rows.map(|row| role::ActiveModel::from(row).reset_all());
    let db = &house.world.platform.db;
    role::Entity::insert_many(rows)
        .exec_without_returning(db.writer())
        .await
        .unwrap();
    let input = json!({ "guildId": house.guild, "name": "last" });
    let answers = at_once(&house, vec![(&house.alice, CREATE_ROLE, input); 4]).await;
    assert_eq!(passed(&answers).len(), 1);
    assert_eq!(reasons(&answers), ["TOO_MANY_ROLES"].into());
}

#[tokio::test]
async fn the_last_invite_is_one() {
    let house = House::new().await;
    let clock = &house.world.clock;
    let rows = (0..998).map(|number| invite::Model {
        id: InviteId(clock.new_id()),
        code: format!("code{number:06}"),
        guild_id: house.guild.parse().unwrap(),
        channel_id: None,
        creator_id: house.alice.user,
        max_uses: None,
        uses: 0,
        expires_at: None,
        revoked_at: None,
        created_at: clock.now(),
    });
    let rows = rows.map(|row| invite::ActiveModel::from(row).reset_all());
    let db = &house.world.platform.db;
    invite::Entity::insert_many(rows)
        .exec_without_returning(db.writer())
        .await
        .unwrap();
    let create = "mutation($input: CreateInviteInput!) { createInvite(input: $input) { invite { id } } }";
    let input = json!({ "guildId": house.guild });
    let answers = at_once(&house, vec![(&house.alice, create, input); 5]).await;
    assert_eq!(passed(&answers).len(), 1);
    assert_eq!(reasons(&answers), ["TOO_MANY_INVITES"].into());
}

#[tokio::test]
async fn the_last_guild_of_a_user_is_one() {
    let house = House::new().await;
    for number in 0..97 {
        let input = json!({ "name": format!("Guild {number}") });
        house.mutate(&house.bob, "createGuild", input, "__typename").await;
    }
    // Two ways into a guild of somebody else, and four of one's own.
    let mut codes = Vec::new();
    for _ in 0..2 {
        let made = house
            .mutate(
                &house.carol,
                "createGuild",
                json!({ "name": "Elsewhere" }),
                "guild { id }",
            )
            .await;
        let input = json!({ "guildId": made["guild"]["id"] });
        let made = house
            .mutate(&house.carol, "createInvite", input, "invite { code }")
            .await;
        codes.push(made["invite"]["code"].clone());
    }
    let mut asks = vec![(&house.bob, CREATE_GUILD, json!({ "name": "One more" })); 4];
    asks.extend(
        codes
            .iter()
            .map(|code| (&house.bob, ACCEPT, json!({ "code": code }))),
    );
    let answers = at_once(&house, asks).await;
    assert_eq!(passed(&answers).len(), 2, "{answers:#?}");
    assert_eq!(reasons(&answers), ["TOO_MANY_GUILDS"].into());
}

#[tokio::test]
async fn an_owner_is_always_a_member() {
    let transfer = "mutation($input: TransferGuildInput!) { transferGuild(input: $input) { guild { id } } }";
    let leave = "mutation($input: LeaveGuildInput!) { leaveGuild(input: $input) { guildId } }";
    for _ in 0..4 {
        let house = House::new().await;
        let to = json!({ "guildId": house.guild, "userId": id(house.bob.user) });
        let asks = vec![
            (&house.alice, transfer, to),
            (&house.bob, leave, json!({ "guildId": house.guild })),
        ];
        let answers = at_once(&house, asks).await;
        assert_eq!(passed(&answers).len(), 1, "{answers:#?}");
        let reasons = reasons(&answers);
        assert!(
            reasons == ["OWNER_CANNOT_LEAVE"].into() || reasons == ["NOT_FOUND"].into(),
            "{reasons:?}"
        );
        let guild = house
            .guild(&house.carol, "owner { id } members { nodes { user { id } } }")
            .await;
        let members = guild["members"]["nodes"].as_array().unwrap();
        assert!(
            members.iter().any(|member| member["user"] == guild["owner"]),
            "{guild:#}"
        );
    }
}

#[tokio::test]
async fn who_is_banned_while_they_join_is_not_in() {
    let ban = "mutation($input: BanMemberInput!) { banMember(input: $input) { ban { user { id } } } }";
    for _ in 0..4 {
        let house = House::new().await;
        let code = house.invite(json!({})).await;
        let whom = json!({ "guildId": house.guild, "userId": id(house.stranger.user) });
        let asks = vec![
            (&house.stranger, ACCEPT, json!({ "code": code })),
            (&house.alice, ban, whom),
        ];
        let answers = at_once(&house, asks).await;
        assert!(answers[1].get("errors").is_none(), "{answers:#?}");
        assert_eq!(house.guild(&house.stranger, "id").await, json!(null));
        assert_eq!(house.guild(&house.alice, "memberCount").await["memberCount"], 3);
    }
}

#[tokio::test]
async fn one_role_goes_to_one_member_once() {
    let house = House::new().await;
    let role = house.role("crew", json!([])).await;
    let assign =
        "mutation($input: AssignRoleInput!) { assignRole(input: $input) { member { roles { id } } } }";
    let input = json!({ "roleId": role, "userId": id(house.bob.user) });
    let answers = at_once(&house, vec![(&house.alice, assign, input.clone()); 6]).await;
    assert_eq!(passed(&answers).len(), 6, "{answers:#?}");
    // A role that is deleted meanwhile is held by nobody.
    let delete = "mutation($input: DeleteRoleInput!) { deleteRole(input: $input) { guild { id } } }";
    let unassign = json!({ "roleId": role, "userId": id(house.bob.user) });
    house
        .mutate(&house.alice, "unassignRole", unassign, "__typename")
        .await;
    let mut asks = vec![(&house.alice, assign, input); 3];
    asks.push((&house.alice, delete, json!({ "roleId": role })));
    let answers = at_once(&house, asks).await;
    assert!(answers[3].get("errors").is_none(), "{answers:#?}");
    let member = house.guild(&house.bob, "viewerMember { roles { id } }").await;
    assert_eq!(member["viewerMember"]["roles"], json!([]));
}

#[tokio::test]
async fn an_overwrite_is_one_row() {
    let house = House::new().await;
    let set = "mutation($input: SetOverwriteInput!) { setOverwrite(input: $input) { channel { id } } }";
    let input = json!({ "channelId": house.general, "overwrite": { "roleId": house.everyone, "deny": ["SEND_MESSAGES"] } });
    let answers = at_once(&house, vec![(&house.alice, set, input); 6]).await;
    assert_eq!(passed(&answers).len(), 6, "{answers:#?}");
    let channel: commons_entities::ChannelId = house.general.parse().unwrap();
    let rows = permission_overwrite::Entity::find()
        .filter(permission_overwrite::Column::ChannelId.eq(channel))
        .count(house.world.platform.db.read())
        .await;
    assert_eq!(rows.unwrap(), 1);
}

#[tokio::test]
async fn one_name_is_imported_into_one_guild() {
    let house = House::new().await;
    let founded = (0..5).map(|_| import_guild(&house.service, house.alice.user, "Imported"));
    let founded: BTreeSet<_> = join_all(founded)
        .await
        .into_iter()
        .map(|guild| guild.unwrap().to_string())
        .collect();
    assert_eq!(founded.len(), 1);
}

/// What a process has kept does not count inside a transaction.
#[tokio::test]
async fn a_process_that_has_not_heard_yet_lets_nobody_write() {
    let house = House::new().await;
    let role = house.empower(&house.bob, json!(["MANAGE_CHANNELS"])).await;
    let deaf = house.another_process().await;
    let input = json!({ "guildId": house.guild, "name": "mine" });
    let ask = || {
        let client = Client::of(&deaf.subgraph, &house.bob);
        let input = json!({ "input": input });
        async move { client.send(CREATE_CHANNEL, input).await }
    };
    assert!(ask().await.get("errors").is_none(), "and keeps what Bob may do");
    let taken = json!({ "roleId": role, "userId": id(house.bob.user) });
    house
        .mutate(&house.alice, "unassignRole", taken, "__typename")
        .await;
    let answer = ask().await;
    assert_eq!(
        answer["errors"][0]["extensions"]["reason"], "MISSING_PERMISSION",
        "{answer:#}"
    );
}
