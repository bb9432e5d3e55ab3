//! Who asks too often is told for how long to wait.

use crate::harness::{House, PASSWORD, Person, mutation, refusal};
use serde_json::{Value, json};

#[track_caller]
fn is_limited(refused: &Value, within: f64) {
    assert_eq!(refused["code"], "RATE_LIMITED");
    let wait = refused["retryAfter"].as_f64().unwrap();
    assert!(wait > 0.0 && wait <= within, "{wait}");
}

#[tokio::test]
async fn sends_of_an_account() {
    let house = House::with(&[("COMMONS_LIMITS__SENDS_PER_TEN_SECONDS", "3")]).await;
    let alice = house.register("alice").await;
    let (_, general) = alice.found("Harbour").await;
    for text in ["one", "two", "three"] {
        alice.send(&general, text).await;
    }
    let mut refused = Vec::new();
    for _ in 0..4 {
        let input = json!({ "input": { "channelId": general, "content": "too many" } });
        let answer = alice.ask(&mutation("sendMessage", "__typename"), input).await;
        refused.extend(answer.get("errors").is_some().then(|| refusal(&answer)));
    }
    // On a very slow machine one comes back meanwhile.
    assert!(refused.len() >= 3);
    refused.iter().for_each(|refused| is_limited(refused, 4.0));
}

#[tokio::test]
async fn registrations_and_logins_of_an_address() {
    let house = House::with(&[("COMMONS_LIMITS__SIGN_INS_PER_MINUTE", "2")]).await;
    house.register("alice").await;
    Person::login(&house.api, "alice").await;
    let login = mutation("login", "__typename");
    let input = json!({ "input": { "login": "alice", "password": PASSWORD } });
    is_limited(&refusal(&house.api.ask(None, &login, &input).await), 30.0);
    let register = mutation("register", "__typename");
    let input = json!({ "input": { "username": "bob", "password": PASSWORD } });
    is_limited(&refusal(&house.api.ask(None, &register, &input).await), 30.0);
}

#[tokio::test]
async fn guesses_at_a_password() {
    let house = House::with(&[("COMMONS_LIMITS__SIGN_INS_PER_MINUTE", "4")]).await;
    house.register("alice").await;
    let login = mutation("login", "__typename");
    let input = json!({ "input": { "login": "alice", "password": "wrong password" } });
    for _ in 0..3 {
        assert_eq!(
            refusal(&house.api.ask(None, &login, &input).await)["code"],
            "UNAUTHENTICATED"
        );
    }
    is_limited(&refusal(&house.api.ask(None, &login, &input).await), 15.0);
}
