//! The audit log: every act once, never changed, nothing in it that is hidden.

use crate::house::{House, id};
use chrono::TimeDelta;
use commons_entities::channel::audit_entry;
use commons_platform::clock::Clock;
use commons_testing::Identity;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

const ENTRY: &str =
    "action actor { id } targetId target { __typename } changes { field before after } reason at";

/// The entries that somebody sees, newest first.
async fn log(house: &House, who: &Identity, filter: Value) -> Vec<Value> {
    let document = format!(
        "query($id: ID!, $filter: AuditLogFilter) {{ guild(id: $id) {{ auditLog(filter: $filter, first: 100) {{
            nodes {{ {ENTRY} }} }} }} }}"
    );
    let variables = json!({ "id": house.guild, "filter": filter });
    let answer = house.of(who).data(&document, variables).await;
    answer["guild"]["auditLog"]["nodes"].as_array().unwrap().clone()
}

async fn actions(house: &House) -> Vec<String> {
    let entries = log(house, &house.alice, json!({})).await;
    let actions = entries.iter().rev();
    actions
        .map(|entry| entry["action"].as_str().unwrap().to_owned())
        .collect()
}

/// Every mutation that changes something leaves one entry, and those that do nothing leave none.
#[tokio::test]
async fn every_act_is_one_entry() {
    let house = House::new().await;
    assert_eq!(actions(&house).await, ["GUILD_CREATED", "INVITE_CREATED"]);
    let (guild, bob, carol) = (&house.guild, id(house.bob.user), id(house.carol.user));
    let mutate = async |name: &str, input: Value, selection: &str| {
        house.mutate(&house.alice, name, input, selection).await
    };
    let soon = house.world.clock.now() + TimeDelta::minutes(1);
    let general = &house.general;
    mutate(
        "updateGuild",
        json!({ "guildId": guild, "name": "Port" }),
        "__typename",
    )
    .await;
    mutate(
        "updateGuild",
        json!({ "guildId": guild, "name": "Port" }),
        "__typename",
    )
    .await;
    let role = mutate(
        "createRole",
        json!({ "guildId": guild, "name": "crew" }),
        "role { id }",
    )
    .await;
    let role = &role["role"]["id"];
    mutate(
        "updateRole",
        json!({ "roleId": role, "hoist": true }),
        "__typename",
    )
    .await;
    for _ in 0..2 {
        mutate(
            "assignRole",
            json!({ "roleId": role, "userId": bob }),
            "__typename",
        )
        .await;
    }
    mutate(
        "unassignRole",
        json!({ "roleId": role, "userId": bob }),
        "__typename",
    )
    .await;
    let overwrite =
        json!({ "channelId": general, "overwrite": { "roleId": role, "allow": ["MANAGE_MESSAGES"] } });
    mutate("setOverwrite", overwrite, "__typename").await;
    mutate(
        "clearOverwrite",
        json!({ "channelId": general, "roleId": role }),
        "__typename",
    )
    .await;
    mutate("deleteRole", json!({ "roleId": role }), "__typename").await;
    let made = mutate(
        "createChannel",
        json!({ "guildId": guild, "name": "news" }),
        "channel { id }",
    )
    .await;
    let news = &made["channel"]["id"];
    mutate(
        "moveChannels",
        json!({ "guildId": guild, "channelIds": [news, general] }),
        "__typename",
    )
    .await;
    mutate(
        "updateChannel",
        json!({ "channelId": news, "topic": "What is new" }),
        "__typename",
    )
    .await;
    for name in [
        "archiveChannel",
        "archiveChannel",
        "unarchiveChannel",
        "deleteChannel",
    ] {
        mutate(name, json!({ "channelId": news }), "__typename").await;
    }
    let made = mutate("createInvite", json!({ "guildId": guild }), "invite { id }").await;
    mutate(
        "revokeInvite",
        json!({ "inviteId": made["invite"]["id"] }),
        "__typename",
    )
    .await;
    let member = json!({ "guildId": guild, "userId": bob });
    let with = |more: Value| {
        let mut input = member.clone();
        input
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        input
    };
    mutate("updateMember", with(json!({ "nickname": "Bobby" })), "__typename").await;
    for until in [json!(soon), json!(soon), Value::Null, Value::Null] {
        mutate("timeoutMember", with(json!({ "until": until })), "__typename").await;
    }
    mutate("kickMember", with(json!({ "reason": "noise" })), "__typename").await;
    mutate("banMember", with(json!({ "reason": "more noise" })), "__typename").await;
    mutate("unbanMember", member.clone(), "__typename").await;
    mutate(
        "transferGuild",
        json!({ "guildId": guild, "userId": carol }),
        "__typename",
    )
    .await;

    let wanted = [
        "GUILD_CREATED",
        "INVITE_CREATED",
        "GUILD_UPDATED",
        "ROLE_CREATED",
        "ROLE_UPDATED",
        "ROLE_ASSIGNED",
        "ROLE_UNASSIGNED",
        "OVERWRITE_SET",
        "OVERWRITE_CLEARED",
        "ROLE_DELETED",
        "CHANNEL_CREATED",
        "CHANNEL_UPDATED",
        "CHANNEL_UPDATED",
        "CHANNEL_UPDATED",
        "CHANNEL_ARCHIVED",
        "CHANNEL_UNARCHIVED",
        "CHANNEL_DELETED",
        "INVITE_CREATED",
        "INVITE_REVOKED",
        "MEMBER_UPDATED",
        "MEMBER_TIMED_OUT",
        "MEMBER_TIMEOUT_ENDED",
        "MEMBER_KICKED",
        "MEMBER_BANNED",
        "MEMBER_UNBANNED",
        "GUILD_TRANSFERRED",
    ];
    // Alice owns nothing any more, and entries of deleted channels are for administrators.
    let role = house
        .role_by(&house.carol, "auditors", json!(["ADMINISTRATOR"]))
        .await;
    house.assign_by(&house.carol, &role, &house.alice).await;
    assert_eq!(actions(&house).await[..wanted.len()], wanted);
}

