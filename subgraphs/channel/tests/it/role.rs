//! Roles: what they give, their ranks, who may touch them.

use crate::house::{House, id};
use serde_json::json;

#[tokio::test]
async fn a_role_gives_what_it_says() {
    let house = House::new().await;
    let role = house.role("keepers", json!(["MANAGE_CHANNELS"])).await;
    let input = json!({ "guildId": house.guild, "name": "x" });
    assert_eq!(
        house.reason(&house.bob, "createChannel", input.clone()).await,
        "MISSING_PERMISSION"
    );
    house.assign(&role, &house.bob).await;
    house.assign(&role, &house.bob).await;
    house
        .mutate(&house.bob, "createChannel", input.clone(), "__typename")
        .await;
    let fields = format!(
        "member(userId: \"{}\") {{ roles {{ name position }} permissions }}",
        house.bob.user
    );
    let member = house.guild(&house.carol, &fields).await;
    assert_eq!(
        member["member"]["roles"],
        json!([{ "name": "keepers", "position": 1 }])
    );
    assert!(
        member["member"]["permissions"]
            .as_array()
            .unwrap()
            .contains(&json!("MANAGE_CHANNELS"))
    );
    let change = json!({ "roleId": role, "permissions": [], "name": "former keepers", "color": 0xff_00_00, "hoist": true, "mentionable": true });
    let changed = house
        .mutate(
            &house.alice,
            "updateRole",
            change,
            "role { name permissions color hoist mentionable }",
        )
        .await;
    assert_eq!(
        changed["role"],
        json!({ "name": "former keepers", "permissions": [], "color": 0xff_00_00, "hoist": true, "mentionable": true })
    );
    assert_eq!(
        house.reason(&house.bob, "createChannel", input).await,
        "MISSING_PERMISSION"
    );
    let input = json!({ "roleId": role, "userId": id(house.bob.user) });
    let taken = house
        .mutate(&house.alice, "unassignRole", input, "member { roles { id } }")
        .await;
    assert_eq!(taken["member"]["roles"], json!([]));
}

#[tokio::test]
async fn nobody_grants_what_they_lack() {
    let house = House::new().await;
    let strong = house.role("strong", json!(["KICK_MEMBERS"])).await;
    house.empower(&house.bob, json!(["MANAGE_ROLES"])).await;
    // What is made later stands lower: bring the strong role below Bob's.
    let roles = house.guild(&house.alice, "roles { id name }").await;
    assert_eq!(roles["roles"][0]["name"], "strong");
    let order = json!({ "guildId": house.guild, "roleIds": [roles["roles"][1]["id"], strong] });
    house.mutate(&house.alice, "moveRoles", order, "__typename").await;

    let grant = json!({ "guildId": house.guild, "name": "x", "permissions": ["KICK_MEMBERS"] });
    assert_eq!(
        house.reason(&house.bob, "createRole", grant).await,
        "CANNOT_GRANT"
    );
    let add = json!({ "roleId": strong, "permissions": ["KICK_MEMBERS", "BAN_MEMBERS"] });
    assert_eq!(house.reason(&house.bob, "updateRole", add).await, "CANNOT_GRANT");
    let assign = json!({ "roleId": strong, "userId": id(house.carol.user) });
    assert_eq!(
        house.reason(&house.bob, "assignRole", assign).await,
        "CANNOT_GRANT"
    );
    let everyone = json!({ "roleId": house.everyone, "permissions": ["ADMINISTRATOR"] });
    assert_eq!(
        house.reason(&house.bob, "updateRole", everyone).await,
        "CANNOT_GRANT"
    );
    let less = json!({ "roleId": strong, "permissions": [] });
    house.mutate(&house.bob, "updateRole", less, "__typename").await;
}

#[tokio::test]
async fn nobody_acts_at_or_above_their_own_rank() {
    let house = House::new().await;
    let top = house.role("top", json!([])).await;
    let own = house.empower(&house.bob, json!(["MANAGE_ROLES"])).await;
    let low = house.role("low", json!([])).await;
    for role in [&top, &own] {
        for (name, input) in [
            ("updateRole", json!({ "roleId": role, "name": "x" })),
            ("deleteRole", json!({ "roleId": role })),
            (
                "assignRole",
                json!({ "roleId": role, "userId": id(house.carol.user) }),
            ),
            (
                "unassignRole",
                json!({ "roleId": role, "userId": id(house.carol.user) }),
            ),
            (
                "moveRoles",
                json!({ "guildId": house.guild, "roleIds": [role, low] }),
            ),
        ] {
            assert_eq!(house.reason(&house.bob, name, input).await, "OUTRANKED", "{name}");
        }
    }
    house
        .mutate(
            &house.bob,
            "updateRole",
            json!({ "roleId": low, "name": "x" }),
            "__typename",
        )
        .await;
    for user in [house.carol.user, house.bob.user] {
        let input = json!({ "roleId": low, "userId": id(user) });
        house.mutate(&house.bob, "assignRole", input, "__typename").await;
    }
    house.assign(&top, &house.carol).await;
    let input = json!({ "roleId": low, "userId": id(house.carol.user) });
    assert_eq!(
        house.reason(&house.bob, "unassignRole", input).await,
        "OUTRANKED",
        "the member stands above"
    );
    let input = json!({ "roleId": low, "userId": id(house.alice.user) });
    assert_eq!(
        house.reason(&house.bob, "assignRole", input).await,
        "OUTRANKED",
        "the owner stands above all"
    );
    let input = json!({ "roleId": low, "userId": id(house.stranger.user) });
    assert_eq!(house.reason(&house.bob, "assignRole", input).await, "NOT_FOUND");
    house
        .mutate(&house.bob, "deleteRole", json!({ "roleId": low }), "__typename")
        .await;
}

