//! Accounts that other subgraphs refer to.

use crate::house::House;
use serde_json::{Value, json};

const ENTITIES: &str =
    "query($of: [_Any!]!) { _entities(representations: $of) { __typename ... on User { id username } } }";

fn user(id: impl Into<Value>) -> Value {
    json!({ "__typename": "User", "id": id.into() })
}

#[tokio::test]
async fn fifty_references_are_one_query() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let (mut of, mut expected) = (Vec::new(), Vec::new());
    for number in 0..50 {
        let name = format!("person{number}");
        let id = house.world.person(&name).await.user.to_string();
        of.push(user(id.as_str()));
        expected.push(json!({ "__typename": "User", "id": id, "username": name }));
    }
    let (queries, data) = house
        .counted(house.client(&ada), ENTITIES, json!({ "of": of }))
        .await;
    assert_eq!(queries, 1);
    assert_eq!(data, json!({ "_entities": expected }));
    let (queries, _) = house
        .counted(house.client(&ada), ENTITIES, json!({ "of": of }))
        .await;
    assert_eq!(queries, 0);
}

#[tokio::test]
async fn what_is_nobody_is_null_and_spoils_nothing() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let of = json!([
        user("user_01h455vb4pex5vsknk084sn02q"),
        user("nonsense"),
        user(""),
        user(5),
        user(ada.session.as_str()),
        user("guild_01h455vb4pex5vsknk084sn02q"),
        user(ada.id.as_str()),
    ]);
    let data = house.client(&ada).data(ENTITIES, json!({ "of": of })).await;
    let found = json!({ "__typename": "User", "id": ada.id, "username": "ada" });
    assert_eq!(
        data["_entities"],
        json!([null, null, null, null, null, null, found])
    );
}

#[tokio::test]
async fn what_is_no_reference_is_refused_with_a_code() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    for broken in [
        json!({ "__typename": "User" }),
        user(Value::Null),
        user(json!(["a"])),
        json!({ "id": ada.id }),
        json!({ "__typename": "Guild", "id": ada.id }),
        json!({ "__typename": 5, "id": ada.id }),
    ] {
        let error = house
            .client(&ada)
            .error(ENTITIES, json!({ "of": [broken] }))
            .await;
        assert_eq!(error["code"], "INVALID", "{broken}");
    }
    let many = vec![user(ada.id.as_str()); 1_001];
    let document =
        "query($representations: [_Any!]!) { _entities(representations: $representations) { __typename } }";
    let error = house
        .client(&ada)
        .error(document, json!({ "representations": many }))
        .await;
    assert_eq!(error["reason"], "TOO_MANY_REPRESENTATIONS");
}
