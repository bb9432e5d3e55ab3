//! Placeholders, taken over with a token.

use crate::house::{House, LOGIN, PASSWORD, Person, WHO, bearer, credentials, input, invalid};
use chrono::{DateTime, TimeDelta};
use commons_entities::UserId;
use commons_testing::Client;
use commons_user::service::{self, ImportedUser};
use serde_json::{Value, json};

pub(crate) const SOURCE: &str = "slack:T061A2UFL";
const CREATE: &str = "mutation($input: CreatePlaceholderClaimInput!) { createPlaceholderClaim(input: $input) { claim { token expiresAt } } }";
const CLAIM: &str = "mutation($input: ClaimPlaceholderInput!) { claimPlaceholder(input: $input) { signedIn {
    accessToken refreshToken session { id } viewer { administrator email user { id username displayName kind } }
} } }";
pub(crate) const KIND: &str = "query($id: ID!) { user(id: $id) { username displayName kind createdAt } }";

pub(crate) fn imported(external_id: &str, username: &str) -> ImportedUser {
    ImportedUser {
        external_id: external_id.to_owned(),
        username: username.to_owned(),
        display_name: format!("The {username}"),
        avatar_url: None,
        created_at: DateTime::from_timestamp_millis(1_500_000_000_000).unwrap(),
    }
}

/// A house with an administrator and one placeholder.
pub(crate) async fn house() -> (House, Person, UserId) {
    let house = House::new().await;
    let admin = house.register("admin").await;
    let made = service::import_users(&house.service, SOURCE, &[imported("U1", "grace")])
        .await
        .unwrap();
    (house, admin, made["U1"])
}

