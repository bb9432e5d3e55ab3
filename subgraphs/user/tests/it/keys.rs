//! The keys that sign access tokens, over restarts and with time.

use crate::house::{House, Person, WHO, another_process, bearer, start};
use chrono::TimeDelta;
use commons_access::{Access, LocalAccess};
use commons_entities::user::signing_key;
use commons_platform::{Platform, secret::Secret};
use commons_testing::Client;
use commons_user::{UserService, service::StartError};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

fn published(platform: &Platform) -> Vec<String> {
    let set: Value = serde_json::from_slice(&platform.tokens.jwks().unwrap()).unwrap();
    let keys = set["keys"].as_array().unwrap();
    assert!(
        keys.iter()
            .all(|key| key["kty"] == "OKP" && key["crv"] == "Ed25519" && key.get("d").is_none())
    );
    let mut names: Vec<String> = keys
        .iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// A new session's token, by the key that signs now.
async fn fresh(house: &House) -> Person {
    house.login("ada").await
}

async fn passes(platform: &Platform, person: &Person) -> bool {
    let (_service, subgraph) = start(platform).await;
    let client = Client::with(&subgraph, bearer(&person.access));
    client.send(WHO, json!({})).await.get("errors").is_none()
}

#[tokio::test]
async fn two_keys_live_and_a_restart_keeps_them() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let before = published(&house.world.platform);
    assert_eq!(before.len(), 2);
    let next = another_process(&house.world).await;
    assert!(passes(&next, &ada).await);
    assert_eq!(published(&next), before);
}

#[tokio::test]
async fn private_keys_are_sealed() {
    let house = House::new().await;
    for row in signing_key::Entity::find()
        .all(house.world.platform.db.read())
        .await
        .unwrap()
    {
        let plain = house.world.platform.secret.open(&row.sealed).unwrap();
        assert!(!row.sealed.windows(16).any(|window| plain.ends_with(window)));
        assert!(Secret::new("another secret").open(&row.sealed).is_err());
    }
}

#[tokio::test]
async fn another_secret_does_not_start_and_spoils_nothing() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    // Also when it is time for a new key.
    for days in [0, 31] {
        house.world.clock.advance(TimeDelta::days(days));
        let mut wrong = another_process(&house.world).await;
        wrong.secret = Secret::new("another secret");
        let changes = LocalAccess::start(&wrong).await.unwrap().changes().clone();
        let refused = UserService::start(wrong.clone(), changes).await;
        assert!(matches!(refused, Err(StartError::Sealed)), "{days}");
        assert!(wrong.tokens.jwks().is_none());
        assert_eq!(
            passes(&another_process(&house.world).await, &ada).await,
            days == 0
        );
    }
}

#[tokio::test]
async fn keys_move_on_every_thirty_days() {
    let house = House::new().await;
    house.register("ada").await;
    let platform = &house.world.platform;
    let first = published(platform);
    house
        .world
        .clock
        .advance(TimeDelta::days(30) - TimeDelta::seconds(60));
    let token = fresh(&house).await;
    assert!(passes(platform, &token).await);
    assert_eq!(published(platform), first);

    // The waiting key signs now; what the old one signed a minute ago is still good.
    house.world.clock.advance(TimeDelta::seconds(61));
    assert!(passes(platform, &token).await);
    let second = published(platform);
    assert_eq!(second.len(), 3);
    assert!(first.iter().all(|kid| second.contains(kid)));
    let newer = fresh(&house).await;
    assert_ne!(kid(&newer), kid(&token));
    assert!(first.contains(&kid(&newer)));
    // A process that has not looked at the keys since knows the new signer: it was waiting there.
    let (service, subgraph) = (&house.service, &house.subgraph);
    assert!(std::sync::Arc::strong_count(service) > 0);
    Client::with(subgraph, bearer(&newer.access))
        .data(WHO, json!({}))
        .await;

    house.world.clock.advance(TimeDelta::days(31));
    let last = fresh(&house).await;
    assert!(passes(platform, &last).await);
    let third = published(platform);
    assert_eq!(third.len(), 3);
    assert!(!third.contains(&kid(&token)), "the first signer is gone");
    assert!(third.contains(&kid(&last)));
}

fn kid(person: &Person) -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let header = BASE64_URL_SAFE_NO_PAD
        .decode(person.access.split('.').next().unwrap())
        .unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}
