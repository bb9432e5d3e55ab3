//! `node(id:)` over everything that has an id.

use crate::harness::{House, Person, refusal};
use serde_json::{Value, json};

#[tokio::test]
async fn node_finds_every_kind_for_who_may_see_it() {
    let house = House::start().await;
    let (alice, mallory) = (house.register("alice").await, house.register("mallory").await);
    let (guild, general) = alice.found("Harbour").await;
    let message = alice.send(&general, "Ahoy").await["id"].take();
    let role = alice
        .mutate(
            "createRole",
            json!({ "guildId": guild, "name": "crew" }),
            "role { id }",
        )
        .await;
    let invite = alice
        .mutate("createInvite", json!({ "guildId": guild }), "invite { id code }")
        .await;
    let node = "query($id: ID!) { node(id: $id) { __typename id ... on Guild { title: name } ... on Channel { title: name }
        ... on Role { title: name } ... on Message { content author { username } } ... on Invite { code } ... on User { username } } }";
    let ask = async |person: &Person, id: &Value| person.ask(node, json!({ "id": id })).await;
    for (id, kind, field, value) in [
        (json!(guild), "Guild", "title", json!("Harbour")),
        (json!(general), "Channel", "title", json!("general")),
        (role["role"]["id"].clone(), "Role", "title", json!("crew")),
        (message, "Message", "author", json!({ "username": "alice" })),
        (
            invite["invite"]["id"].clone(),
            "Invite",
            "code",
            invite["invite"]["code"].clone(),
        ),
    ] {
        let found = ask(&alice, &id).await;
        let found = (
            &found["data"]["node"]["__typename"],
            &found["data"]["node"]["id"],
            &found["data"]["node"][field],
        );
        assert_eq!(found, (&json!(kind), &id, &value));
        assert_eq!(
            ask(&mallory, &id).await,
            json!({ "data": { "node": null } }),
            "{kind}"
        );
    }
    let found = ask(&mallory, &json!(alice.id)).await;
    assert_eq!(
        found["data"]["node"],
        json!({ "__typename": "User", "id": alice.id, "username": "alice" })
    );
    for bad in [
        "",
        "x",
        "guild_",
        "guild_x",
        "thing_01h2xcejqtf2nbrexx3vqjhp41",
        &guild[6..],
        &guild.to_uppercase(),
    ] {
        let answer = ask(&alice, &json!(bad)).await;
        assert_eq!(
            (&answer["data"]["node"], &refusal(&answer)["code"]),
            (&Value::Null, &json!("INVALID")),
            "{bad}"
        );
    }
}