#[tokio::test]
async fn who_has_no_role_makes_none() {
    let house = House::new().await;
    let input = json!({ "roleId": house.everyone, "permissions": ["VIEW_CHANNEL", "MANAGE_ROLES"] });
    house
        .mutate(&house.alice, "updateRole", input, "__typename")
        .await;
    let input = json!({ "guildId": house.guild, "name": "x" });
    assert_eq!(house.reason(&house.bob, "createRole", input).await, "OUTRANKED");
}

#[tokio::test]
async fn everyone_is_fixed() {
    let house = House::new().await;
    let everyone = &house.everyone;
    let user = id(house.bob.user);
    for (name, input) in [
        ("updateRole", json!({ "roleId": everyone, "name": "x" })),
        ("updateRole", json!({ "roleId": everyone, "hoist": true })),
        ("deleteRole", json!({ "roleId": everyone })),
        ("assignRole", json!({ "roleId": everyone, "userId": user })),
        ("unassignRole", json!({ "roleId": everyone, "userId": user })),
        (
            "moveRoles",
            json!({ "guildId": house.guild, "roleIds": [everyone] }),
        ),
    ] {
        assert_eq!(
            house.reason(&house.alice, name, input).await,
            "EVERYONE_FIXED",
            "{name}"
        );
    }
}

#[tokio::test]
async fn roles_are_put_in_order() {
    let house = House::new().await;
    let (a, b, c) = (
        house.role("a", json!([])).await,
        house.role("b", json!([])).await,
        house.role("c", json!([])).await,
    );
    let order = json!({ "guildId": house.guild, "roleIds": [c, a] });
    let moved = house
        .mutate(
            &house.alice,
            "moveRoles",
            order,
            "guild { roles { name position } }",
        )
        .await;
    assert_eq!(
        moved["guild"]["roles"],
        json!([{ "name": "c", "position": 3 }, { "name": "b", "position": 2 },
               { "name": "a", "position": 1 }, { "name": "@everyone", "position": 0 }])
    );
    let other = house
        .mutate(
            &house.alice,
            "createGuild",
            json!({ "name": "Other" }),
            "guild { id }",
        )
        .await;
    let foreign = json!({ "guildId": other["guild"]["id"], "roleIds": [a, b] });
    assert_eq!(
        house.reason(&house.alice, "moveRoles", foreign).await,
        "NOT_FOUND"
    );
    let input = json!({ "guildId": house.guild, "name": "x", "color": 0x1_00_00_00 });
    assert_eq!(
        house.reason(&house.alice, "createRole", input).await,
        "OUT_OF_RANGE"
    );
}

#[tokio::test]
async fn a_deleted_role_leaves_nothing_behind() {
    let house = House::new().await;
    let role = house.empower(&house.bob, json!(["MANAGE_CHANNELS"])).await;
    let input =
        json!({ "channelId": house.general, "overwrite": { "roleId": role, "deny": ["SEND_MESSAGES"] } });
    house
        .mutate(&house.alice, "setOverwrite", input, "__typename")
        .await;
    house
        .mutate(
            &house.alice,
            "deleteRole",
            json!({ "roleId": role }),
            "__typename",
        )
        .await;
    let guild = house
        .guild(
            &house.bob,
            "viewerMember { roles { id } } channels { overwrites { deny } viewerPermissions }",
        )
        .await;
    assert_eq!(guild["viewerMember"]["roles"], json!([]));
    assert_eq!(guild["channels"][0]["overwrites"], json!([]));
    assert!(
        guild["channels"][0]["viewerPermissions"]
            .as_array()
            .unwrap()
            .contains(&json!("SEND_MESSAGES"))
    );
    assert_eq!(
        house
            .reason(&house.alice, "deleteRole", json!({ "roleId": role }))
            .await,
        "NOT_FOUND"
    );
}
