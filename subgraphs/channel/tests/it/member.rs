//! Members: listed, named, leaving, removed.

use crate::house::{House, id};
use chrono::TimeDelta;
use serde_json::json;

#[tokio::test]
async fn members_are_paged_by_their_joining() {
    let house = House::new().await;
    house.world.clock.advance(TimeDelta::milliseconds(1500));
    let code = house.invite(json!({})).await;
    house.accept(&house.stranger, &code).await;
    let mut seen = Vec::new();
    let mut after = json!(null);
    loop {
        let document = "query($id: ID!, $after: String) { guild(id: $id) { members(first: 1, after: $after) {
            nodes { user { id } joinedAt } pageInfo { hasNextPage endCursor } } } }";
        let page = house
            .of(&house.bob)
            .data(document, json!({ "id": house.guild, "after": after }))
            .await;
        let members = &page["guild"]["members"];
        seen.push(members["nodes"][0]["user"]["id"].as_str().unwrap().to_owned());
        after = members["pageInfo"]["endCursor"].clone();
        if members["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    let all = [&house.alice, &house.bob, &house.carol, &house.stranger];
    assert_eq!(seen, all.map(|identity| id(identity.user)));
}

#[tokio::test]
async fn a_nickname_is_ones_own_or_that_of_a_member_below() {
    let house = House::new().await;
    let name =
        |user, nickname: &str| json!({ "guildId": house.guild, "userId": id(user), "nickname": nickname });
    let own = house
        .mutate(
            &house.bob,
            "updateMember",
            name(house.bob.user, " Bobby "),
            "member { nickname }",
        )
        .await;
    assert_eq!(own["member"]["nickname"], "Bobby");
    assert_eq!(
        house
            .reason(&house.bob, "updateMember", name(house.carol.user, "x"))
            .await,
        "MISSING_PERMISSION"
    );
    house.empower(&house.bob, json!(["MANAGE_NICKNAMES"])).await;
    house
        .mutate(
            &house.bob,
            "updateMember",
            name(house.carol.user, "Caz"),
            "__typename",
        )
        .await;
    assert_eq!(
        house
            .reason(&house.bob, "updateMember", name(house.alice.user, "x"))
            .await,
        "OUTRANKED"
    );
    let clear = json!({ "guildId": house.guild, "userId": id(house.carol.user), "nickname": null });
    let cleared = house
        .mutate(&house.alice, "updateMember", clear, "member { nickname }")
        .await;
    assert_eq!(cleared["member"]["nickname"], json!(null));
    let everyone = json!({ "roleId": house.everyone, "permissions": ["VIEW_CHANNEL"] });
    house
        .mutate(&house.alice, "updateRole", everyone, "__typename")
        .await;
    assert_eq!(
        house
            .reason(&house.carol, "updateMember", name(house.carol.user, "x"))
            .await,
        "MISSING_PERMISSION"
    );
    assert_eq!(
        house
            .reason(
                &house.alice,
                "updateMember",
                name(house.alice.user, &"x".repeat(65))
            )
            .await,
        "CONTENT_TOO_LONG"
    );
}

#[tokio::test]
async fn a_kicked_member_is_out_and_may_come_back_without_roles() {
    let house = House::new().await;
    let role = house.role("old hands", json!([])).await;
    house.assign(&role, &house.carol).await;
    let kick = |user| json!({ "guildId": house.guild, "userId": id(user) });
    assert_eq!(
        house
            .reason(&house.bob, "kickMember", kick(house.carol.user))
            .await,
        "MISSING_PERMISSION"
    );
    house.empower(&house.bob, json!(["KICK_MEMBERS"])).await;
    assert_eq!(
        house
            .reason(&house.bob, "kickMember", kick(house.carol.user))
            .await,
        "OUTRANKED"
    );
    assert_eq!(
        house
            .reason(&house.bob, "kickMember", kick(house.alice.user))
            .await,
        "OUTRANKED"
    );
    assert_eq!(
        house.reason(&house.bob, "kickMember", kick(house.bob.user)).await,
        "OUTRANKED"
    );
    assert_eq!(
        house
            .reason(&house.bob, "kickMember", kick(house.stranger.user))
            .await,
        "NOT_FOUND"
    );
    let input = json!({ "roleId": role, "userId": id(house.carol.user) });
    house
        .mutate(&house.alice, "unassignRole", input, "__typename")
        .await;
    house
        .mutate(&house.bob, "kickMember", kick(house.carol.user), "user { id }")
        .await;
    assert_eq!(house.guild(&house.carol, "id").await, json!(null));
    assert_eq!(house.guild(&house.bob, "memberCount").await["memberCount"], 2);
    assert_eq!(
        house
            .reason(&house.bob, "kickMember", kick(house.carol.user))
            .await,
        "NOT_FOUND"
    );

    house.assign(&role, &house.bob).await;
    house
        .mutate(&house.alice, "kickMember", kick(house.bob.user), "__typename")
        .await;
    let code = house.invite(json!({})).await;
    house.accept(&house.bob, &code).await;
    let back = house
        .guild(&house.bob, "viewerMember { roles { id } nickname }")
        .await;
    assert_eq!(back["viewerMember"], json!({ "roles": [], "nickname": null }));
}

#[tokio::test]
async fn what_a_kicked_member_invited_to_stays() {
    let house = House::new().await;
    let input = json!({ "guildId": house.guild });
    let made = house
        .mutate(&house.bob, "createInvite", input, "invite { code }")
        .await;
    let kick = json!({ "guildId": house.guild, "userId": id(house.bob.user) });
    house.mutate(&house.alice, "kickMember", kick, "__typename").await;
    house
        .accept(&house.stranger, made["invite"]["code"].as_str().unwrap())
        .await;
}
