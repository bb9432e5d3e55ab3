//! Tokens that are not live tokens of this instance do not pass, over HTTP or a socket, and are never
//! taken for nobody.

use crate::harness::{House, Person, Socket, is_only, json_of};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

const DOCUMENT: &str = "{ instance { name } viewer { user { id } } guilds { nodes { id } } }";

/// A part of a token, and the same with a change.
fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn encoded(part: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(part.to_string())
}

/// The token with another header or other claims and the signature it had.
fn changed(token: &str, index: usize, name: &str, value: Value) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let mut part = part(token, index);
    part[name] = value;
    parts[index] = encoded(&part);
    parts.join(".")
}

async fn is_refused(house: &House, what: &str, token: &str) {
    let answer = house.api.ask(Some(token), DOCUMENT, &json!({})).await;
    assert!(
        answer["data"]["guilds"].is_null() && answer["data"]["viewer"].is_null(),
        "{what}: {answer:#}"
    );
    is_only(&answer, "UNAUTHENTICATED");
    let mut socket = Socket::connect(&house.api).await;
    let payload = json!({ "authorization": format!("Bearer {token}") });
    socket
        .say(json!({ "type": "connection_init", "payload": payload }))
        .await;
    assert_eq!(socket.hear().await, Err(Some(4401)), "{what}");
}

#[tokio::test]
async fn what_is_not_ours_does_not_pass() {
    let other = House::start().await;
    let stranger = other.register("alice").await.token;
    drop(other);
    let mut house = House::start().await;
    let alice = house.register("alice").await;
    let good = &alice.token;
    assert_eq!(part(good, 0)["alg"], "EdDSA");
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let mut header = part(good, 0);
    header["alg"] = json!("none");
    let none = format!("{}.{}.", encoded(&header), encoded(&part(good, 1)));
    for (what, token) in [
        ("another instance's", stranger.clone()),
        ("alg none", none),
        (
            "alg none with the signature",
            changed(good, 0, "alg", json!("none")),
        ),
        ("another algorithm", changed(good, 0, "alg", json!("HS256"))),
        (
            "another key",
            changed(good, 0, "kid", part(&stranger, 0)["kid"].clone()),
        ),
        (
            "a key of the token's own",
            changed(
                good,
                0,
                "jwk",
                json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA" }),
            ),
        ),
        (
            "another person",
            changed(good, 1, "sub", part(&stranger, 1)["sub"].clone()),
        ),
        (
            "a longer life",
            changed(good, 1, "exp", json!(99_999_999_999_u64)),
        ),
        ("expired", changed(good, 1, "exp", json!(1))),
        ("foreign audience", changed(good, 1, "aud", json!("other"))),
        (
            "another's signature",
            format!("{signed}.{}", stranger.rsplit_once('.').unwrap().1),
        ),
        ("no signature", format!("{signed}.")),
        ("cut", good[..good.len() - 4].to_owned()),
        ("only a signature", signature.to_owned()),
        ("nonsense", "nonsense".to_owned()),
        ("dots", "..".to_owned()),
        ("long", "a".repeat(4_000)),
    ] {
        is_refused(&house, what, &token).await;
    }
    assert_eq!(
        alice.data(DOCUMENT, json!({})).await["viewer"]["user"]["id"],
        alice.id
    );
    house.lives().await;
}

#[tokio::test]
async fn an_audience_or_issuer_of_our_own_key_is_checked() {
    let mut house = House::start().await;
    let alice = house.register("alice").await;
    for (name, claim) in [("COMMONS_AUTH__AUDIENCE", "aud"), ("COMMONS_AUTH__ISSUER", "iss")] {
        house.terminate().await;
        house.set(name, "elsewhere");
        house.open().await;
        // The same key signs: only the claim differs.
        let here = Person::login(&house.api, "alice").await;
        assert_eq!(part(&here.token, 0)["kid"], part(&alice.token, 0)["kid"]);
        assert_eq!(part(&here.token, 1)[claim], "elsewhere");
        is_refused(&house, claim, &alice.token).await;
    }
}

#[tokio::test]
async fn identity_comes_from_nowhere_else() {
    let house = House::start().await;
    let alice = house.register("alice").await;
    let bearer = format!("Bearer {}", alice.token);
    let query = "{ viewer { user { id } } }";
    let nobody = json!({ "data": { "viewer": null } });
    let body = json!({ "query": query, "extensions": { "authorization": bearer, "headers": { "authorization": bearer } } });
    let request = house
        .api
        .post("/graphql")
        .json(&body)
        .header("x-authorization", &bearer);
    let request = request
        .header("x-commons-user", &alice.id)
        .header("cookie", format!("authorization={bearer}"));
    assert_eq!(json_of(request.send().await.unwrap()).await, nobody);
    let mut socket = Socket::connect(&house.api).await;
    let payload = json!({ "token": alice.token, "headers": { "authorization": bearer }, "user": alice.id });
    socket
        .say(json!({ "type": "connection_init", "payload": payload }))
        .await;
    assert_eq!(socket.hear().await.unwrap()["type"], "connection_ack");
    assert_eq!(socket.ask(query, json!({})).await, nobody);
}
