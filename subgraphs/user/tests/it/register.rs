//! Making an account.

use crate::house::{House, PASSWORD, REGISTER, WHO, bearer, input, invalid};
use commons_testing::Client;
use serde_json::json;

#[tokio::test]
async fn the_first_account_administers_and_is_signed_in() {
    let house = House::new().await;
    let instance = "{ instance { registration firstAccountBecomesAdministrator } }";
    let before = house.anonymous().data(instance, json!({})).await;
    assert_eq!(
        before,
        json!({ "instance": { "registration": "OPEN", "firstAccountBecomesAdministrator": true } })
    );

    let fields = json!({ "username": "Ada", "password": PASSWORD, "email": " Ada@Example.org " });
    let data = house.anonymous().data(REGISTER, input(fields)).await;
    let first = &data["register"]["signedIn"];
    let id = first["viewer"]["user"]["id"].as_str().unwrap();
    assert_eq!(
        first["viewer"],
        json!({
            "administrator": true,
            "email": "ada@example.org",
            "user": { "id": id, "username": "ada", "displayName": "Ada", "kind": "PERSON" },
        })
    );
    assert_eq!(first["expiresAt"], "2023-11-14T22:18:20+00:00");
    let client = Client::with(&house.subgraph, bearer(first["accessToken"].as_str().unwrap()));
    assert_eq!(client.data(WHO, json!({})).await["viewer"]["user"]["id"], id);

    let fields = json!({ "username": "ben", "password": PASSWORD, "displayName": " Ben 🦊 " });
    let second = house.anonymous().data(REGISTER, input(fields)).await;
    let second = &second["register"]["signedIn"]["viewer"];
    assert_eq!(second["administrator"], false);
    assert_eq!(second["email"], json!(null));
    assert_eq!(second["user"]["displayName"], "Ben 🦊");
    let after = house.anonymous().data(instance, json!({})).await;
    assert_eq!(after["instance"]["firstAccountBecomesAdministrator"], false);
}

#[tokio::test]
async fn names_and_addresses_are_unique_in_any_case() {
    let house = House::new().await;
    let ada = json!({ "username": "ada", "password": PASSWORD, "email": "ada@example.org" });
    house.anonymous().data(REGISTER, input(ada)).await;
    let again = json!({ "username": "ADA", "password": PASSWORD });
    assert_eq!(
        house.anonymous().error(REGISTER, input(again)).await,
        json!({ "code": "CONFLICT", "reason": "USERNAME_TAKEN", "field": "username" })
    );
    let again = json!({ "username": "ben", "password": PASSWORD, "email": "ADA@example.org" });
    assert_eq!(
        house.anonymous().error(REGISTER, input(again)).await,
        json!({ "code": "CONFLICT", "reason": "EMAIL_TAKEN", "field": "email" })
    );
}

#[tokio::test]
async fn of_two_at_once_one_gets_the_name_and_one_the_instance() {
    let house = House::new().await;
    let ask = |name: &'static str| {
        let house = &house;
        async move {
            let fields = json!({ "username": name, "password": PASSWORD });
            house.anonymous().send(REGISTER, input(fields)).await
        }
    };
    let (a, b, c) = tokio::join!(ask("ada"), ask("ada"), ask("ben"));
    let all = [a, b, c];
    let refused = all
        .iter()
        .filter(|answer| answer["errors"][0]["extensions"]["reason"] == "USERNAME_TAKEN");
    assert_eq!(refused.count(), 1, "{all:#?}");
    let administrators = all
        .iter()
        .filter(|answer| answer["data"]["register"]["signedIn"]["viewer"]["administrator"] == true);
    assert_eq!(administrators.count(), 1, "{all:#?}");
}

#[tokio::test]
async fn a_closed_instance_takes_its_first_account_only() {
    let house = House::closed().await;
    let mode = "{ instance { registration } }";
    assert_eq!(
        house.anonymous().data(mode, json!({})).await["instance"]["registration"],
        "OPEN"
    );
    house.register("ada").await;
    assert_eq!(
        house.anonymous().data(mode, json!({})).await["instance"]["registration"],
        "CLOSED"
    );
    for username in ["ben", "ada", ""] {
        let fields = json!({ "username": username, "password": PASSWORD });
        assert_eq!(
            house.anonymous().error(REGISTER, input(fields)).await,
            json!({ "code": "FORBIDDEN", "reason": "REGISTRATION_CLOSED" })
        );
    }
}

#[tokio::test]
async fn the_database_is_asked_whether_there_are_people_once_and_only_if_needed() {
    let house = House::closed().await;
    house.register("ada").await;
    for (fields, expected) in [
        ("name version apiVersion capabilities limits { pageSize }", 0),
        ("name registration", 1),
        ("firstAccountBecomesAdministrator", 1),
        (
            "registration again: registration firstAccountBecomesAdministrator",
            1,
        ),
    ] {
        let query = format!("{{ instance {{ {fields} }} }}");
        let (queries, data) = house.counted(house.anonymous(), &query, json!({})).await;
        assert_eq!(queries, expected, "{fields}: {data}");
    }
}

#[tokio::test]
async fn bad_input_names_its_field() {
    let house = House::with(|config| config.limits.sign_ins_per_minute = 100).await;
    let good = json!({ "username": "ada", "password": PASSWORD });
    for (field, value, reason) in [
        ("username", String::new(), "CONTENT_EMPTY"),
        ("username", "a".into(), "CONTENT_TOO_SHORT"),
        ("username", "a".repeat(33), "CONTENT_TOO_LONG"),
        ("username", "a b".into(), "CONTENT_MALFORMED"),
        ("username", "-ada".into(), "CONTENT_MALFORMED"),
        ("username", "ädä".into(), "CONTENT_MALFORMED"),
        ("username", "ada@example.org".into(), "CONTENT_MALFORMED"),
        ("password", "seven77".into(), "CONTENT_TOO_SHORT"),
        ("password", "x".repeat(257), "CONTENT_TOO_LONG"),
        ("displayName", "  ".into(), "CONTENT_EMPTY"),
        ("displayName", "x".repeat(65), "CONTENT_TOO_LONG"),
        ("displayName", "a\u{202E}b".into(), "CONTENT_CONTROL_CHARACTER"),
        ("email", String::new(), "CONTENT_EMPTY"),
        ("email", "ada".into(), "CONTENT_MALFORMED"),
        (
            "email",
            format!("{}@example.org", "a".repeat(250)),
            "CONTENT_TOO_LONG",
        ),
    ] {
        let mut fields = good.clone();
        fields[field] = value.clone().into();
        let error = house.anonymous().error(REGISTER, input(fields)).await;
        assert_eq!(error, invalid(field, reason), "{field} = {value:?}");
    }
    // None of them left anything behind.
    house.register("ada").await;
}
