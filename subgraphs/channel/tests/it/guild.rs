//! Founding, changing and giving away guilds.

use crate::house::{House, id};
use serde_json::json;

#[tokio::test]
async fn a_founder_has_everything_ready() {
    let house = House::new().await;
    let guild = house
        .guild(
            &house.alice,
            "name description iconUrl owner { id } memberCount channels { name kind position archivedAt }
             roles { name position everyone } viewerMember { user { id } roles { id } } viewerPermissions",
        )
        .await;
    assert_eq!(guild["name"], "Harbour");
    assert_eq!(guild["owner"]["id"], id(house.alice.user));
    assert_eq!(guild["memberCount"], 3);
    assert_eq!(
        guild["channels"],
        json!([{ "name": "general", "kind": "TEXT", "position": 0, "archivedAt": null }])
    );
    assert_eq!(
        guild["roles"],
        json!([{ "name": "@everyone", "position": 0, "everyone": true }])
    );
    assert_eq!(guild["viewerMember"]["roles"], json!([]));
    assert_eq!(guild["viewerPermissions"].as_array().unwrap().len(), 37);
}

#[tokio::test]
async fn a_guild_is_changed_by_who_manages_it() {
    let house = House::new().await;
    let input = json!({ "guildId": house.guild, "name": "Port", "description": "Ships", "iconUrl": "https://x.test/a.png" });
    assert_eq!(
        house.reason(&house.bob, "updateGuild", input.clone()).await,
        "MISSING_PERMISSION"
    );
    house.empower(&house.bob, json!(["MANAGE_GUILD"])).await;
    let changed = house
        .mutate(
            &house.bob,
            "updateGuild",
            input,
            "guild { name description iconUrl }",
        )
        .await;
    assert_eq!(
        changed["guild"],
        json!({ "name": "Port", "description": "Ships", "iconUrl": "https://x.test/a.png" })
    );
    let cleared = json!({ "guildId": house.guild, "description": null });
    let cleared = house
        .mutate(
            &house.bob,
            "updateGuild",
            cleared,
            "guild { name description iconUrl }",
        )
        .await;
    assert_eq!(
        cleared["guild"],
        json!({ "name": "Port", "description": null, "iconUrl": "https://x.test/a.png" })
    );
    let seen = house.guild(&house.carol, "name description").await;
    assert_eq!(seen, json!({ "name": "Port", "description": null }));
}

#[tokio::test]
async fn bad_texts_name_their_field() {
    let house = House::new().await;
    for (input, field) in [
        (json!({ "guildId": house.guild, "name": "x" }), "name"),
        (
            json!({ "guildId": house.guild, "description": "x".repeat(501) }),
            "description",
        ),
        (
            json!({ "guildId": house.guild, "iconUrl": "http://x.test" }),
            "iconUrl",
        ),
        (json!({ "guildId": house.general }), "guildId"),
    ] {
        let refused = house.refused(&house.alice, "updateGuild", input).await;
        assert_eq!(
            (&refused["code"], &refused["field"]),
            (&json!("INVALID"), &json!(field))
        );
    }
}

#[tokio::test]
async fn a_guild_is_given_away_by_its_owner_to_a_member() {
    let house = House::new().await;
    let to = |user| json!({ "guildId": house.guild, "userId": id(user) });
    assert_eq!(
        house
            .reason(&house.bob, "transferGuild", to(house.bob.user))
            .await,
        "NOT_OWNER"
    );
    assert_eq!(
        house
            .reason(&house.alice, "transferGuild", to(house.stranger.user))
            .await,
        "NOT_FOUND"
    );
    let given = house.mutate(
        &house.alice,
        "transferGuild",
        to(house.bob.user),
        "guild { owner { id } viewerPermissions }",
    );
    let given = given.await;
    assert_eq!(given["guild"]["owner"]["id"], id(house.bob.user));
    assert!(given["guild"]["viewerPermissions"].as_array().unwrap().len() < 37);
    assert_eq!(
        house
            .reason(&house.alice, "transferGuild", to(house.alice.user))
            .await,
        "NOT_OWNER"
    );
    assert_eq!(
        house
            .reason(&house.bob, "leaveGuild", json!({ "guildId": house.guild }))
            .await,
        "OWNER_CANNOT_LEAVE"
    );
    house
        .mutate(
            &house.alice,
            "leaveGuild",
            json!({ "guildId": house.guild }),
            "guildId",
        )
        .await;
}

#[tokio::test]
async fn a_user_is_in_a_hundred_guilds_at_most() {
    let house = House::new().await;
    for number in 0..99 {
        let input = json!({ "name": format!("Guild {number}") });
        house
            .mutate(&house.bob, "createGuild", input, "guild { id }")
            .await;
    }
    assert_eq!(
        house
            .reason(&house.bob, "createGuild", json!({ "name": "One more" }))
            .await,
        "TOO_MANY_GUILDS"
    );
    let code = house.invite(json!({})).await;
    house.accept(&house.bob, &code).await;
    let input = json!({ "guildId": house.guild });
    house.mutate(&house.bob, "leaveGuild", input, "guildId").await;
    house
        .mutate(
            &house.bob,
            "createGuild",
            json!({ "name": "One more" }),
            "guild { id }",
        )
        .await;
    assert_eq!(
        house
            .reason(&house.bob, "acceptInvite", json!({ "code": code }))
            .await,
        "TOO_MANY_GUILDS"
    );
}

#[tokio::test]
async fn the_viewers_guilds_are_paged() {
    let house = House::new().await;
    for name in ["Second", "Third"] {
        house
            .mutate(
                &house.alice,
                "createGuild",
                json!({ "name": name }),
                "guild { id }",
            )
            .await;
    }
    let document = "query($after: String) { guilds(first: 2, after: $after) {
        nodes { name } pageInfo { hasNextPage endCursor } } }";
    let page = house.of(&house.alice).data(document, json!({})).await;
    assert_eq!(
        page["guilds"]["nodes"],
        json!([{ "name": "Harbour" }, { "name": "Second" }])
    );
    assert_eq!(page["guilds"]["pageInfo"]["hasNextPage"], true);
    let after = &page["guilds"]["pageInfo"]["endCursor"];
    let page = house
        .of(&house.alice)
        .data(document, json!({ "after": after }))
        .await;
    assert_eq!(page["guilds"]["nodes"], json!([{ "name": "Third" }]));
    for bad in [
        "query { guilds(first: 0) { nodes { id } } }",
        "query { guilds(first: 101) { nodes { id } } }",
    ] {
        assert_eq!(
            house.of(&house.alice).error(bad, json!({})).await["reason"],
            "PAGE_SIZE"
        );
    }
    let tampered = house
        .of(&house.alice)
        .error(document, json!({ "after": "bWVtYmVyOjE" }))
        .await;
    assert_eq!(tampered["reason"], "CURSOR_MALFORMED");
}
