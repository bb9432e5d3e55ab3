//! Who types.

use crate::house::{House, next, unknown_channel};
use chrono::TimeDelta;
use commons_access::Permissions;
use commons_entities::ChannelId;
use commons_testing::Identity;
use futures_util::{FutureExt, StreamExt, stream::BoxStream};
use serde_json::{Value, json};
use std::time::Duration;

const START: &str =
    "mutation($channel: ID!) { startTyping(input: { channelId: $channel }) { lastsSeconds } }";
const TYPING: &str = "subscription($channel: ID!) { typing(channelId: $channel) { user { id } at until } }";

fn of(channel: ChannelId) -> Value {
    json!({ "channel": channel.to_string() })
}

fn listen(house: &House, who: &Identity, channel: ChannelId) -> BoxStream<'static, Value> {
    house.ask(who).subscribe(TYPING, of(channel))
}

async fn heard(stream: &mut BoxStream<'static, Value>) -> Value {
    next(stream).await.unwrap()["data"]["typing"].take()
}

#[tokio::test]
async fn those_who_look_hear_who_types() {
    let house = House::new().await;
    let bob = house.ask(&house.bob);
    assert_eq!(
        bob.data(START, of(house.general)).await["startTyping"]["lastsSeconds"],
        8
    );
    let mut carol = listen(&house, &house.carol, house.general);
    let of_bob = json!({
        "user": { "id": house.bob.user.to_string() },
        "at": "2023-11-14T22:13:20+00:00",
        "until": "2023-11-14T22:13:28+00:00",
    });
    assert_eq!(heard(&mut carol).await, of_bob, "who came later knows too");

    // Told again within three seconds, it is not told again.
    house.world.clock.advance(TimeDelta::seconds(2));
    bob.data(START, of(house.general)).await;
    house.ask(&house.alice).data(START, of(house.general)).await;
    assert_eq!(
        heard(&mut carol).await["user"]["id"],
        house.alice.user.to_string()
    );
    house.world.clock.advance(TimeDelta::seconds(1));
    bob.data(START, of(house.general)).await;
    let again = heard(&mut carol).await;
    assert_eq!(
        (&again["user"]["id"], &again["at"]),
        (&of_bob["user"]["id"], &json!("2023-11-14T22:13:23+00:00"))
    );

    // Another channel's typists are its own, and after eight seconds it is over.
    let other = house.channel("other").await;
    let mut elsewhere = listen(&house, &house.carol, other);
    assert!(elsewhere.next().now_or_never().is_none());
    house.world.clock.advance(TimeDelta::seconds(8));
    let mut late = listen(&house, &house.carol, house.general);
    house.ask(&house.alice).data(START, of(house.general)).await;
    assert_eq!(heard(&mut late).await["user"]["id"], house.alice.user.to_string());
    assert_eq!(house.counts(house.general).await, (0, 0), "nothing of it is kept");
}

#[tokio::test]
async fn typing_is_for_those_who_may_send_and_hearing_for_those_who_may_view() {
    let house = House::new().await;
    let silent = house.channel("silent").await;
    house.deny(silent, Permissions::SEND_MESSAGES).await;
    let bob = house.ask(&house.bob);
    assert_eq!(
        bob.error(START, of(silent)).await,
        json!({ "code": "FORBIDDEN", "reason": "MISSING_PERMISSION" })
    );
    let unknown = bob.send(START, of(unknown_channel(&house))).await;
    assert_eq!(unknown["errors"][0]["extensions"], json!({ "code": "NOT_FOUND" }));
    assert_eq!(bob.send(START, of(house.hidden)).await, unknown);
    let unheard = next(&mut listen(&house, &house.bob, unknown_channel(&house)))
        .await
        .unwrap();
    assert_eq!(
        next(&mut listen(&house, &house.bob, house.hidden)).await.unwrap(),
        unheard
    );
    assert_eq!(unheard["errors"][0]["extensions"], json!({ "code": "NOT_FOUND" }));

    bob.data(START, of(house.general)).await;
    let mut carol = listen(&house, &house.carol, house.general);
    heard(&mut carol).await;
    house.kick(house.carol.user).await;
    let last = tokio::time::timeout(Duration::from_secs(1), carol.next())
        .await
        .expect("within a second")
        .unwrap();
    assert_eq!(last["errors"][0]["extensions"], json!({ "code": "NOT_FOUND" }));
    assert!(next(&mut carol).await.is_none());
}