#[tokio::test]
async fn an_entry_says_who_what_and_why() {
    let house = House::new().await;
    let role = house.role("crew", json!(["KICK_MEMBERS"])).await;
    let input = json!({ "roleId": role, "name": "a secret crew", "permissions": ["BAN_MEMBERS"] });
    house
        .mutate(&house.alice, "updateRole", input, "__typename")
        .await;
    let kick = json!({ "guildId": house.guild, "userId": id(house.bob.user), "reason": "noise" });
    house.mutate(&house.alice, "kickMember", kick, "__typename").await;
    let entries = log(&house, &house.alice, json!({})).await;
    let at = "2023-11-14T22:13:20+00:00";
    let actor = json!({ "id": id(house.alice.user) });
    assert_eq!(
        entries[0],
        json!({ "action": "MEMBER_KICKED", "actor": actor, "targetId": id(house.bob.user),
                "target": { "__typename": "User" }, "changes": [], "reason": "noise", "at": at })
    );
    // Of texts only the length.
    assert_eq!(
        entries[1],
        json!({ "action": "ROLE_UPDATED", "actor": actor, "targetId": role, "target": { "__typename": "Role" },
                "changes": [{ "field": "name", "before": { "length": 4 }, "after": { "length": 13 } },
                            { "field": "permissions", "before": ["KICK_MEMBERS"], "after": ["BAN_MEMBERS"] }],
                "reason": null, "at": at })
    );
}

