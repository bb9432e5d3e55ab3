//! Every root field for who may not: a mutation and a list refuse, a read is null. An audience is nobody.

use crate::{
    bots, exports,
    house::{House, PASSWORD, unauthenticated},
};
use serde_json::{Value, json};

const SOMEBODY: &str = "user_01h455vb4pex5vsknk084sn02q";
const SESSION: &str = "session_01h455vb4pex5vsknk084sn02q";
const BOT: &str = "user_01h455vb4pex5vsknk084sn02r";
const EXPORT: &str = "export_01h455vb4pex5vsknk084sn02q";

/// What a root field gives to who has no token.
enum Nobody {
    Null,
    Refused,
    /// It is meant for who has no token yet.
    Served,
}

/// Every root field. One that is missing here fails [`every_root_field_has_its_case`].
fn cases() -> Vec<(&'static str, String, Nobody)> {
    use Nobody::*;
    let mutation = |field: &str, fields: Value, payload: &str| {
        let input: String = fields
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| format!("{name}: {value} "))
            .collect();
        let input = if input.is_empty() {
            input
        } else {
            format!("(input: {{ {input} }})")
        };
        format!("mutation {{ {field}{input} {{ {payload} }} }}")
    };
    vec![
        ("viewer", "{ viewer { email } }".into(), Null),
        ("user", format!("{{ user(id: \"{SOMEBODY}\") {{ id }} }}"), Null),
        (
            "users",
            format!("{{ users(ids: [\"{SOMEBODY}\"]) {{ id }} }}"),
            Refused,
        ),
        (
            "dataExport",
            format!("{{ dataExport(id: \"{EXPORT}\") {{ id }} }}"),
            Null,
        ),
        ("instance", "{ instance { name } }".into(), Served),
        (
            "register",
            mutation(
                "register",
                json!({ "username": "new", "password": PASSWORD }),
                "signedIn { expiresAt }",
            ),
            Served,
        ),
        (
            "login",
            mutation(
                "login",
                json!({ "login": "ada", "password": PASSWORD }),
                "result { __typename }",
            ),
            Served,
        ),
        (
            "refreshSession",
            mutation(
                "refreshSession",
                json!({ "refreshToken": "REFRESH" }),
                "signedIn { expiresAt }",
            ),
            Served,
        ),
        (
            "claimPlaceholder",
            mutation(
                "claimPlaceholder",
                json!({ "token": "CLAIM", "password": PASSWORD }),
                "signedIn { expiresAt }",
            ),
            Served,
        ),
        (
            "signInBot",
            mutation(
                "signInBot",
                json!({ "token": "BOT_TOKEN" }),
                "signedIn { expiresAt }",
            ),
            Served,
        ),
        (
            "createBot",
            mutation("createBot", json!({ "username": "robot" }), "token"),
            Refused,
        ),
        (
            "rotateBotToken",
            mutation("rotateBotToken", json!({ "botId": BOT }), "token"),
            Refused,
        ),
        (
            "deleteBot",
            mutation("deleteBot", json!({ "botId": BOT }), "botId"),
            Refused,
        ),
        (
            "deleteAccount",
            mutation("deleteAccount", json!({ "password": PASSWORD }), "userId"),
            Refused,
        ),
        (
            "exportMyData",
            mutation("exportMyData", json!({}), "export { id }"),
            Refused,
        ),
        ("logout", mutation("logout", json!({}), "sessionId"), Refused),
        (
            "revokeSession",
            mutation("revokeSession", json!({ "sessionId": SESSION }), "sessionId"),
            Refused,
        ),
        (
            "revokeOtherSessions",
            mutation("revokeOtherSessions", json!({}), "sessionIds"),
            Refused,
        ),
        (
            "changePassword",
            mutation(
                "changePassword",
                json!({ "currentPassword": PASSWORD, "newPassword": "battery staple" }),
                "viewer { email }",
            ),
            Refused,
        ),
        (
            "updateProfile",
            mutation("updateProfile", json!({ "displayName": "x" }), "user { id }"),
            Refused,
        ),
        (
            "createPlaceholderClaim",
            mutation(
                "createPlaceholderClaim",
                json!({ "userId": SOMEBODY }),
                "claim { token }",
            ),
            Refused,
        ),
    ]
}

