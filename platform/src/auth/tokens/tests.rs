//! Access tokens: what passes, what does not, and until when.

mod gateway;

use super::*;
use crate::{auth::SigningKey, clock::ManualClock, config::Config};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

struct Fixture {
    tokens: Tokens,
    clock: Arc<ManualClock>,
    key: SigningKey,
}

fn fixture() -> Fixture {
    let clock = Arc::new(ManualClock::new(
        DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
    ));
    let secret = Secret::new("a secret of the tests");
    let tokens = Tokens::new(&Config::from_toml("").unwrap().auth, &secret, clock.clone());
    let key = SigningKey::generate();
    tokens.set_keys(KeySet::new(&key, &[SigningKey::generate()]).unwrap());
    Fixture { tokens, clock, key }
}

fn forged(f: &Fixture, alg: &str, change: impl Fn(&mut serde_json::Value)) -> String {
    let mut claims = serde_json::json!({
        "iss": "commons", "aud": "commons", "sub": Uuid::nil(), "sid": Uuid::nil(),
        "iat": 1_700_000_000, "exp": 1_700_000_300,
    });
    change(&mut claims);
    if alg == "none" {
        let part = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let header = serde_json::json!({"alg": "none", "typ": "JWT", "kid": f.key.kid()});
        return format!("{}.{}.", part(&header), part(&claims));
    }
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(f.key.kid().to_owned());
    let key = jsonwebtoken::EncodingKey::from_ed_der(&f.key.to_pkcs8());
    jsonwebtoken::encode(&header, &claims, &key).unwrap()
}

#[test]
fn a_token_names_its_actor_until_it_expires() {
    let f = fixture();
    let (user, session) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let token = f.tokens.issue(user, session).unwrap();
    let header = format!("bearer {}", token.text);
    assert_eq!(
        f.tokens.actor(Some(&header)).unwrap(),
        Actor::User { user, session }
    );
    assert_eq!(f.tokens.actor(None).unwrap(), Actor::Anonymous);
    f.clock.advance(ACCESS_TOKEN_LIFETIME);
    assert!(f.tokens.actor(Some(&header)).is_err());
}

#[test]
fn a_revoked_session_has_no_tokens() {
    let f = fixture();
    let session = Uuid::from_u128(2);
    let token = f.tokens.issue(Uuid::from_u128(1), session).unwrap();
    f.tokens.revoke_session(session);
    assert!(f.tokens.actor(Some(&format!("Bearer {}", token.text))).is_err());
}

#[test]
fn what_was_checked_once_is_refused_when_it_counts_no_more() {
    let f = fixture();
    let (user, session) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let header = format!("Bearer {}", f.tokens.issue(user, session).unwrap().text);
    let passes = || f.tokens.actor(Some(&header)).is_ok();
    assert!(passes() && passes());
    // Another key under the same name, and no key of the name.
    let same_name = SigningKey::from_seed(f.key.kid(), &[7; 32]);
    f.tokens.set_keys(KeySet::new(&same_name, &[]).unwrap());
    assert!(!passes());
    f.tokens
        .set_keys(KeySet::new(&SigningKey::generate(), &[]).unwrap());
    assert!(!passes());
    f.tokens.set_keys(KeySet::new(&f.key, &[]).unwrap());
    assert!(passes());
    // One character of a good token changed.
    let (rest, last) = header.split_at(header.len() - 20);
    let altered = if last.starts_with('A') { "B" } else { "A" };
    assert!(
        f.tokens
            .actor(Some(&format!("{rest}{altered}{}", &last[1..])))
            .is_err()
    );
    // Its end, and its session's end.
    let other = format!(
        "Bearer {}",
        f.tokens.issue(user, Uuid::from_u128(3)).unwrap().text
    );
    assert!(f.tokens.actor(Some(&other)).is_ok());
    f.tokens.revoke_session(Uuid::from_u128(3));
    assert!(f.tokens.actor(Some(&other)).is_err());
    f.clock.advance(ACCESS_TOKEN_LIFETIME);
    assert!(!passes());
}

#[test]
fn without_keys_nothing_is_known_of_a_token() {
    let f = fixture();
    let header = format!(
        "Bearer {}",
        f.tokens.issue(Uuid::nil(), Uuid::nil()).unwrap().text
    );
    let secret = Secret::new("a secret of the tests");
    let young = Tokens::new(&Config::from_toml("").unwrap().auth, &secret, f.clock.clone());
    assert!(!young.has_keys());
    let code = |authorization: &str| young.actor(Some(authorization)).unwrap_err().code();
    assert_eq!(code(&header), crate::Code::Unavailable);
    assert_eq!(code("Bearer nonsense"), crate::Code::Unauthenticated);
}

#[test]
fn what_is_not_ours_does_not_pass() {
    let f = fixture();
    let good = forged(&f, "EdDSA", |_| {});
    assert!(f.tokens.actor(Some(&format!("Bearer {good}"))).is_ok());
    let other = fixture();
    let stranger = other.tokens.issue(Uuid::nil(), Uuid::nil()).unwrap().text;
    for (what, token) in [
        ("alg none", forged(&f, "none", |_| {})),
        (
            "expired",
            forged(&f, "EdDSA", |claims| claims["exp"] = 1_699_999_999.into()),
        ),
        (
            "foreign audience",
            forged(&f, "EdDSA", |claims| claims["aud"] = "other".into()),
        ),
        (
            "foreign issuer",
            forged(&f, "EdDSA", |claims| claims["iss"] = "other".into()),
        ),
        (
            "no session",
            forged(&f, "EdDSA", |claims| claims["sid"] = serde_json::Value::Null),
        ),
        ("foreign key", stranger),
        ("cut", good[..good.len() - 4].to_owned()),
        ("empty", String::new()),
    ] {
        assert!(
            f.tokens.actor(Some(&format!("Bearer {token}"))).is_err(),
            "{what}"
        );
    }
    assert!(f.tokens.actor(Some(&good)).is_err(), "no scheme");
}
