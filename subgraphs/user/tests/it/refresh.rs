//! New tokens for an old one.

use crate::house::{House, Person, WHO, input, unauthenticated};
use chrono::TimeDelta;
use commons_entities::user::refresh_token;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

const REFRESH: &str = "mutation($input: RefreshSessionInput!) { refreshSession(input: $input) { signedIn {
    accessToken refreshToken session { id expiresAt lastSeenAt } viewer { user { id } }
} } }";

fn token(text: &str) -> Value {
    input(json!({ "refreshToken": text }))
}

async fn refresh(house: &House, text: &str) -> Person {
    let data = house.anonymous().data(REFRESH, token(text)).await;
    Person::from(&data["refreshSession"]["signedIn"])
}

async fn refused(house: &House, text: &str) -> Value {
    house.anonymous().error(REFRESH, token(text)).await
}

fn reason(reason: &str) -> Value {
    json!({ "code": "UNAUTHENTICATED", "reason": reason })
}

#[tokio::test]
async fn a_token_rotates_and_prolongs_its_session() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    house.world.clock.advance(TimeDelta::days(29));
    let data = house.anonymous().data(REFRESH, token(&ada.refresh)).await;
    let session = &data["refreshSession"]["signedIn"]["session"];
    assert_eq!(session["lastSeenAt"], "2023-12-13T22:13:20+00:00");
    assert_eq!(session["expiresAt"], "2024-01-12T22:13:20+00:00");
    let next = Person::from(&data["refreshSession"]["signedIn"]);
    assert_eq!((&next.id, &next.session), (&ada.id, &ada.session));
    assert_ne!(next.refresh, ada.refresh);
    house.client(&next).data(WHO, json!({})).await;

    house.world.clock.advance(TimeDelta::days(29));
    let last = refresh(&house, &next.refresh).await;
    house.world.clock.advance(TimeDelta::days(30));
    assert_eq!(
        refused(&house, &last.refresh).await,
        reason("REFRESH_TOKEN_INVALID")
    );
}

#[tokio::test]
async fn a_lost_answer_can_be_asked_for_again_for_ten_seconds() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let first = refresh(&house, &ada.refresh).await;
    house.world.clock.advance(TimeDelta::seconds(10));
    let second = refresh(&house, &ada.refresh).await;
    assert_ne!(first.refresh, second.refresh);
    assert_eq!(second.session, ada.session);
    house.client(&second).data(WHO, json!({})).await;
}

#[tokio::test]
async fn a_used_token_that_comes_back_ends_its_session() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let elsewhere = house.login("ada").await;
    let next = refresh(&house, &ada.refresh).await;
    house.world.clock.advance(TimeDelta::milliseconds(10_001));
    assert_eq!(
        refused(&house, &ada.refresh).await,
        reason("REFRESH_TOKEN_REUSED")
    );
    // The whole family is dead, its access tokens at once; the other device is not concerned.
    assert_eq!(
        refused(&house, &next.refresh).await,
        reason("REFRESH_TOKEN_INVALID")
    );
    assert_eq!(
        refused(&house, &ada.refresh).await,
        reason("REFRESH_TOKEN_INVALID")
    );
    for dead in [&ada, &next] {
        assert_eq!(house.client(dead).error(WHO, json!({})).await, unauthenticated());
    }
    house.client(&elsewhere).data(WHO, json!({})).await;
    refresh(&house, &elsewhere.refresh).await;
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    for text in ["", "nonsense", ada.access.as_str(), &"x".repeat(10_000)] {
        assert_eq!(refused(&house, text).await, reason("REFRESH_TOKEN_INVALID"));
    }
}

#[tokio::test]
async fn only_the_hash_of_a_token_is_stored_and_old_ones_go() {
    let house = House::new().await;
    let mut ada = house.register("ada").await;
    let db = house.world.platform.db.read();
    let rows = refresh_token::Entity::find().all(db).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert!(rows[0].hash.len() == 32 && rows[0].hash != ada.refresh.as_bytes());
    for _ in 0..6 {
        house.world.clock.advance(TimeDelta::days(10));
        ada = refresh(&house, &ada.refresh).await;
    }
    // Given out on days 30, 40, 50 and 60.
    assert_eq!(refresh_token::Entity::find().count(db).await.unwrap(), 4);
}