#[tokio::test]
async fn who_has_no_token_gets_null_or_is_refused() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let claim = claim_token(&house, &ada).await;
    let bot = bots::create(&house, &ada, "helper").await;
    let export = exports::begin(&house, &ada).await;
    for (field, document, expected) in cases() {
        // As who is there and as who is not: the answers must not differ.
        let hidden = document.replace(SOMEBODY, &ada.id).replace(SESSION, &ada.session);
        let hidden = hidden.replace("REFRESH", &ada.refresh).replace("CLAIM", &claim);
        let hidden = hidden.replace("BOT_TOKEN", &bot.token).replace(BOT, &bot.id);
        let hidden = hidden.replace(EXPORT, &export);
        let answer = house.anonymous().send(&hidden, json!({})).await;
        match expected {
            Nobody::Served => {
                assert!(answer.get("errors").is_none(), "{field}: {answer:#}");
                continue;
            }
            Nobody::Null => assert_eq!(answer, json!({ "data": { field: null } })),
            Nobody::Refused => {
                assert_eq!(answer["data"], Value::Null, "{field}");
                assert_eq!(answer["errors"][0]["extensions"], unauthenticated(), "{field}");
            }
        }
        for client in [house.anonymous(), house.audience()] {
            assert_eq!(client.send(&document, json!({})).await, answer, "{field}");
        }
        assert_eq!(house.audience().send(&hidden, json!({})).await, answer, "{field}");
    }
}

#[tokio::test]
async fn references_are_null_for_who_has_no_token() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let document = "query($of: [_Any!]!) { _entities(representations: $of) { ... on User { username } } }";
    let of =
        json!({ "of": [{ "__typename": "User", "id": ada.id }, { "__typename": "User", "id": SOMEBODY }] });
    let data = house.anonymous().data(document, of).await;
    assert_eq!(data, json!({ "_entities": [null, null] }));
}

#[tokio::test]
async fn every_root_field_has_its_case() {
    let house = House::new().await;
    let document = "{ __schema { queryType { fields { name } } mutationType { fields { name } } subscriptionType { name } } }";
    let schema = house.anonymous().data(document, json!({})).await;
    let names = |root: &str| -> Vec<String> {
        let fields = schema["__schema"][root]["fields"].as_array().unwrap();
        fields
            .iter()
            .map(|field| field["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let mut fields = [names("queryType"), names("mutationType")].concat();
    // What federation asks for; `references_are_null_for_who_has_no_token` is the case of the first.
    fields.retain(|field| field != "_entities" && field != "_service");
    fields.sort();
    let mut covered: Vec<String> = cases().iter().map(|case| case.0.to_owned()).collect();
    covered.sort();
    assert_eq!(covered, fields);
    assert_eq!(schema["__schema"]["subscriptionType"], Value::Null);
}

async fn claim_token(house: &House, admin: &crate::house::Person) -> String {
    let imported = commons_user::service::ImportedUser {
        external_id: "U1".into(),
        username: "grace".into(),
        display_name: "Grace".into(),
        avatar_url: None,
        created_at: house.world.platform.clock.now(),
    };
    let made = commons_user::service::import_users(&house.service, "slack:T1", &[imported])
        .await
        .unwrap();
    let document =
        "mutation($id: ID!) { createPlaceholderClaim(input: { userId: $id }) { claim { token } } }";
    let data = house
        .client(admin)
        .data(document, json!({ "id": made["U1"].to_string() }))
        .await;
    data["createPlaceholderClaim"]["claim"]["token"]
        .as_str()
        .unwrap()
        .to_owned()
}
