//! Why somebody may or may not do something, and who may ask.

use crate::house::{House, id};
use commons_testing::{Client, Identity};
use serde_json::{Value, json};

const EXPLAIN: &str =
    "query($user: ID!, $channel: ID!) { explainPermissions(userId: $user, channelId: $channel) {
    permission allowed steps { rule effect role { name } } } }";

fn about(who: &Identity, channel: &str) -> Value {
    json!({ "user": id(who.user), "channel": channel })
}

async fn explained(house: &House, viewer: &Identity, who: &Identity, permission: &str) -> Value {
    let answer = house.of(viewer).data(EXPLAIN, about(who, &house.general)).await;
    let all = answer["explainPermissions"].as_array().unwrap();
    assert_eq!(all.len(), 37);
    all.iter()
        .find(|one| one["permission"] == permission)
        .unwrap()
        .clone()
}

#[tokio::test]
async fn the_rules_are_told_in_their_order() {
    let house = House::new().await;
    let crew = house.role("crew", json!(["MANAGE_MESSAGES"])).await;
    house.assign(&crew, &house.bob).await;
    let deny = json!({ "channelId": house.general, "overwrite": { "roleId": house.everyone, "deny": ["MANAGE_MESSAGES"] } });
    house
        .mutate(&house.alice, "setOverwrite", deny, "__typename")
        .await;
    let allow =
        json!({ "channelId": house.general, "overwrite": { "roleId": crew, "allow": ["MANAGE_MESSAGES"] } });
    house
        .mutate(&house.alice, "setOverwrite", allow, "__typename")
        .await;
    assert_eq!(
        explained(&house, &house.bob, &house.bob, "MANAGE_MESSAGES").await,
        json!({ "permission": "MANAGE_MESSAGES", "allowed": true, "steps": [
            { "rule": "ROLE", "effect": "ALLOWS", "role": { "name": "crew" } },
            { "rule": "EVERYONE_OVERWRITE", "effect": "DENIES", "role": null },
            { "rule": "ROLE_OVERWRITE", "effect": "ALLOWS", "role": { "name": "crew" } },
        ] })
    );
    assert_eq!(
        explained(&house, &house.alice, &house.carol, "KICK_MEMBERS").await,
        json!({ "permission": "KICK_MEMBERS", "allowed": false, "steps": [] })
    );
    assert_eq!(
        explained(&house, &house.alice, &house.alice, "KICK_MEMBERS").await["steps"],
        json!([{ "rule": "OWNER", "effect": "ALLOWS", "role": null }])
    );
}

#[tokio::test]
async fn others_are_explained_to_who_manages_roles() {
    let house = House::new().await;
    let error = house
        .of(&house.bob)
        .error(EXPLAIN, about(&house.carol, &house.general))
        .await;
    assert_eq!(error["reason"], "MISSING_PERMISSION");
    house.empower(&house.bob, json!(["MANAGE_ROLES"])).await;
    explained(&house, &house.bob, &house.carol, "SEND_MESSAGES").await;
}

#[tokio::test]
async fn what_is_hidden_is_explained_to_nobody() {
    let house = House::new().await;
    let hidden = house.hidden_channel().await;
    house.empower(&house.bob, json!(["MANAGE_ROLES"])).await;
    let nothing = json!({ "explainPermissions": null });
    for who in [&house.bob, &house.carol] {
        assert_eq!(
            house.of(&house.bob).data(EXPLAIN, about(who, &hidden)).await,
            nothing
        );
    }
    // Somebody who may not view it is explained to who may.
    let answer = house
        .of(&house.alice)
        .data(EXPLAIN, about(&house.carol, &hidden))
        .await;
    let view = answer["explainPermissions"].as_array().unwrap();
    let view = view
        .iter()
        .find(|one| one["permission"] == "VIEW_CHANNEL")
        .unwrap();
    assert_eq!(view["allowed"], false);

    let no_member = about(&house.stranger, &house.general);
    assert_eq!(house.of(&house.alice).data(EXPLAIN, no_member).await, nothing);
    let general = about(&house.stranger, &house.general);
    assert_eq!(
        house.of(&house.stranger).data(EXPLAIN, general.clone()).await,
        nothing
    );
    assert_eq!(
        Client::anonymous(&house.subgraph).data(EXPLAIN, general).await,
        nothing
    );
}
