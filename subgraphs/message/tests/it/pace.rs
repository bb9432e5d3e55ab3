//! Slow mode.

use crate::house::{House, SEND, said, sending, sending_as};
use chrono::TimeDelta;
use serde_json::json;

#[tokio::test]
async fn slow_mode_spaces_the_messages_of_one_member() {
    let house = House::new().await;
    let slow = house.channel("slow").await;
    house.slow(slow, 10).await;
    let bob = house.ask(&house.bob);
    let first = said(bob.data(SEND, sending_as(slow, "one", "n")).await);
    let wait = |seconds: f64| json!({ "code": "RATE_LIMITED", "reason": "SLOW_MODE", "retryAfter": seconds });
    assert_eq!(bob.error(SEND, sending(slow, "two")).await, wait(10.0));
    house.say(&house.carol, slow, "others need not wait").await;
    house.world.clock.advance(TimeDelta::seconds(4));
    assert_eq!(bob.error(SEND, sending(slow, "two")).await, wait(6.0));
    let again = said(bob.data(SEND, sending_as(slow, "one", "n")).await);
    assert_eq!(again["id"], first["id"], "a retried send is no second message");
    house.world.clock.advance(TimeDelta::seconds(6));
    house.say(&house.bob, slow, "two").await;

    // The owner has every permission, BYPASS_SLOWMODE too.
    house.say(&house.alice, slow, "a").await;
    house.say(&house.alice, slow, "b").await;
    assert_eq!(house.counts(slow).await, (5, 5));
}

#[tokio::test]
async fn slow_mode_holds_within_a_batch() {
    let house = House::new().await;
    let slow = house.channel("slow").await;
    house.slow(slow, 10).await;
    house.say(&house.alice, slow, "warm").await;
    let bob = house.ask(&house.bob);
    bob.data("{__typename}", json!({})).await;
    let answers = house
        .meanwhile(
            ["a", "b", "c"].map(|body| bob.send(SEND, sending(slow, body))),
            async |_| {},
        )
        .await;
    assert_eq!(answers[0]["data"]["sendMessage"]["message"]["content"], "a");
    for late in &answers[1..] {
        assert_eq!(late["errors"][0]["extensions"]["reason"], "SLOW_MODE");
    }
    assert_eq!(house.counts(slow).await, (2, 2));
}
