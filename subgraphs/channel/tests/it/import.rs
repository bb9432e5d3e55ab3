//! What an importer does: once, and a second time without a trace.

use crate::house::House;
use chrono::{DateTime, Utc};
use commons_channel::service::{
    ImportedAudience, ImportedChannel, finish_channels, import_channels, import_guild, import_members,
};
use serde_json::json;

fn day(day: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_500_000_000 + day * 86_400, 123_456_789).unwrap()
}

fn channel(external_id: &str, name: &str, audience: ImportedAudience) -> ImportedChannel {
    ImportedChannel {
        external_id: external_id.to_owned(),
        name: name.to_owned(),
        topic: Some("t".repeat(2_000)),
        created_at: day(1),
        audience,
    }
}

#[tokio::test]
async fn an_import_does_nothing_twice() {
    let house = House::new().await;
    let service = &house.service;
    let guild = import_guild(service, house.alice.user, "Imported").await.unwrap();
    assert_eq!(
        import_guild(service, house.alice.user, "Imported").await.unwrap(),
        guild
    );
    assert_eq!(
        import_guild(service, house.alice.user, "Harbour")
            .await
            .unwrap()
            .to_string(),
        house.guild
    );
    assert_ne!(
        import_guild(service, house.bob.user, "Imported").await.unwrap(),
        guild
    );

    let channels = [
        channel("C1", "general", ImportedAudience::Everyone),
        channel(
            "C2",
            "private",
            ImportedAudience::Only(vec![house.bob.user, house.bob.user]),
        ),
        channel("C3", "\u{7}", ImportedAudience::Everyone),
    ];
    let members = [
        (house.bob.user, day(2)),
        (house.carol.user, day(3)),
        (house.bob.user, day(4)),
    ];
    let mut before = None;
    for _ in 0..2 {
        let known = import_channels(service, guild, "slack:T1", &channels)
            .await
            .unwrap();
        assert_eq!(known.len(), 3);
        import_members(service, guild, &members).await.unwrap();
        finish_channels(service, guild, &[(known["C1"], day(5))])
            .await
            .unwrap();
        let head = commons_streams::log::head(house.world.platform.db.read(), guild.0)
            .await
            .unwrap()
            .unwrap()
            .seq;
        let now = Some((known, head));
        assert!(before.is_none() || before == now);
        before = now;
    }
    assert_eq!(before.unwrap().1, 3, "the owner and two others joined");

    let document =
        "query($id: ID!) { guild(id: $id) { memberCount channels { name topic archivedAt createdAt } } }";
    let carol = house
        .of(&house.carol)
        .data(document, json!({ "id": guild.to_string() }))
        .await;
    let channels = carol["guild"]["channels"].as_array().unwrap();
    let names: Vec<_> = channels
        .iter()
        .map(|channel| channel["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        (carol["guild"]["memberCount"].as_i64(), names),
        (Some(3), vec!["general", "channel-C3"])
    );
    assert_eq!(channels[0]["topic"].as_str().unwrap().len(), 1_024);
    assert_eq!(channels[0]["createdAt"], "2017-07-15T02:40:00.123+00:00");
    assert_eq!(channels[0]["archivedAt"], "2017-07-19T02:40:00.123+00:00");
    let bob = house
        .of(&house.bob)
        .data(document, json!({ "id": guild.to_string() }))
        .await;
    assert_eq!(bob["guild"]["channels"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn nothing_is_imported_into_no_guild() {
    let house = House::new().await;
    let nowhere = commons_entities::GuildId(uuid::Uuid::from_u128(7));
    let refused = import_channels(&house.service, nowhere, "slack:T1", &[])
        .await
        .unwrap_err();
    assert_eq!(
        commons_platform::ApiError::from(refused).code(),
        commons_platform::Code::NotFound
    );
}
