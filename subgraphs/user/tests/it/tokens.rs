//! What is not a live token of ours is never anonymous: every operation refuses it.

use crate::house::{House, WHO, bearer, unauthenticated};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use commons_entities::{SessionId, UserId, user::signing_key};
use commons_platform::auth::{KeySet, SigningKey, Tokens};
use commons_testing::Client;
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};

/// The key that signs: the elder of the two.
async fn signer(house: &House) -> SigningKey {
    let rows = signing_key::Entity::find()
        .order_by_asc(signing_key::Column::CreatedAt)
        .all(house.world.platform.db.read())
        .await
        .unwrap();
    let der = house.world.platform.secret.open(&rows[0].sealed).unwrap();
    SigningKey::from_pkcs8(rows[0].kid.clone(), &der).unwrap()
}

/// A token by some key in some issuer's name.
fn signed(house: &House, key: &SigningKey, issuer: &str, audience: &str, who: (UserId, SessionId)) -> String {
    let mut config = house.world.platform.config.auth.clone();
    (config.issuer, config.audience) = (issuer.to_owned(), audience.to_owned());
    let tokens = Tokens::new(&config, &house.world.platform.secret, house.world.clock.clone());
    tokens.set_keys(KeySet::new(key, &[]).unwrap());
    tokens.issue(who.0.0, who.1.0).unwrap().text
}

/// Another header or other claims in front of the same signature.
fn altered(token: &str, header: Option<Value>, claims: Option<Value>) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let text = |part: Option<Value>, old: &str| {
        part.map_or(old.to_owned(), |part| {
            BASE64_URL_SAFE_NO_PAD.encode(part.to_string())
        })
    };
    format!(
        "{}.{}.{}",
        text(header, parts[0]),
        text(claims, parts[1]),
        parts[2]
    )
}

#[tokio::test]
async fn no_bad_token_passes() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let who = (ada.id.parse().unwrap(), ada.session.parse().unwrap());
    let key = signer(&house).await;
    let good = signed(&house, &key, "commons", "commons", who);
    Client::with(&house.subgraph, bearer(&good))
        .data(WHO, json!({}))
        .await;

    let impostor = SigningKey::from_pkcs8(key.kid().to_owned(), &SigningKey::generate().to_pkcs8()).unwrap();
    let claims = BASE64_URL_SAFE_NO_PAD
        .decode(good.split('.').nth(1).unwrap())
        .unwrap();
    let mut claims: Value = serde_json::from_slice(&claims).unwrap();
    claims["exp"] = (claims["exp"].as_i64().unwrap() + 3600).into();
    let none = json!({ "alg": "none", "typ": "JWT", "kid": key.kid() });
    let unsigned = altered(&good, Some(none.clone()), None);
    let unsigned = format!("{}.", unsigned.rsplit_once('.').unwrap().0);
    for (what, authorization) in [
        (
            "forged",
            bearer(&signed(&house, &impostor, "commons", "commons", who)),
        ),
        (
            "unknown key",
            bearer(&signed(
                &house,
                &SigningKey::generate(),
                "commons",
                "commons",
                who,
            )),
        ),
        (
            "foreign audience",
            bearer(&signed(&house, &key, "commons", "elsewhere", who)),
        ),
        (
            "an account's, for an audience",
            bearer(&signed(&house, &key, "commons", "commons/audience", who)),
        ),
        (
            "foreign issuer",
            bearer(&signed(&house, &key, "elsewhere", "commons", who)),
        ),
        ("altered", bearer(&altered(&good, None, Some(claims)))),
        ("alg none, signed", bearer(&altered(&good, Some(none), None))),
        ("alg none", bearer(&unsigned)),
        (
            "alg HS256",
            bearer(&altered(
                &good,
                Some(json!({ "alg": "HS256", "kid": key.kid() })),
                None,
            )),
        ),
        (
            "no kid",
            bearer(&altered(&good, Some(json!({ "alg": "EdDSA" })), None)),
        ),
        ("a refresh token", bearer(&ada.refresh)),
        ("empty", String::new()),
        ("no token", "Bearer ".to_owned()),
        ("no scheme", good.clone()),
        ("another scheme", format!("Basic {good}")),
        ("two tokens", format!("Bearer {good} {good}")),
    ] {
        let client = Client::with(&house.subgraph, authorization);
        for document in [WHO, "{ instance { name } }", "mutation { logout { sessionId } }"] {
            let answer = client.send(document, json!({})).await;
            assert_eq!(
                answer["errors"][0]["extensions"],
                unauthenticated(),
                "{what}: {answer:#}"
            );
            assert_eq!(answer["data"], Value::Null, "{what}");
        }
    }
}

#[tokio::test]
async fn a_token_lives_five_minutes_to_the_second() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    house.world.clock.advance(TimeDelta::seconds(299));
    house.client(&ada).data(WHO, json!({})).await;
    house.world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(house.client(&ada).error(WHO, json!({})).await, unauthenticated());
}

#[tokio::test]
async fn nobody_is_somebody_by_other_words() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let body = json!({ "query": WHO, "variables": { "viewer": ada.id }, "extensions": { "actor": ada.id, "authorization": bearer(&ada.access) } });
    let answer = house
        .subgraph
        .answer(body.to_string().as_bytes(), commons_testing::world::call(None))
        .await;
    assert_eq!(
        serde_json::from_slice::<Value>(&answer).unwrap(),
        json!({ "data": { "viewer": null } })
    );
}
