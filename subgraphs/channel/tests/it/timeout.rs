//! Time-outs: laid, seen, over by themselves, not walked away from.

use crate::house::{House, id};
use chrono::{DateTime, TimeDelta, Utc};
use commons_platform::clock::Clock;
use commons_testing::Identity;
use serde_json::{Value, json};

fn input(house: &House, who: &Identity, until: Option<DateTime<Utc>>) -> Value {
    json!({ "guildId": house.guild, "userId": id(who.user), "until": until })
}

async fn permissions(house: &House, who: &Identity) -> Vec<String> {
    let guild = house.guild(who, "viewerPermissions").await;
    serde_json::from_value(guild["viewerPermissions"].clone()).unwrap()
}

#[tokio::test]
async fn a_member_in_a_time_out_only_views_and_reads() {
    let house = House::new().await;
    let before = permissions(&house, &house.bob).await;
    let mut live = house.follow_from_head(&house.bob).await;
    let until = house.world.clock.now() + TimeDelta::minutes(10);
    let laid = house
        .mutate(
            &house.alice,
            "timeoutMember",
            input(&house, &house.bob, Some(until)),
            "member { timedOutUntil user { id } }",
        )
        .await;
    assert_eq!(
        laid["member"],
        json!({ "timedOutUntil": "2023-11-14T22:23:20+00:00", "user": { "id": id(house.bob.user) } })
    );
    assert_eq!(
        permissions(&house, &house.bob).await,
        ["VIEW_CHANNEL", "READ_HISTORY"]
    );
    let mut kinds = vec![
        live.event().await["__typename"].clone(),
        live.event().await["__typename"].clone(),
    ];
    kinds.sort_by_key(ToString::to_string);
    assert_eq!(kinds, ["MemberUpdated", "ViewerAccessChanged"]);
    assert_eq!(
        house
            .reason(&house.bob, "createInvite", json!({ "guildId": house.guild }))
            .await,
        "MISSING_PERMISSION"
    );
    // Nothing is written when it ends.
    house.world.clock.advance(TimeDelta::minutes(10));
    let bob = house.world.identity(house.bob.user).await;
    assert_eq!(permissions(&house, &bob).await, before);
}

#[tokio::test]
async fn a_time_out_can_be_ended_early() {
    let house = House::new().await;
    let before = permissions(&house, &house.bob).await;
    let until = house.world.clock.now() + TimeDelta::minutes(10);
    house
        .mutate(
            &house.alice,
            "timeoutMember",
            input(&house, &house.bob, Some(until)),
            "__typename",
        )
        .await;
    for _ in 0..2 {
        let ended = house
            .mutate(
                &house.alice,
                "timeoutMember",
                input(&house, &house.bob, None),
                "member { timedOutUntil }",
            )
            .await;
        assert_eq!(ended["member"]["timedOutUntil"], json!(null));
    }
    assert_eq!(permissions(&house, &house.bob).await, before);
}

#[tokio::test]
async fn who_stands_above_cannot_be_timed_out() {
    let house = House::new().await;
    let until = Some(house.world.clock.now() + TimeDelta::minutes(10));
    assert_eq!(
        house
            .reason(&house.bob, "timeoutMember", input(&house, &house.carol, until))
            .await,
        "MISSING_PERMISSION"
    );
    let administrators = house.role("administrators", json!(["ADMINISTRATOR"])).await;
    house.assign(&administrators, &house.carol).await;
    assert_eq!(
        house
            .reason(&house.alice, "timeoutMember", input(&house, &house.carol, until))
            .await,
        "CANNOT_BE_TIMED_OUT"
    );
    house.empower(&house.bob, json!(["TIMEOUT_MEMBERS"])).await;
    for who in [&house.carol, &house.alice, &house.bob] {
        assert_eq!(
            house
                .reason(&house.bob, "timeoutMember", input(&house, who, until))
                .await,
            "OUTRANKED"
        );
    }
    let nobody = input(&house, &house.stranger, until);
    assert_eq!(
        house.reason(&house.alice, "timeoutMember", nobody).await,
        "NOT_FOUND"
    );
}

#[tokio::test]
async fn a_time_out_ends_within_28_days() {
    let house = House::new().await;
    let now = house.world.clock.now();
    for (until, fits) in [
        (now, false),
        (now - TimeDelta::days(1), false),
        (now + TimeDelta::days(28) + TimeDelta::milliseconds(1), false),
        (now + TimeDelta::days(28), true),
    ] {
        let input = input(&house, &house.bob, Some(until));
        if fits {
            house
                .mutate(&house.alice, "timeoutMember", input, "__typename")
                .await;
        } else {
            let refused = house.refused(&house.alice, "timeoutMember", input).await;
            assert_eq!(
                (&refused["field"], &refused["reason"]),
                (&json!("until"), &json!("OUT_OF_RANGE"))
            );
        }
    }
}

#[tokio::test]
async fn who_leaves_and_comes_back_is_still_timed_out() {
    let house = House::new().await;
    let code = house.invite(json!({})).await;
    let until = house.world.clock.now() + TimeDelta::minutes(10);
    let timed_out = input(&house, &house.bob, Some(until));
    house
        .mutate(&house.alice, "timeoutMember", timed_out, "__typename")
        .await;
    let leave = json!({ "guildId": house.guild });
    house
        .mutate(&house.bob, "leaveGuild", leave.clone(), "__typename")
        .await;
    house.accept(&house.bob, &code).await;
    assert_eq!(
        permissions(&house, &house.bob).await,
        ["VIEW_CHANNEL", "READ_HISTORY"]
    );

    house.mutate(&house.bob, "leaveGuild", leave, "__typename").await;
    house.world.clock.advance(TimeDelta::minutes(10));
    house.service.tidy().await.unwrap();
    let bob = house.world.identity(house.bob.user).await;
    house.accept(&bob, &code).await;
    let member = house.guild(&bob, "viewerMember { timedOutUntil }").await;
    assert_eq!(member["viewerMember"]["timedOutUntil"], json!(null));
}
