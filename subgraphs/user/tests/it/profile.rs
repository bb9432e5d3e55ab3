//! Changing the profile, and who sees it.

use crate::house::{House, Person, input, invalid};
use commons_testing::Client;
use serde_json::{Value, json};

const UPDATE: &str = "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { user {
    displayName bio avatarUrl
} } }";
const FIELDS: &str = "displayName bio avatarUrl";

async fn update(client: &Client<'_>, fields: Value) -> Value {
    client.data(UPDATE, input(fields)).await["updateProfile"]["user"].take()
}

/// The profile on every way that reads it.
async fn seen(house: &House, by: &Person, of: &Person) -> [Value; 4] {
    let client = house.client(by);
    let document =
        format!("query($id: ID!) {{ user(id: $id) {{ {FIELDS} }} users(ids: [$id]) {{ {FIELDS} }} }}");
    let mut read = client.data(&document, json!({ "id": of.id })).await;
    let document = format!(
        "query($of: [_Any!]!) {{ _entities(representations: $of) {{ ... on User {{ {FIELDS} }} }} }}"
    );
    let of_id = json!({ "of": [{ "__typename": "User", "id": of.id }] });
    let mut entities = client.data(&document, of_id).await;
    let document = format!("query($name: String!) {{ user(username: $name) {{ {FIELDS} }} }}");
    let mut named = client.data(&document, json!({ "name": "ada" })).await;
    [
        read["user"].take(),
        read["users"][0].take(),
        entities["_entities"][0].take(),
        named["user"].take(),
    ]
}

#[tokio::test]
async fn absent_stays_null_clears_and_a_value_sets() {
    let house = House::new().await;
    let person = house.register("ada").await;
    let ada = house.client(&person);
    let all = json!({ "displayName": "Ada", "bio": "Hello", "avatarUrl": "https://example.org/a.png" });
    assert_eq!(update(&ada, all.clone()).await, all);
    assert_eq!(update(&ada, json!({})).await, all);
    assert_eq!(update(&ada, json!({ "displayName": null })).await, all);
    assert_eq!(
        update(&ada, json!({ "bio": null })).await,
        json!({ "displayName": "Ada", "bio": null, "avatarUrl": "https://example.org/a.png" })
    );
    assert_eq!(
        update(&ada, json!({ "avatarUrl": null, "displayName": "Ada A." })).await,
        json!({ "displayName": "Ada A.", "bio": null, "avatarUrl": null })
    );
}

#[tokio::test]
async fn bad_fields_are_refused_and_change_nothing() {
    let house = House::new().await;
    let person = house.register("ada").await;
    let ada = house.client(&person);
    for (field, value, reason) in [
        ("displayName", String::new(), "CONTENT_EMPTY"),
        ("displayName", "x".repeat(65), "CONTENT_TOO_LONG"),
        ("displayName", "a\nb".into(), "CONTENT_CONTROL_CHARACTER"),
        ("bio", "x".repeat(501), "CONTENT_TOO_LONG"),
        ("avatarUrl", "http://example.org".into(), "CONTENT_MALFORMED"),
        ("avatarUrl", "javascript:alert(1)".into(), "CONTENT_MALFORMED"),
        ("avatarUrl", String::new(), "CONTENT_EMPTY"),
        (
            "avatarUrl",
            format!("https://example.org/{}", "x".repeat(2_048)),
            "CONTENT_TOO_LONG",
        ),
    ] {
        let mut fields = json!({ "displayName": "Somebody", "bio": "else" });
        fields[field] = value.into();
        assert_eq!(ada.error(UPDATE, input(fields)).await, invalid(field, reason));
    }
    assert_eq!(
        update(&ada, json!({})).await,
        json!({ "displayName": "ada", "bio": null, "avatarUrl": null })
    );
}

#[tokio::test]
async fn everybody_reads_what_was_written_last() {
    let house = House::new().await;
    let (ada, ben) = (house.register("ada").await, house.register("ben").await);
    for (number, bio) in ["one", "two", "three"].into_iter().enumerate() {
        // What is cached now is of before the update.
        seen(&house, &ben, &ada).await;
        let name = format!("Ada {number}");
        let written = update(&house.client(&ada), json!({ "displayName": name, "bio": bio })).await;
        assert_eq!(written["bio"], bio);
        for read in seen(&house, &ben, &ada).await {
            assert_eq!(read, written);
        }
    }
}
