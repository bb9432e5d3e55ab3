//! Nobody changes guilds without end.

use crate::house::{House, id};
use chrono::TimeDelta;
use serde_json::json;

#[tokio::test]
async fn changes_of_guilds_are_limited_for_each_account() {
    let house = House::with_changes_per_minute(12).await;
    let nickname = |number: usize| json!({ "guildId": house.guild, "userId": id(house.bob.user), "nickname": format!("b{number}") });
    // Bob has joined.
    for number in 0..11 {
        house
            .mutate(&house.bob, "updateMember", nickname(number), "__typename")
            .await;
    }
    let refused = house.refused(&house.bob, "updateMember", nickname(11)).await;
    assert_eq!(refused, json!({ "code": "RATE_LIMITED", "retryAfter": 5.0 }));
    let own = json!({ "guildId": house.guild, "userId": id(house.carol.user), "nickname": "Caz" });
    house
        .mutate(&house.carol, "updateMember", own, "__typename")
        .await;
    house.world.clock.advance(TimeDelta::seconds(5));
    house
        .mutate(&house.bob, "updateMember", nickname(12), "__typename")
        .await;
}
