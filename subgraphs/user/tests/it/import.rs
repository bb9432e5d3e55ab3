//! Users of another platform become placeholders.

use crate::placeholders::{KIND, SOURCE, house, imported};
use commons_entities::user::user;
use commons_user::service::{self, ImportedUser};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::json;
use std::collections::HashSet;

#[tokio::test]
async fn importing_again_adds_only_what_is_new() {
    let (house, admin, grace) = house().await;
    let users = [
        imported("U1", "renamed"),
        imported("U2", "linus"),
        imported("U2", "linus"),
    ];
    let made = service::import_users(&house.service, SOURCE, &users)
        .await
        .unwrap();
    assert_eq!((made.len(), made["U1"]), (2, grace));
    let db = house.world.platform.db.read();
    assert_eq!(user::Entity::find().count(db).await.unwrap(), 3);
    assert_eq!(
        service::import_users(&house.service, SOURCE, &users)
            .await
            .unwrap(),
        made
    );
    assert_eq!(user::Entity::find().count(db).await.unwrap(), 3);
    assert_eq!(
        house
            .client(&admin)
            .data(KIND, json!({ "id": grace.to_string() }))
            .await["user"],
        json!({
            "username": "grace", "displayName": "The grace", "kind": "PLACEHOLDER",
            "createdAt": "2017-07-14T02:40:00+00:00",
        })
    );
    // The same id of another source is somebody else.
    let other = service::import_users(&house.service, "slack:T2", &[imported("U1", "grace")])
        .await
        .unwrap();
    assert_ne!(other["U1"], grace);
}

#[tokio::test]
async fn every_name_of_a_source_becomes_acceptable_and_unique() {
    let (house, ..) = house().await;
    let long = "x".repeat(60);
    let users: Vec<ImportedUser> = [
        ("U2", "grace"),
        ("U3", "Grace"),
        ("U4", "Grace Hopper!"),
        ("U5", ""),
        ("", ""),
        ("日本", "日本語"),
        ("語", "日本語"),
        ("an-id-that-is-longer-than-a-name-may-be", "admin"),
        ("U6", &long),
        ("U7", &long),
        ("U8", "---"),
        ("U9", "aaaaaaaaaaaaaaaaaaa - b"),
    ]
    .iter()
    .map(|(id, name)| imported(id, name))
    .collect();
    let made = service::import_users(&house.service, SOURCE, &users)
        .await
        .unwrap();
    assert_eq!(made.len(), users.len() + 1);
    let rows = user::Entity::find()
        .all(house.world.platform.db.read())
        .await
        .unwrap();
    let names: HashSet<&str> = rows.iter().map(|row| row.username.as_str()).collect();
    assert_eq!(names.len(), rows.len());
    assert!(
        rows.iter()
            .all(|row| commons_content::Username::parse(&row.username).is_ok()),
        "{names:?}"
    );
    for expected in ["grace-u2", "grace-u3", "grace-hopper", "user-u5", "admin-2"] {
        assert!(names.contains(expected), "{expected} in {names:?}");
    }
}

#[tokio::test]
async fn the_owner_of_an_import_is_a_person() {
    let (house, admin, _) = house().await;
    let owner = service::owner(&house.service, "Admin").await.unwrap();
    assert_eq!(owner.to_string(), admin.id);
    for nobody in ["grace", "nobody", ""] {
        assert!(service::owner(&house.service, nobody).await.is_err());
    }
}
