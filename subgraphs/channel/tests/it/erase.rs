//! Guilds and accounts that go: at once for everybody, and then, step by step, from the tables.

use crate::house::{House, id};
use chrono::TimeDelta;
use commons_entities::{
    ExportId, GuildId,
    channel::{
        audit_entry, channel, guild, guild_ban, guild_member, guild_timeout, invite, member_role,
        permission_overwrite, role,
    },
};
use commons_jobs::{Effect, Owner, export};
use commons_platform::clock::Clock;
use commons_testing::Client;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

#[tokio::test]
async fn a_deleted_guild_is_gone_at_once_for_everybody() {
    let house = House::new().await;
    let code = house.invite(json!({})).await;
    let mut live = house.follow_from_head(&house.bob).await;
    let mut messages = house.owed_to(Owner::Message);
    let input = json!({ "guildId": house.guild });
    assert_eq!(
        house.reason(&house.bob, "deleteGuild", input.clone()).await,
        "NOT_OWNER"
    );
    let deleted = house
        .mutate(&house.alice, "deleteGuild", input.clone(), "guildId")
        .await;
    assert_eq!(deleted, input);
    assert_eq!(live.end().await, "NOT_FOUND");
    let guild: GuildId = house.guild.parse().unwrap();
    assert_eq!(messages.next().await, Effect::EraseGuild { guild });

    for who in [&house.alice, &house.bob] {
        let of = house.of(who);
        assert_eq!(house.guild(who, "id").await, json!(null));
        let guilds = of.data("{ guilds { nodes { id } } }", json!({})).await;
        assert_eq!(guilds["guilds"]["nodes"], json!([]));
        let channel = "query($id: ID!) { channel(id: $id) { id } }";
        let channel = of.data(channel, json!({ "id": house.general })).await;
        assert_eq!(channel, json!({ "channel": null }));
        let create = json!({ "guildId": house.guild, "name": "late" });
        assert_eq!(house.reason(who, "createChannel", create).await, "NOT_FOUND");
    }
    assert_eq!(
        house.reason(&house.alice, "deleteGuild", input).await,
        "NOT_FOUND"
    );
    let preview = "query($code: String!) { invite(code: $code) { guildName } }";
    let preview = Client::anonymous(&house.subgraph)
        .data(preview, json!({ "code": code }))
        .await;
    assert_eq!(preview, json!({ "invite": null }));
    let late = house
        .reason(&house.stranger, "acceptInvite", json!({ "code": code }))
        .await;
    assert_eq!(late, "NOT_FOUND");
}

#[tokio::test]
async fn a_deleted_guild_counts_for_nobody() {
    let house = House::new().await;
    for number in 0..99 {
        let input = json!({ "name": format!("Guild {number}") });
        house
            .mutate(&house.alice, "createGuild", input, "__typename")
            .await;
    }
    let more = json!({ "name": "One more" });
    assert_eq!(
        house.reason(&house.alice, "createGuild", more.clone()).await,
        "TOO_MANY_GUILDS"
    );
    let input = json!({ "guildId": house.guild });
    house
        .mutate(&house.alice, "deleteGuild", input, "__typename")
        .await;
    house
        .mutate(&house.alice, "createGuild", more, "__typename")
        .await;
}

#[tokio::test]
async fn nothing_is_left_of_an_erased_guild_but_ids() {
    let house = House::new().await;
    let role = house.role("crew", json!([])).await;
    house.assign(&role, &house.bob).await;
    house.hidden_channel().await;
    let until = house.world.clock.now() + TimeDelta::days(1);
    for (who, name) in [(&house.stranger, "banMember"), (&house.carol, "timeoutMember")] {
        let mut input = json!({ "guildId": house.guild, "userId": id(who.user) });
        if name == "timeoutMember" {
            input["until"] = json!(until);
        }
        house.mutate(&house.alice, name, input, "__typename").await;
    }
    let input = json!({ "guildId": house.guild });
    house
        .mutate(&house.carol, "leaveGuild", input.clone(), "__typename")
        .await;
    let other = json!({ "name": "Other" });
    let other = house
        .mutate(&house.alice, "createGuild", other, "guild { id }")
        .await;
    let guild: GuildId = house.guild.parse().unwrap();
    // A guild that is not deleted is not erased, whatever a job says.
    house.do_duty(Effect::EraseGuild { guild }).await;
    assert_eq!(house.guild(&house.alice, "name").await["name"], "Harbour");

    house
        .mutate(&house.alice, "deleteGuild", input, "__typename")
        .await;
    for _ in 0..2 {
        house.do_duty(Effect::EraseGuild { guild }).await;
    }
    let db = house.world.platform.db.read();
    macro_rules! left {
        ($($table:ident)*) => {
            [$($table::Entity::find().filter($table::Column::GuildId.eq(guild)).count(db).await.unwrap()),*]
        };
    }
    let left = left!(guild_member member_role guild_ban guild_timeout invite audit_entry role);
    assert_eq!(left, [0; 7]);
    assert_eq!(permission_overwrite::Entity::find().count(db).await.unwrap(), 0);
    let row = guild::Entity::find_by_id(guild).one(db).await.unwrap().unwrap();
    assert_eq!((row.name.as_str(), row.description), ("", None));
    let channels = channel::Entity::find().filter(channel::Column::GuildId.eq(guild));
    let channels = channels.all(db).await.unwrap();
    assert_eq!(
        channels.len(),
        2,
        "other domains find by them what is theirs to erase"
    );
    assert!(
        channels
            .iter()
            .all(|row| row.name.is_empty() && row.topic.is_none())
    );
    assert_eq!(commons_streams::log::head(db, guild.0).await.unwrap(), None);
    let document = "query($id: ID!) { guild(id: $id) { name memberCount } }";
    let other = house
        .of(&house.alice)
        .data(document, json!({ "id": other["guild"]["id"] }))
        .await;
    assert_eq!(other["guild"], json!({ "name": "Other", "memberCount": 1 }));
}

