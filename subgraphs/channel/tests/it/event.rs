//! A guild, live: everything in order, nothing hidden shown, the end when access ends.

use crate::house::{House, PATIENCE, id};
use commons_access::{Access, Subject, change};
use commons_platform::clock::Clock;
use serde_json::json;

#[tokio::test]
async fn what_every_member_may_see_is_told_in_order() {
    let house = House::new().await;
    let mut live = house.follow_from_head(&house.carol).await;
    house
        .mutate(
            &house.alice,
            "updateGuild",
            json!({ "guildId": house.guild, "name": "Port" }),
            "__typename",
        )
        .await;
    let role = house.role("crew", json!([])).await;
    house.assign(&role, &house.bob).await;
    house
        .mutate(
            &house.alice,
            "updateRole",
            json!({ "roleId": role, "name": "sailors" }),
            "__typename",
        )
        .await;
    house
        .mutate(
            &house.alice,
            "deleteRole",
            json!({ "roleId": role }),
            "__typename",
        )
        .await;
    let nickname = json!({ "guildId": house.guild, "userId": id(house.bob.user), "nickname": "Bobby" });
    house
        .mutate(&house.bob, "updateMember", nickname, "__typename")
        .await;
    house
        .mutate(
            &house.bob,
            "leaveGuild",
            json!({ "guildId": house.guild }),
            "__typename",
        )
        .await;

    let mut seqs = Vec::new();
    let mut kinds = Vec::new();
    while kinds.last().map(String::as_str) != Some("MemberLeft") {
        let event = live.event().await;
        if event["__typename"] == "ViewerAccessChanged" {
            continue;
        }
        seqs.push(event["seq"].as_i64().unwrap());
        kinds.push(event["__typename"].as_str().unwrap().to_owned());
    }
    // Before: three joined. All events are there, each once.
    assert_eq!(seqs, (4..=10).collect::<Vec<_>>());
    let wanted = [
        "GuildUpdated",
        "RoleCreated",
        "MemberUpdated",
        "RoleUpdated",
        "RoleDeleted",
        "MemberUpdated",
        "MemberLeft",
    ];
    assert_eq!(kinds, wanted);
}

#[tokio::test]
async fn who_resumes_misses_nothing() {
    let house = House::new().await;
    let mut live = house.follow(&house.bob, Some(1));
    let head = live.event().await;
    assert_eq!(
        (&head["__typename"], &head["seq"]),
        (&json!("GuildStreamHead"), &json!(3))
    );
    let access = live.event().await;
    assert_eq!(
        (&access["__typename"], &access["seq"]),
        (&json!("ViewerAccessChanged"), &json!(1))
    );
    for (seq, user) in [(2, house.bob.user), (3, house.carol.user)] {
        let event = live.event().await;
        assert_eq!(event["__typename"], "MemberJoined");
        assert_eq!(
            (event["seq"].as_i64(), &event["user"]["id"]),
            (Some(seq), &json!(id(user)))
        );
    }
    let mut ahead = house.follow(&house.bob, Some(99));
    assert_eq!(ahead.event().await["__typename"], "GuildStreamHead");
    let kinds = [
        ahead.event().await["__typename"].take(),
        ahead.event().await["__typename"].take(),
    ];
    assert!(kinds.contains(&json!("GuildStreamReset")), "{kinds:?}");
    let negative = house.of(&house.bob).subscribe(
        "subscription($id: ID!) { guildEvents(guildId: $id, after: -1) { seq } }",
        json!({ "id": house.guild }),
    );
    let refused = futures_util::StreamExt::collect::<Vec<_>>(negative).await;
    assert_eq!(refused[0]["errors"][0]["extensions"]["reason"], "AFTER_NEGATIVE");
}

