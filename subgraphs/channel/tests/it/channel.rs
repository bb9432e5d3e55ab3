//! Making, changing, ordering, archiving and deleting channels.

use crate::house::House;
use serde_json::json;

#[tokio::test]
async fn a_channel_is_made_and_changed_by_who_manages_channels() {
    let house = House::new().await;
    let input =
        json!({ "guildId": house.guild, "name": "news", "kind": "ANNOUNCEMENT", "topic": "What is new" });
    assert_eq!(
        house.reason(&house.bob, "createChannel", input.clone()).await,
        "MISSING_PERMISSION"
    );
    house.empower(&house.bob, json!(["MANAGE_CHANNELS"])).await;
    let fields = "channel { id name kind topic position nsfw slowmodeSeconds guild { name } parent { id } }";
    let made = house.mutate(&house.bob, "createChannel", input, fields).await;
    let id = made["channel"]["id"].as_str().unwrap();
    assert_eq!(
        made["channel"],
        json!({ "id": id, "name": "news", "kind": "ANNOUNCEMENT", "topic": "What is new", "position": 1,
                "nsfw": false, "slowmodeSeconds": 0, "guild": { "name": "Harbour" }, "parent": null })
    );
    let input =
        json!({ "channelId": id, "name": "old news", "topic": null, "nsfw": true, "slowmodeSeconds": 5 });
    let changed = house
        .mutate(
            &house.bob,
            "updateChannel",
            input,
            "channel { name topic nsfw slowmodeSeconds }",
        )
        .await;
    assert_eq!(
        changed["channel"],
        json!({ "name": "old news", "topic": null, "nsfw": true, "slowmodeSeconds": 5 })
    );
    let input = json!({ "channelId": id, "slowmodeSeconds": 21_601 });
    assert_eq!(
        house.reason(&house.bob, "updateChannel", input).await,
        "OUT_OF_RANGE"
    );
}

#[tokio::test]
async fn a_category_gives_its_overwrites_once() {
    let house = House::new().await;
    let overwrites = json!([{ "roleId": house.everyone, "deny": ["VIEW_CHANNEL"] }]);
    let staff = house
        .channel(json!({ "name": "staff", "kind": "CATEGORY", "overwrites": overwrites }))
        .await;
    house.channel(json!({ "name": "plans", "parentId": staff })).await;
    assert_eq!(house.channel_names(&house.bob).await, ["general"]);
    assert_eq!(
        house.channel_names(&house.alice).await,
        ["general", "staff", "plans"]
    );

    let input = json!({ "channelId": staff, "roleId": house.everyone });
    house
        .mutate(&house.alice, "clearOverwrite", input, "__typename")
        .await;
    assert_eq!(
        house.channel_names(&house.bob).await,
        ["general", "staff"],
        "copied, not inherited"
    );
}

#[tokio::test]
async fn only_a_category_of_the_guild_is_a_parent() {
    let house = House::new().await;
    let other = house.mutate(
        &house.alice,
        "createGuild",
        json!({ "name": "Other" }),
        "guild { channels { id } id }",
    );
    let other = other.await;
    let foreign = json!({ "guildId": other["guild"]["id"], "name": "foreign", "kind": "CATEGORY" });
    let foreign = house
        .mutate(&house.alice, "createChannel", foreign, "channel { id }")
        .await;
    let category = house.channel(json!({ "kind": "CATEGORY" })).await;
    for (kind, parent) in [
        ("TEXT", house.general.as_str()),
        ("TEXT", foreign["channel"]["id"].as_str().unwrap()),
        ("CATEGORY", category.as_str()),
    ] {
        let input = json!({ "guildId": house.guild, "name": "x", "kind": kind, "parentId": parent });
        assert_eq!(
            house.reason(&house.alice, "createChannel", input).await,
            "PARENT_NOT_CATEGORY"
        );
    }
    let input = json!({ "channelId": house.general, "parentId": category });
    let moved = house
        .mutate(&house.alice, "updateChannel", input, "channel { parent { id } }")
        .await;
    assert_eq!(moved["channel"]["parent"]["id"], json!(category));
    for input in [
        json!({ "channelId": category, "topic": "x" }),
        json!({ "channelId": category, "slowmodeSeconds": 1 }),
    ] {
        assert_eq!(
            house.reason(&house.alice, "updateChannel", input).await,
            "NOT_FOR_CATEGORIES"
        );
    }
    let deleted = house
        .mutate(
            &house.alice,
            "deleteChannel",
            json!({ "channelId": category }),
            "guild { channels { parent { id } } }",
        )
        .await;
    assert_eq!(deleted["guild"]["channels"], json!([{ "parent": null }]));
}

