//! What channels allow and deny.

use crate::house::{House, id};
use serde_json::json;

#[tokio::test]
async fn an_overwrite_hides_and_shows_a_channel() {
    let house = House::new().await;
    let hidden = house.hidden_channel().await;
    assert_eq!(house.channel_names(&house.bob).await, ["general"]);
    let input = json!({ "channelId": hidden, "overwrite": { "userId": id(house.bob.user), "allow": ["VIEW_CHANNEL"], "deny": ["ADD_REACTIONS"] } });
    let fields =
        "channel { overwrites { target { __typename ... on Role { name } ... on User { id } } allow deny } }";
    let set = house.mutate(&house.alice, "setOverwrite", input, fields).await;
    assert_eq!(
        set["channel"]["overwrites"],
        json!([
            { "target": { "__typename": "Role", "name": "@everyone" }, "allow": [], "deny": ["VIEW_CHANNEL"] },
            { "target": { "__typename": "User", "id": id(house.bob.user) }, "allow": ["VIEW_CHANNEL"], "deny": ["ADD_REACTIONS"] },
        ])
    );
    assert_eq!(house.channel_names(&house.bob).await, ["general", "hidden"]);
    assert_eq!(house.channel_names(&house.carol).await, ["general"]);
    let input = json!({ "channelId": hidden, "userId": id(house.bob.user) });
    house
        .mutate(&house.alice, "clearOverwrite", input.clone(), "__typename")
        .await;
    assert_eq!(house.channel_names(&house.bob).await, ["general"]);
    assert_eq!(
        house.reason(&house.alice, "clearOverwrite", input).await,
        "NOT_FOUND"
    );
}

#[tokio::test]
async fn nobody_grants_what_they_lack_in_a_channel() {
    let house = House::new().await;
    let set = |bits: serde_json::Value| {
        let mut overwrite = json!({ "roleId": house.everyone });
        overwrite
            .as_object_mut()
            .unwrap()
            .extend(bits.as_object().unwrap().clone());
        json!({ "channelId": house.general, "overwrite": overwrite })
    };
    assert_eq!(
        house.reason(&house.bob, "setOverwrite", set(json!({}))).await,
        "MISSING_PERMISSION"
    );
    house
        .empower(&house.bob, json!(["MANAGE_ROLES", "MANAGE_CHANNELS"]))
        .await;
    assert_eq!(
        house
            .reason(
                &house.bob,
                "setOverwrite",
                set(json!({ "allow": ["MANAGE_MESSAGES"] }))
            )
            .await,
        "CANNOT_GRANT"
    );
    house
        .mutate(
            &house.bob,
            "setOverwrite",
            set(json!({ "deny": ["MANAGE_MESSAGES"] })),
            "__typename",
        )
        .await;
    let clear = json!({ "channelId": house.general, "roleId": house.everyone });
    assert_eq!(
        house.reason(&house.bob, "clearOverwrite", clear.clone()).await,
        "CANNOT_GRANT",
        "a denial lifted is a grant"
    );
    assert_eq!(
        house.reason(&house.bob, "setOverwrite", set(json!({}))).await,
        "CANNOT_GRANT"
    );
    house
        .mutate(&house.alice, "clearOverwrite", clear, "__typename")
        .await;
    let input = json!({ "guildId": house.guild, "name": "x", "overwrites": [{ "roleId": house.everyone, "allow": ["MANAGE_MESSAGES"] }] });
    assert_eq!(
        house.reason(&house.bob, "createChannel", input).await,
        "CANNOT_GRANT"
    );
}

#[tokio::test]
async fn an_overwrite_is_well_formed() {
    let house = House::new().await;
    let (role, user) = (json!(house.everyone), json!(id(house.bob.user)));
    for (overwrite, reason) in [
        (json!({ "roleId": role, "userId": user }), "ONE_OF"),
        (json!({}), "ONE_OF"),
        (
            json!({ "roleId": role, "allow": ["VOTE"], "deny": ["VOTE"] }),
            "OVERWRITE_CONTRADICTS",
        ),
        (
            json!({ "roleId": role, "allow": ["ADMINISTRATOR"] }),
            "OVERWRITE_GUILD_ONLY",
        ),
        (json!({ "userId": id(house.stranger.user) }), "NOT_FOUND"),
        (json!({ "userId": role }), "ID_MALFORMED"),
    ] {
        let input = json!({ "channelId": house.general, "overwrite": overwrite });
        assert_eq!(house.reason(&house.alice, "setOverwrite", input).await, reason);
    }
    let twice = json!([{ "roleId": role }, { "roleId": role }]);
    let input = json!({ "guildId": house.guild, "name": "x", "overwrites": twice });
    assert_eq!(house.reason(&house.alice, "createChannel", input).await, "ONE_OF");
}

#[tokio::test]
async fn who_hides_a_channel_from_themselves_is_told_by_its_absence() {
    let house = House::new().await;
    house.empower(&house.bob, json!(["MANAGE_ROLES"])).await;
    let input = json!({ "channelId": house.general, "overwrite": { "userId": id(house.bob.user), "deny": ["VIEW_CHANNEL"] } });
    let set = house
        .mutate(&house.bob, "setOverwrite", input, "channel { id }")
        .await;
    assert_eq!(set["channel"], json!(null));
}