async fn token(house: &House, by: &Person, of: UserId) -> String {
    let data = house
        .client(by)
        .data(CREATE, input(json!({ "userId": of.to_string() })))
        .await;
    data["createPlaceholderClaim"]["claim"]["token"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn claim(token: &str) -> Value {
    input(json!({ "token": token, "password": PASSWORD }))
}

fn not_found() -> Value {
    json!({ "code": "NOT_FOUND", "reason": "CLAIM_INVALID" })
}

#[tokio::test]
async fn a_placeholder_cannot_log_in_and_does_not_administer() {
    let house = House::new().await;
    service::import_users(&house.service, SOURCE, &[imported("U1", "grace")])
        .await
        .unwrap();
    let error = house
        .anonymous()
        .error(LOGIN, credentials("grace", PASSWORD))
        .await;
    assert_eq!(error["reason"], "WRONG_CREDENTIALS");
    let admin = house.register("ada").await;
    let data = house
        .client(&admin)
        .data("{ viewer { administrator } }", json!({}))
        .await;
    assert_eq!(data["viewer"]["administrator"], true);
}

#[tokio::test]
async fn its_bearer_takes_a_placeholder_over_once() {
    let (house, admin, grace) = house().await;
    // It is in the caches as a placeholder.
    house
        .client(&admin)
        .data(KIND, json!({ "id": grace.to_string() }))
        .await;
    let token = token(&house, &admin, grace).await;
    let fields =
        json!({ "token": token, "password": PASSWORD, "username": "Hopper", "email": "g@example.org" });
    let data = house.anonymous().data(CLAIM, input(fields)).await;
    let signed_in = &data["claimPlaceholder"]["signedIn"];
    assert_eq!(
        signed_in["viewer"],
        json!({
            "administrator": false, "email": "g@example.org",
            "user": { "id": grace.to_string(), "username": "hopper", "displayName": "The grace", "kind": "PERSON" },
        })
    );
    let client = Client::with(
        &house.subgraph,
        bearer(signed_in["accessToken"].as_str().unwrap()),
    );
    assert_eq!(
        client.data(WHO, json!({})).await["viewer"]["user"]["id"],
        grace.to_string()
    );
    let seen = house
        .client(&admin)
        .data(KIND, json!({ "id": grace.to_string() }))
        .await;
    assert_eq!(seen["user"]["kind"], "PERSON");
    house.login("hopper").await;

    assert_eq!(house.anonymous().error(CLAIM, claim(&token)).await, not_found());
    let error = house
        .client(&admin)
        .error(CREATE, input(json!({ "userId": grace.to_string() })))
        .await;
    assert_eq!(error, json!({ "code": "CONFLICT", "reason": "NOT_PLACEHOLDER" }));
    // A later import still knows who it is.
    let again = service::import_users(&house.service, SOURCE, &[imported("U1", "grace")])
        .await
        .unwrap();
    assert_eq!(again["U1"], grace);
}

#[tokio::test]
async fn without_a_name_the_imported_one_stays() {
    let (house, admin, grace) = house().await;
    let data = house
        .anonymous()
        .data(CLAIM, claim(&token(&house, &admin, grace).await))
        .await;
    assert_eq!(
        data["claimPlaceholder"]["signedIn"]["viewer"]["user"]["username"],
        "grace"
    );
}

#[tokio::test]
async fn of_two_at_once_one_takes_it_over() {
    let (house, admin, grace) = house().await;
    let token = token(&house, &admin, grace).await;
    let (one, two) = (house.anonymous(), house.anonymous());
    let (one, two) = tokio::join!(one.send(CLAIM, claim(&token)), two.send(CLAIM, claim(&token)));
    let refused = [&one, &two].map(|answer| answer.get("errors").is_some());
    assert!(refused[0] != refused[1], "{one:#} {two:#}");
}

#[tokio::test]
async fn a_token_works_for_seven_days_or_until_the_next_one() {
    let (house, admin, grace) = house().await;
    let first = token(&house, &admin, grace).await;
    let second = token(&house, &admin, grace).await;
    assert_eq!(house.anonymous().error(CLAIM, claim(&first)).await, not_found());
    house.world.clock.advance(TimeDelta::days(7));
    for dead in [first.as_str(), second.as_str(), "", "nonsense"] {
        assert_eq!(house.anonymous().error(CLAIM, claim(dead)).await, not_found());
    }
}

#[tokio::test]
async fn bad_claims_leave_the_token_good() {
    let (house, admin, grace) = house().await;
    let token = token(&house, &admin, grace).await;
    for (field, value, error) in [
        ("username", "-", invalid("username", "CONTENT_TOO_SHORT")),
        (
            "username",
            "admin",
            json!({ "code": "CONFLICT", "reason": "USERNAME_TAKEN", "field": "username" }),
        ),
        ("password", "short", invalid("password", "CONTENT_TOO_SHORT")),
        ("email", "nowhere", invalid("email", "CONTENT_MALFORMED")),
    ] {
        let mut fields = json!({ "token": token, "password": PASSWORD });
        fields[field] = value.into();
        assert_eq!(
            house.anonymous().error(CLAIM, input(fields)).await,
            error,
            "{field}"
        );
    }
    house.anonymous().data(CLAIM, claim(&token)).await;
}

#[tokio::test]
async fn only_an_administrator_gives_out_tokens() {
    let (house, admin, grace) = house().await;
    let ben = house.register("ben").await;
    let create = async |by: &Person, id: &str| {
        let answer = house
            .client(by)
            .send(CREATE, input(json!({ "userId": id })))
            .await;
        answer["errors"][0]["extensions"].clone()
    };
    let unknown = "user_01h455vb4pex5vsknk084sn02q";
    let denied = json!({ "code": "FORBIDDEN", "reason": "NOT_ADMINISTRATOR" });
    // Whether somebody is a placeholder, a person or nobody is not told on the way.
    for id in [grace.to_string().as_str(), &admin.id, unknown] {
        assert_eq!(create(&ben, id).await, denied);
    }
    assert_eq!(create(&admin, unknown).await, json!({ "code": "NOT_FOUND" }));
    assert_eq!(create(&admin, &ben.id).await["reason"], "NOT_PLACEHOLDER");
    assert_eq!(
        create(&admin, "nonsense").await,
        invalid("userId", "ID_MALFORMED")
    );
}