#[tokio::test]
async fn an_erased_account_is_nowhere_and_comes_nowhere() {
    let house = House::new().await;
    let code = house.invite(json!({})).await;
    let input = json!({ "guildId": house.guild });
    let made = house
        .mutate(&house.bob, "createInvite", input, "invite { code }")
        .await;
    let name = json!({ "guildId": house.guild, "userId": id(house.bob.user), "nickname": "Bobby" });
    house.mutate(&house.bob, "updateMember", name, "__typename").await;
    let show = json!({ "channelId": house.general, "overwrite": { "userId": id(house.bob.user), "allow": ["SEND_MESSAGES"] } });
    house
        .mutate(&house.alice, "setOverwrite", show, "__typename")
        .await;
    let mut seen = house.follow_from_head(&house.carol).await;

    let effect = Effect::EraseAccount {
        user: house.bob.user,
        erase_messages: false,
    };
    for _ in 0..2 {
        house.do_duty(effect.clone()).await;
    }
    loop {
        let event = seen.event().await;
        if event["__typename"] == "MemberLeft" {
            assert_eq!(event["user"]["id"], id(house.bob.user));
            break;
        }
    }
    let guild = house
        .guild(
            &house.alice,
            "memberCount channels { overwrites { allow } } invites { nodes { code creator { id } } }",
        )
        .await;
    assert_eq!(guild["memberCount"], 2);
    assert_eq!(guild["channels"][0]["overwrites"], json!([]));
    let invites = guild["invites"]["nodes"].as_array().unwrap();
    let own = invites
        .iter()
        .find(|invite| invite["code"] == made["invite"]["code"])
        .unwrap();
    assert_eq!(
        own["creator"],
        json!(null),
        "the way in stays, and says not whose it was"
    );
    let db = house.world.platform.db.read();
    let rows = guild_member::Entity::find().filter(guild_member::Column::UserId.eq(house.bob.user));
    assert_eq!(rows.count(db).await.unwrap(), 0);
    // A session that has not ended yet joins nothing.
    assert_eq!(
        house
            .reason(&house.bob, "acceptInvite", json!({ "code": code }))
            .await,
        "NOT_FOUND"
    );
    assert_eq!(
        house
            .reason(&house.bob, "createGuild", json!({ "name": "Mine" }))
            .await,
        "NOT_FOUND"
    );
}

#[tokio::test]
async fn a_guild_without_its_owner_goes_to_the_highest_member() {
    let house = House::new().await;
    let alone = json!({ "name": "Alone" });
    let alone = house
        .mutate(&house.alice, "createGuild", alone, "guild { id }")
        .await;
    let (low, high) = (
        house.role("low", json!([])).await,
        house.role("high", json!([])).await,
    );
    let order = json!({ "guildId": house.guild, "roleIds": [high, low] });
    house.mutate(&house.alice, "moveRoles", order, "__typename").await;
    house.assign(&low, &house.bob).await;
    house.assign(&high, &house.carol).await;
    let mut messages = house.owed_to(Owner::Message);
    house
        .do_duty(Effect::EraseAccount {
            user: house.alice.user,
            erase_messages: true,
        })
        .await;
    let guild = house.guild(&house.carol, "owner { id } memberCount").await;
    assert_eq!(
        guild,
        json!({ "owner": { "id": id(house.carol.user) }, "memberCount": 2 })
    );
    let guild: GuildId = alone["guild"]["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(messages.next().await, Effect::EraseGuild { guild });
}

#[tokio::test]
async fn an_export_has_memberships_and_invites() {
    let house = House::new().await;
    let role = house.role("crew", json!([])).await;
    house.assign(&role, &house.bob).await;
    let input = json!({ "guildId": house.guild });
    let made = house
        .mutate(&house.bob, "createInvite", input, "invite { id code }")
        .await;
    let (db, now) = (&house.world.platform.db, house.world.clock.now());
    let id = ExportId(house.world.clock.new_id());
    let tx = db.begin().await.unwrap();
    // Its jobs are run here by hand.
    let (_, _jobs) = export::begin(&tx, id, house.bob.user, now).await.unwrap();
    tx.commit().await.unwrap();
    house
        .do_duty(Effect::ExportAccount {
            export: id,
            user: house.bob.user,
        })
        .await;
    let parts = exported(&house, id).await;
    assert_eq!(
        parts["memberships"],
        json!([{ "guild": { "id": house.guild, "name": "Harbour" }, "owner": false, "nickname": null,
                 "joinedAt": "2023-11-14T22:13:20Z", "timedOutUntil": null, "roles": ["crew"] }])
    );
    assert_eq!(parts["invites"][0]["code"], made["invite"]["code"]);
    assert_eq!(parts["invites"].as_array().unwrap().len(), 1);
}

async fn exported(house: &House, id: ExportId) -> Value {
    use commons_entities::job::data_export_part::{Column, Entity};
    let rows = Entity::find().filter(Column::ExportId.eq(id));
    let rows = rows.all(house.world.platform.db.read()).await.unwrap();
    let mut parts = json!({});
    for row in rows {
        assert_eq!(row.owner, "channel");
        parts[row.subject] = serde_json::from_str(&row.body).unwrap();
    }
    parts
}
