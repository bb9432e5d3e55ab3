//! A channel's audience: it sees the people whom the channel speaks of, as everybody who is signed in
//! does.

use crate::house::{House, WHO, unauthenticated};
use commons_platform::auth::AUDIENCE_LIFETIME;
use serde_json::{Value, json};

const ENTITIES: &str = "query($of: [_Any!]!) { _entities(representations: $of) {
    ... on User { id kind bot username displayName avatarUrl bio createdAt } } }";

fn references(ids: &[&str]) -> Value {
    let of = ids.iter().map(|id| json!({ "__typename": "User", "id": id }));
    json!({ "of": of.collect::<Vec<_>>() })
}

#[tokio::test]
async fn an_audience_sees_people_as_who_is_signed_in_does() {
    let house = House::new().await;
    let (ada, ben) = (house.register("ada").await, house.register("ben").await);
    let profile = json!({ "input": { "displayName": "Ada L.", "bio": "Counts",
        "avatarUrl": "https://example.org/ada.png" } });
    let update = "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { user { id } } }";
    house.client(&ada).data(update, profile).await;
    let gone = house.register("gone").await;
    let delete = "mutation { deleteAccount(input: { password: \"correct horse\" }) { userId } }";
    house.client(&gone).data(delete, json!({})).await;

    let of = references(&[&ada.id, &gone.id, "user_01h455vb4pex5vsknk084sn02q", "nonsense"]);
    let seen = house.audience().data(ENTITIES, of.clone()).await;
    assert_eq!(seen, house.client(&ben).data(ENTITIES, of).await);
    let people = seen["_entities"].as_array().unwrap();
    assert_eq!(
        (
            &people[0]["username"],
            &people[0]["displayName"],
            &people[0]["avatarUrl"]
        ),
        (
            &json!("ada"),
            &json!("Ada L."),
            &json!("https://example.org/ada.png")
        )
    );
    assert_eq!(people[1]["displayName"], "Deleted account");
    assert_eq!(people[2..], [Value::Null, Value::Null]);
}

#[tokio::test]
async fn fifty_authors_are_one_query() {
    let house = House::new().await;
    let mut ids = Vec::new();
    for number in 0..50 {
        let person = house.world.person(&format!("person{number}")).await;
        ids.push(person.user.to_string());
    }
    let of = references(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    for expected in [1, 0] {
        let (queries, _) = house.counted(house.audience(), ENTITIES, of.clone()).await;
        assert_eq!(queries, expected);
    }
}

#[tokio::test]
async fn an_audience_is_no_viewer_and_ends_after_an_hour() {
    let house = House::new().await;
    let audience = house.audience();
    house
        .world
        .clock
        .advance(AUDIENCE_LIFETIME - chrono::TimeDelta::seconds(1));
    let nobody = json!({ "viewer": null });
    assert_eq!(audience.data(WHO, json!({})).await, nobody);
    house.world.clock.advance(chrono::TimeDelta::seconds(1));
    assert_eq!(audience.error(WHO, json!({})).await, unauthenticated());
}
