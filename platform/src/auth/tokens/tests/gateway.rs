//! The kinds of tokens beside each other: of accounts, of connections, of audiences.

use super::{Fixture, fixture};
use crate::{
    Code,
    auth::{
        ACCESS_TOKEN_LIFETIME, AUDIENCE_LIFETIME, Actor, CONNECTION_LIFETIME, KeySet, SigningKey, Tokens,
        tokens::gateway::KID,
    },
    clock::Clock,
    config::Config,
    secret::Secret,
};
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use uuid::Uuid;

const USER: Uuid = Uuid::from_u128(1);
const SESSION: Uuid = Uuid::from_u128(2);
const STREAM: Uuid = Uuid::from_u128(3);

/// A process of the same instance that has the public keys alone.
fn other_process(f: &Fixture) -> Tokens {
    let secret = Secret::new("a secret of the tests");
    let tokens = Tokens::new(&Config::from_toml("").unwrap().auth, &secret, f.clock.clone());
    tokens.set_keys(KeySet::from_jwks(&f.tokens.jwks().unwrap()).unwrap());
    tokens
}

/// The key that both kinds are signed with.
fn gateway_key() -> SigningKey {
    let secret = Secret::new("a secret of the tests");
    SigningKey::from_seed(KID, &secret.derive("commons gateway key"))
}

/// An `authorization` value with a token for somebody, by any key for any audience.
fn signed(kid: &str, key: &SigningKey, audience: &str, session: Option<Uuid>) -> String {
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(kid.to_owned());
    let mut claims = json!({
        "iss": "commons", "aud": audience, "sub": USER, "iat": 1_700_000_000, "exp": 1_700_000_300,
    });
    if let Some(session) = session {
        claims["sid"] = json!(session);
    }
    let key = EncodingKey::from_ed_der(&key.to_pkcs8());
    format!("Bearer {}", jsonwebtoken::encode(&header, &claims, &key).unwrap())
}

#[test]
fn a_connection_outlives_its_token_but_not_its_session() {
    let f = fixture();
    let header = format!("Bearer {}", f.tokens.issue(USER, SESSION).unwrap().text);
    let connection = f.tokens.for_connection(&header).unwrap();
    assert_eq!(connection.session, SESSION);
    let connection = connection.authorization;
    f.clock.advance(ACCESS_TOKEN_LIFETIME);
    assert!(f.tokens.for_connection(&header).is_err());
    let expected = Actor::User {
        user: USER,
        session: SESSION,
    };
    assert_eq!(f.tokens.actor(Some(&connection)).unwrap(), expected);
    f.tokens.revoke_session(SESSION);
    f.clock
        .advance(CONNECTION_LIFETIME - ACCESS_TOKEN_LIFETIME - TimeDelta::seconds(1));
    f.tokens.revoke_session(Uuid::from_u128(3));
    assert!(f.tokens.actor(Some(&connection)).is_err());
}

#[test]
fn an_audience_is_nobody_s_and_ends_after_an_hour() {
    let f = fixture();
    let audience = f.tokens.for_audience(STREAM).unwrap();
    let passes = || f.tokens.actor(Some(&audience.authorization));
    let actor = passes().unwrap();
    assert_eq!(actor, Actor::Audience { stream: STREAM });
    assert_eq!(actor.user_if_any::<Uuid>(), None);
    for refused in [actor.user::<Uuid>(), actor.session::<Uuid>()] {
        assert_eq!(refused.unwrap_err().code(), Code::Unauthenticated);
    }
    // It hangs on no session: not on one that has its stream's id, nor on that of nobody.
    f.tokens.revoke_session(STREAM);
    f.tokens.revoke_session(Uuid::nil());
    f.clock.advance(AUDIENCE_LIFETIME - TimeDelta::seconds(1));
    assert_eq!(passes().unwrap(), actor);
    f.clock.advance(TimeDelta::seconds(1));
    assert_eq!(audience.expires_at, f.clock.now());
    assert_eq!(passes().unwrap_err().code(), Code::Unauthenticated);
}

#[test]
fn processes_of_an_instance_know_each_other_s_tokens() {
    let f = fixture();
    let gateway = other_process(&f);
    let header = format!("Bearer {}", f.tokens.issue(USER, SESSION).unwrap().text);
    let expected = Actor::User {
        user: USER,
        session: SESSION,
    };
    assert_eq!(gateway.actor(Some(&header)).unwrap(), expected);
    let connection = gateway.for_connection(&header).unwrap().authorization;
    assert_eq!(f.tokens.actor(Some(&connection)).unwrap(), expected);
    let audience = gateway.for_audience(STREAM).unwrap().authorization;
    let expected = Actor::Audience { stream: STREAM };
    assert_eq!(f.tokens.actor(Some(&audience)).unwrap(), expected);
    assert_eq!(
        gateway.issue(USER, SESSION).unwrap_err().code(),
        Code::Unavailable
    );
    // Who has another secret knows neither.
    let config = Config::from_toml("").unwrap().auth;
    let stranger = Tokens::new(&config, &Secret::new("another"), f.clock.clone());
    for token in [&connection, &audience] {
        let refused = stranger.actor(Some(token)).unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
    }
}

/// Every key with every audience, with a session and without: three of them pass, each as its own kind.
#[test]
fn no_kind_of_token_passes_for_another() {
    let f = fixture();
    let gateway = gateway_key();
    let names = [f.key.kid(), KID];
    for (kid, named) in names.iter().enumerate() {
        for (by, key) in [&f.key, &gateway].into_iter().enumerate() {
            for audience in [
                "commons",
                "commons/connection",
                "commons/audience",
                "",
                "audience",
            ] {
                for session in [Some(SESSION), None] {
                    let token = signed(named, key, audience, session);
                    let user = Actor::User {
                        user: USER,
                        session: SESSION,
                    };
                    let expected = match (kid, by, audience, session) {
                        (0, 0, "commons", Some(_)) | (1, 1, "commons/connection", Some(_)) => Some(user),
                        (1, 1, "commons/audience", None) => Some(Actor::Audience { stream: USER }),
                        _ => None,
                    };
                    // The second time it is remembered.
                    for _ in 0..2 {
                        let passed = f.tokens.actor(Some(&token)).ok();
                        assert_eq!(passed, expected, "{named} by {by} for {audience:?}, {session:?}");
                    }
                }
            }
        }
    }
    // Neither a connection nor an audience opens connections.
    for (audience, session) in [("commons/connection", Some(SESSION)), ("commons/audience", None)] {
        let token = signed(KID, &gateway, audience, session);
        assert!(f.tokens.actor(Some(&token)).is_ok());
        assert!(f.tokens.for_connection(&token).is_err(), "{audience}");
    }
    // A published key of the gateway's name does not count.
    let impostor = SigningKey::from_seed(KID, &[7; 32]);
    f.tokens.set_keys(KeySet::new(&impostor, &[]).unwrap());
    for audience in ["commons", "commons/connection", "commons/audience"] {
        for session in [Some(SESSION), None] {
            let token = signed(KID, &impostor, audience, session);
            assert!(f.tokens.actor(Some(&token)).is_err(), "{audience}");
        }
    }
}
