//! Logging in.

use crate::house::{House, LOGIN, PASSWORD, REGISTER, WHO, credentials, input};
use commons_entities::{UserId, user::user};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};
use serde_json::json;

#[tokio::test]
async fn a_name_or_an_address_in_any_case_logs_in() {
    let house = House::new().await;
    let fields = json!({ "username": "ada", "password": PASSWORD, "email": "ada@example.org" });
    house.anonymous().data(REGISTER, input(fields)).await;
    for name in ["ada", " ADA ", "ada@example.org", "Ada@Example.ORG"] {
        let person = house.login(name).await;
        let data = house.client(&person).data(WHO, json!({})).await;
        assert_eq!(data["viewer"]["user"]["id"], person.id.as_str(), "{name}");
    }
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_get_the_same_answer() {
    let house = House::new().await;
    house.register("ada").await;
    let wrong = house
        .anonymous()
        .send(LOGIN, credentials("ada", "wrong password"))
        .await;
    assert_eq!(
        wrong["errors"][0]["extensions"],
        json!({ "code": "UNAUTHENTICATED", "reason": "WRONG_CREDENTIALS" })
    );
    for (name, password) in [
        ("ben", PASSWORD),
        ("ben@example.org", PASSWORD),
        ("not a name", PASSWORD),
        ("", ""),
        ("ada", ""),
        ("ada", "Correct horse"),
    ] {
        let answer = house.anonymous().send(LOGIN, credentials(name, password)).await;
        assert_eq!(answer, wrong, "{name:?} {password:?}");
    }
}

#[tokio::test]
async fn a_password_is_the_same_from_every_keyboard() {
    let house = House::new().await;
    let fields = json!({ "username": "ada", "password": "pa\u{308}sswo\u{308}rter" });
    house.anonymous().data(REGISTER, input(fields)).await;
    for spelling in ["pa\u{308}sswo\u{308}rter", "pässwörter"] {
        house.anonymous().data(LOGIN, credentials("ada", spelling)).await;
    }
}

#[tokio::test]
async fn a_deleted_account_cannot_log_in() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let db = &house.world.platform.db;
    let row = user::ActiveModel {
        id: Set(ada.id.parse::<UserId>().unwrap()),
        deleted_at: Set(Some(house.world.platform.clock.now())),
        ..Default::default()
    };
    row.update(db.writer()).await.unwrap();
    let error = house.anonymous().error(LOGIN, credentials("ada", PASSWORD)).await;
    assert_eq!(error["reason"], "WRONG_CREDENTIALS");
    let error = house.client(&ada).error(WHO, json!({})).await;
    assert_eq!(error["code"], "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_password_that_is_changed_meanwhile_opens_nothing() {
    let house = House::new().await;
    house.register("ada").await;
    let db = house.world.platform.db.clone();
    let tx = db.begin().await.unwrap();
    let (subgraph, before) = (house.subgraph.clone(), db.query_count());
    let login = commons_platform::task::spawn(async move {
        let client = commons_testing::Client::anonymous(&subgraph);
        client.error(LOGIN, credentials("ada", PASSWORD)).await
    });
    // The account was read with its old password; the session waits for the transaction.
    while db.query_count() == before {
        tokio::task::yield_now().await;
    }
    user::Entity::update_many()
        .col_expr(
            user::Column::PasswordHash,
            sea_orm::sea_query::Expr::value("another"),
        )
        .filter(user::Column::Username.eq("ada"))
        .exec(&tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(login.await.unwrap()["reason"], "WRONG_CREDENTIALS");
}