#[tokio::test]
async fn channels_change_places_among_themselves() {
    let house = House::new().await;
    let a = house.channel(json!({ "name": "a" })).await;
    let hidden = house.hidden_channel().await;
    let b = house.channel(json!({ "name": "b" })).await;
    house.empower(&house.bob, json!(["MANAGE_CHANNELS"])).await;
    let order = |ids: &[&str]| json!({ "guildId": house.guild, "channelIds": ids });
    let moved = house.mutate(
        &house.bob,
        "moveChannels",
        order(&[&b, &house.general]),
        "channels { name position }",
    );
    assert_eq!(
        moved.await["channels"],
        json!([{ "name": "b", "position": 0 }, { "name": "a", "position": 1 }, { "name": "general", "position": 3 }])
    );
    assert_eq!(
        house.channel_names(&house.alice).await,
        ["b", "a", "hidden", "general"]
    );
    assert_eq!(
        house
            .reason(&house.bob, "moveChannels", order(&[&a, &hidden]))
            .await,
        "NOT_FOUND"
    );
    assert_eq!(
        house.reason(&house.bob, "moveChannels", order(&[])).await,
        "ORDER_MALFORMED"
    );
    assert_eq!(
        house.reason(&house.bob, "moveChannels", order(&[&a, &a])).await,
        "ORDER_MALFORMED"
    );
    assert_eq!(
        house.reason(&house.carol, "moveChannels", order(&[&a])).await,
        "MISSING_PERMISSION"
    );
}

#[tokio::test]
async fn an_archived_channel_is_closed_until_it_is_opened() {
    let house = House::new().await;
    let input = json!({ "channelId": house.general });
    assert_eq!(
        house.reason(&house.bob, "archiveChannel", input.clone()).await,
        "MISSING_PERMISSION"
    );
    for _ in 0..2 {
        let archived = house
            .mutate(
                &house.alice,
                "archiveChannel",
                input.clone(),
                "channel { archivedAt }",
            )
            .await;
        assert_eq!(archived["channel"]["archivedAt"], "2023-11-14T22:13:20+00:00");
    }
    for _ in 0..2 {
        let open = house
            .mutate(
                &house.alice,
                "unarchiveChannel",
                input.clone(),
                "channel { archivedAt }",
            )
            .await;
        assert_eq!(open["channel"]["archivedAt"], json!(null));
    }
}

#[tokio::test]
async fn a_deleted_channel_is_gone_for_everybody() {
    let house = House::new().await;
    let input = json!({ "channelId": house.general });
    assert_eq!(
        house.reason(&house.bob, "deleteChannel", input.clone()).await,
        "MISSING_PERMISSION"
    );
    let deleted = house
        .mutate(
            &house.alice,
            "deleteChannel",
            input.clone(),
            "channelId guild { channels { id } }",
        )
        .await;
    assert_eq!(
        deleted,
        json!({ "channelId": house.general, "guild": { "channels": [] } })
    );
    assert_eq!(
        house.reason(&house.alice, "deleteChannel", input).await,
        "NOT_FOUND"
    );
    let document = "query($id: ID!) { channel(id: $id) { id } }";
    let gone = house
        .of(&house.alice)
        .data(document, json!({ "id": house.general }))
        .await;
    assert_eq!(gone, json!({ "channel": null }));
}

#[tokio::test]
async fn a_guild_has_five_hundred_channels_at_most() {
    let house = House::new().await;
    let guild = house.guild.parse().unwrap();
    let at = chrono::DateTime::from_timestamp(1_600_000_000, 0).unwrap();
    let many: Vec<_> = (0..499)
        .map(|number| commons_channel::service::ImportedChannel {
            external_id: number.to_string(),
            name: format!("channel {number}"),
            topic: None,
            created_at: at,
            audience: commons_channel::service::ImportedAudience::Everyone,
        })
        .collect();
    commons_channel::service::import_channels(&house.service, guild, "test", &many)
        .await
        .unwrap();
    let input = json!({ "guildId": house.guild, "name": "one more" });
    assert_eq!(
        house.reason(&house.alice, "createChannel", input.clone()).await,
        "TOO_MANY_CHANNELS"
    );
    house
        .mutate(
            &house.alice,
            "deleteChannel",
            json!({ "channelId": house.general }),
            "__typename",
        )
        .await;
    house
        .mutate(&house.alice, "createChannel", input, "__typename")
        .await;
}