#[tokio::test]
async fn what_is_hidden_stays_untold() {
    let house = House::new().await;
    let mut bob = house.follow_from_head(&house.bob).await;
    let mut alice = house.follow_from_head(&house.alice).await;
    let hidden = house.hidden_channel().await;
    let seen = alice.event().await;
    assert_eq!(seen["__typename"], "ViewerAccessChanged");
    assert_eq!(
        seen["guild"]["channels"],
        json!([{ "name": "general" }, { "name": "hidden" }])
    );
    let rename = json!({ "channelId": hidden, "name": "secret" });
    house
        .mutate(&house.alice, "updateChannel", rename, "__typename")
        .await;
    house
        .mutate(
            &house.alice,
            "deleteChannel",
            json!({ "channelId": hidden }),
            "__typename",
        )
        .await;
    // The next thing Bob hears is what concerns him.
    let rename = json!({ "channelId": house.general, "name": "lobby" });
    house
        .mutate(&house.alice, "updateChannel", rename, "__typename")
        .await;
    let heard = bob.event().await;
    assert_eq!(
        (&heard["__typename"], &heard["seq"]),
        (&json!("ViewerAccessChanged"), &json!(3))
    );
    assert_eq!(heard["guild"]["channels"], json!([{ "name": "lobby" }]));
}

#[tokio::test]
async fn a_viewer_is_told_what_they_gain_and_lose() {
    let house = House::new().await;
    let hidden = house.hidden_channel().await;
    let mut bob = house.follow_from_head(&house.bob).await;
    let show = json!({ "channelId": hidden, "overwrite": { "userId": id(house.bob.user), "allow": ["VIEW_CHANNEL"] } });
    house
        .mutate(&house.alice, "setOverwrite", show, "__typename")
        .await;
    let gained = bob.event().await;
    assert_eq!(gained["__typename"], "ViewerAccessChanged");
    assert_eq!(
        gained["guild"]["channels"],
        json!([{ "name": "general" }, { "name": "hidden" }])
    );
    let hide = json!({ "channelId": hidden, "userId": id(house.bob.user) });
    house
        .mutate(&house.alice, "clearOverwrite", hide, "__typename")
        .await;
    assert_eq!(
        bob.event().await["guild"]["channels"],
        json!([{ "name": "general" }])
    );
}

#[tokio::test]
async fn a_channels_changes_are_on_its_own_stream() {
    let house = House::new().await;
    let channel = house.general.parse::<commons_entities::ChannelId>().unwrap();
    let mut stream = house.service.streams.follow(channel.0, Some(0)).await.unwrap();
    let rename = json!({ "channelId": house.general, "name": "lobby" });
    house
        .mutate(&house.alice, "updateChannel", rename, "__typename")
        .await;
    assert_eq!(stream.next().await.unwrap(), commons_streams::Delivery::Head(0));
    let told = tokio::time::timeout(PATIENCE, stream.next())
        .await
        .unwrap()
        .unwrap();
    let commons_streams::Delivery::Event(event) = told else {
        panic!("{told:?}")
    };
    assert_eq!(
        (event.kind.as_ref(), event.subject, event.rev),
        (commons_channel::events::CHANNEL_CHANGED, channel.0, 2)
    );
}

#[tokio::test]
async fn a_kick_ends_the_stream() {
    let house = House::new().await;
    let mut live = house.follow_from_head(&house.bob).await;
    let kick = json!({ "guildId": house.guild, "userId": id(house.bob.user) });
    house.mutate(&house.alice, "kickMember", kick, "__typename").await;
    assert_eq!(live.end().await, "NOT_FOUND");
    let mut again = house.follow(&house.bob, None);
    assert_eq!(again.end().await, "NOT_FOUND");
}

#[tokio::test]
async fn a_revoked_session_ends_the_stream() {
    let house = House::new().await;
    let mut live = house.follow_from_head(&house.bob).await;
    let tx = house.world.platform.db.begin().await.unwrap();
    let subject = Subject::Session(house.bob.session);
    let recorded = change::record(&tx, house.world.clock.now(), &[subject])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    house.access.changes().announce(recorded).await;
    assert_eq!(live.end().await, "UNAUTHENTICATED");
}
