//! Finding accounts.

use crate::house::{House, invalid};
use commons_entities::{TypedId, UserId, user::user};
use sea_orm::{ActiveModelTrait, Set};
use serde_json::{Value, json};

const USERS: &str = "query($ids: [ID!]!) { users(ids: $ids) { id username } }";
const USER: &str = "query($id: ID, $name: String) { user(id: $id, username: $name) { id username } }";
const UNKNOWN: &str = "user_01h455vb4pex5vsknk084sn02q";

#[tokio::test]
async fn an_account_is_found_by_its_id_or_its_name() {
    let house = House::new().await;
    let person = house.register("ada").await;
    let ada = house.client(&person);
    let found = json!({ "user": { "id": person.id, "username": "ada" } });
    assert_eq!(ada.data(USER, json!({ "id": person.id })).await, found);
    assert_eq!(ada.data(USER, json!({ "name": " ADA " })).await, found);
    for nobody in [
        json!({ "id": UNKNOWN }),
        json!({ "name": "ben" }),
        json!({ "name": "" }),
    ] {
        assert_eq!(ada.data(USER, nobody).await, json!({ "user": null }));
    }
    for both in [json!({}), json!({ "id": person.id, "name": "ada" })] {
        assert_eq!(ada.error(USER, both).await, invalid("id", "ONE_OF"));
    }
    for wrong in [
        "",
        "ada",
        "user_",
        "guild_01h455vb4pex5vsknk084sn02q",
        &person.session,
        &person.id.to_uppercase(),
        &format!("{}x", person.id),
    ] {
        assert_eq!(
            ada.error(USER, json!({ "id": wrong })).await,
            invalid("id", "ID_MALFORMED"),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn many_accounts_are_one_query_in_the_order_of_the_ids() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let mut ids = vec![UNKNOWN.to_owned()];
    for number in 0..97 {
        ids.push(
            house
                .world
                .person(&format!("person{number}"))
                .await
                .user
                .to_string(),
        );
    }
    ids.extend([ada.id.clone(), ids[1].clone()]);
    assert_eq!(ids.len(), 100);
    let (queries, data) = house
        .counted(house.client(&ada), USERS, json!({ "ids": ids }))
        .await;
    assert_eq!(queries, 1);
    let found: Vec<&str> = data["users"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["id"].as_str().unwrap_or(""))
        .collect();
    ids[0].clear();
    assert_eq!(found, ids);

    ids[0] = UNKNOWN.to_owned();
    ids.push(ada.id.clone());
    let error = house.client(&ada).error(USERS, json!({ "ids": ids })).await;
    assert_eq!(error, invalid("ids", "TOO_MANY_IDS"));
    let error = house
        .client(&ada)
        .error(USERS, json!({ "ids": [ada.id, ada.session] }))
        .await;
    assert_eq!(error, invalid("ids", "ID_MALFORMED"));
    assert_eq!(
        house.client(&ada).data(USERS, json!({ "ids": [] })).await,
        json!({ "users": [] })
    );
}

#[tokio::test]
async fn a_deleted_account_is_nobody_in_particular() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let ben = house.world.person("ben").await.user;
    let row = user::ActiveModel {
        id: Set(UserId::from_uuid(ben.uuid())),
        bio: Set(Some("secret".to_owned())),
        avatar_url: Set(Some("https://example.org/ben.png".to_owned())),
        deleted_at: Set(Some(house.world.platform.clock.now())),
        ..Default::default()
    };
    row.update(house.world.platform.db.writer()).await.unwrap();
    let document = "query($id: ID, $name: String) { user(id: $id, username: $name) {
        username displayName bio avatarUrl
    } }";
    let ada = house.client(&ada);
    assert_eq!(
        ada.data(document, json!({ "id": ben.to_string() })).await["user"],
        json!({ "username": ben.to_string(), "displayName": "Deleted account", "bio": null, "avatarUrl": null })
    );
    assert_eq!(
        ada.data(document, json!({ "name": "ben" })).await["user"],
        Value::Null
    );
}

#[tokio::test]
async fn the_instance_says_what_it_bounds() {
    let house = House::new().await;
    let document = "{ instance { name version apiVersion capabilities
        limits { messageCharacters pageSize requestBytes } } }";
    assert_eq!(
        house.anonymous().data(document, json!({})).await["instance"],
        json!({
            "name": "Commons", "version": env!("CARGO_PKG_VERSION"), "apiVersion": 1,
            "capabilities": ["GUILDS", "MESSAGES", "BOTS", "DATA_EXPORTS"],
            "limits": { "messageCharacters": 4000, "pageSize": 100, "requestBytes": 262144 },
        })
    );
}
