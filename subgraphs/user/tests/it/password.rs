//! Changing the password.

use crate::house::{House, LOGIN, PASSWORD, WHO, credentials, input, invalid, unauthenticated};
use commons_entities::user::user;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

const CHANGE: &str =
    "mutation($input: ChangePasswordInput!) { changePassword(input: $input) { viewer { user { id } } } }";

fn change(current: &str, new: &str) -> Value {
    input(json!({ "currentPassword": current, "newPassword": new }))
}

#[tokio::test]
async fn the_new_password_counts_and_other_sessions_end() {
    let house = House::new().await;
    let (here, there) = (house.register("ada").await, house.login("ada").await);
    let data = house
        .client(&here)
        .data(CHANGE, change(PASSWORD, "battery staple"))
        .await;
    assert_eq!(data["changePassword"]["viewer"]["user"]["id"], here.id.as_str());
    house.client(&here).data(WHO, json!({})).await;
    assert_eq!(
        house.client(&there).error(WHO, json!({})).await,
        unauthenticated()
    );
    let old = house.anonymous().error(LOGIN, credentials("ada", PASSWORD)).await;
    assert_eq!(old["reason"], "WRONG_CREDENTIALS");
    house
        .anonymous()
        .data(LOGIN, credentials("ada", "battery staple"))
        .await;
}

#[tokio::test]
async fn a_wrong_or_a_bad_password_changes_nothing() {
    let house = House::new().await;
    let (here, there) = (house.register("ada").await, house.login("ada").await);
    let client = house.client(&here);
    for (current, new, field, reason) in [
        (
            "wrong password",
            "battery staple",
            "currentPassword",
            "WRONG_PASSWORD",
        ),
        ("", "battery staple", "currentPassword", "WRONG_PASSWORD"),
        (PASSWORD, "short", "newPassword", "CONTENT_TOO_SHORT"),
        (PASSWORD, &"x".repeat(257), "newPassword", "CONTENT_TOO_LONG"),
    ] {
        assert_eq!(
            client.error(CHANGE, change(current, new)).await,
            invalid(field, reason)
        );
    }
    house.client(&there).data(WHO, json!({})).await;
    house.login("ada").await;
}

#[tokio::test]
async fn of_two_changes_at_once_one_counts() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let client = house.client(&ada);
    let (one, two) = tokio::join!(
        client.send(CHANGE, change(PASSWORD, "battery staple")),
        client.send(CHANGE, change(PASSWORD, "staple battery")),
    );
    let refused = [&one, &two].map(|answer| answer.get("errors").is_some());
    assert!(refused[0] != refused[1], "{one:#} {two:#}");
    let counts = if refused[0] {
        "staple battery"
    } else {
        "battery staple"
    };
    house.anonymous().data(LOGIN, credentials("ada", counts)).await;
}

#[tokio::test]
async fn no_password_is_stored() {
    let house = House::new().await;
    house.register("ada").await;
    let rows = user::Entity::find()
        .filter(user::Column::Username.eq("ada"))
        .all(house.world.platform.db.read())
        .await
        .unwrap();
    let hash = rows[0].password_hash.as_deref().unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && !hash.contains(PASSWORD));
}