#[tokio::test]
async fn the_log_is_filtered_and_paged() {
    let house = House::new().await;
    house.empower(&house.bob, json!(["MANAGE_ROLES"])).await;
    house.world.clock.advance(TimeDelta::seconds(1));
    let now = house.world.clock.now();
    let input = json!({ "guildId": house.guild, "name": "mine" });
    let made = house.mutate(&house.bob, "createRole", input, "role { id }").await;
    let role = &made["role"]["id"];
    let seen = async |filter: Value| {
        let entries = log(&house, &house.alice, filter).await;
        let actions = entries
            .iter()
            .map(|entry| entry["action"].as_str().unwrap().to_owned());
        actions.collect::<Vec<_>>()
    };
    assert_eq!(
        seen(json!({ "actorId": id(house.bob.user) })).await,
        ["ROLE_CREATED"]
    );
    assert_eq!(seen(json!({ "since": now })).await, ["ROLE_CREATED"]);
    assert_eq!(seen(json!({ "targetId": role })).await, ["ROLE_CREATED"]);
    assert_eq!(
        seen(json!({ "targetId": id(house.bob.user) })).await,
        ["ROLE_ASSIGNED"]
    );
    assert_eq!(
        seen(json!({ "action": "GUILD_CREATED" })).await,
        ["GUILD_CREATED"]
    );
    assert_eq!(
        seen(json!({ "action": "ROLE_CREATED", "actorId": id(house.alice.user) })).await,
        ["ROLE_CREATED"]
    );
    // `@everyone` has the guild's UUID: the kind of the id counts.
    assert_eq!(seen(json!({ "targetId": house.everyone })).await, [""; 0]);
    assert_eq!(seen(json!({ "targetId": house.guild })).await, ["GUILD_CREATED"]);

    let document = "query($id: ID!, $after: String) { guild(id: $id) { auditLog(first: 2, after: $after) {
        nodes { action } pageInfo { hasNextPage endCursor } } } }";
    let (mut after, mut paged) = (json!(null), Vec::new());
    loop {
        let variables = json!({ "id": house.guild, "after": after });
        let page = house.of(&house.alice).data(document, variables).await;
        let page = &page["guild"]["auditLog"];
        paged.extend(page["nodes"].as_array().unwrap().clone());
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    let paged: Vec<String> = paged
        .iter()
        .rev()
        .map(|entry| entry["action"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(paged, actions(&house).await);
    let error = house
        .of(&house.alice)
        .error(
            "query($id: ID!) { guild(id: $id) { auditLog(filter: { targetId: \"x\" }) { nodes { id } } } }",
            json!({ "id": house.guild }),
        )
        .await;
    assert_eq!(
        (&error["field"], &error["reason"]),
        (&json!("filter.targetId"), &json!("ID_MALFORMED"))
    );
}

#[tokio::test]
async fn what_is_done_in_a_hidden_channel_is_not_shown() {
    let house = House::new().await;
    house.empower(&house.bob, json!(["VIEW_AUDIT_LOG"])).await;
    let before = log(&house, &house.bob, json!({})).await;
    let overwrites = json!([{ "roleId": house.everyone, "deny": ["VIEW_CHANNEL"] }]);
    let hidden = house
        .channel(json!({ "name": "hidden", "kind": "CATEGORY", "overwrites": overwrites }))
        .await;
    let rename = json!({ "channelId": hidden, "name": "secret" });
    house
        .mutate(&house.alice, "updateChannel", rename, "__typename")
        .await;
    let unseen = async |before: Vec<Value>, of_alice: usize| {
        assert_eq!(log(&house, &house.bob, json!({})).await, before);
        let filter = json!({ "targetId": hidden });
        assert_eq!(log(&house, &house.bob, filter.clone()).await, [json!(null); 0]);
        assert_eq!(log(&house, &house.alice, filter).await.len(), of_alice);
    };
    unseen(before, 2).await;

    // Nor is its id among the changes of what is seen.
    let under = json!({ "channelId": house.general, "parentId": hidden });
    house
        .mutate(&house.alice, "updateChannel", under, "__typename")
        .await;
    let change = |parent: Value| json!([{ "field": "parent", "before": null, "after": parent }]);
    assert_eq!(
        log(&house, &house.bob, json!({})).await[0]["changes"],
        change(Value::Null)
    );
    assert_eq!(
        log(&house, &house.alice, json!({})).await[0]["changes"],
        change(json!(hidden))
    );

    // Once it is deleted, nobody knows any more who saw it: then it is for administrators.
    let before = log(&house, &house.bob, json!({})).await;
    let gone = json!({ "channelId": hidden });
    house
        .mutate(&house.alice, "deleteChannel", gone, "__typename")
        .await;
    unseen(before, 3).await;
}

#[tokio::test]
async fn nobody_changes_an_entry() {
    let house = House::new().await;
    let changed = audit_entry::Entity::update_many()
        .col_expr(audit_entry::Column::Reason, Expr::value("another"))
        .filter(audit_entry::Column::GuildId.eq(house.guild.parse::<commons_entities::GuildId>().unwrap()))
        .exec(house.world.platform.db.writer())
        .await;
    let error = changed.unwrap_err().to_string();
    assert!(error.contains("an audit entry is never changed"), "{error}");
    let entries = log(&house, &house.alice, json!({})).await;
    assert!(entries.iter().all(|entry| entry["reason"].is_null()));
}

/// A transaction that fails leaves no entry of what it did not do.
#[tokio::test]
async fn what_was_not_done_is_not_told() {
    let house = House::new().await;
    let before = actions(&house).await;
    let input = json!({ "guildId": house.guild, "userId": id(house.stranger.user) });
    house.refused(&house.alice, "kickMember", input.clone()).await;
    house.refused(&house.alice, "unbanMember", input.clone()).await;
    house.refused(&house.alice, "transferGuild", input).await;
    assert_eq!(actions(&house).await, before);
}
