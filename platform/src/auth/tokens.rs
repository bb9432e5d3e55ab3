//! Access tokens: signed, checked, and refused once their session is revoked.
//!
//! Beside them there are connection tokens, which stay between the gateway and the services. They have
//! an audience of their own and one key, made from the instance's secret, so that every process can
//! sign and check them; neither kind passes for the other.

use super::{
    Actor, KeySet, SigningKey,
    keys::Checker,
    sessions::{SessionEnd, Sessions},
    verified::Verified,
};
use crate::{ApiError, clock::Clock, config::AuthConfig, secret::Secret};
use arc_swap::ArcSwapOption;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::Notify;
use uuid::Uuid;

/// The name of the key that signs connection tokens.
const GATEWAY: &str = "gateway";

/// How long an access token is good for.
pub const ACCESS_TOKEN_LIFETIME: TimeDelta = TimeDelta::minutes(5);

/// How long what outlives its access token may go on: a socket, a stream of server-sent events.
pub const CONNECTION_LIFETIME: TimeDelta = TimeDelta::hours(24);

/// An access token and its end.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The JWT.
    pub text: String,
    /// Its last moment.
    pub expires_at: DateTime<Utc>,
}

/// What a token says.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) sub: Uuid,
    pub(super) sid: Uuid,
    pub(super) iat: i64,
    pub(super) exp: i64,
}

/// With what a connection goes on.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The `authorization` value of its calls.
    pub authorization: String,
    /// The session that it lives as long as.
    pub session: Uuid,
}

/// Signs and checks the access tokens of a process.
pub struct Tokens {
    issuer: String,
    audience: String,
    /// That of tokens that never leave the house.
    connection_audience: String,
    clock: Arc<dyn Clock>,
    keys: ArcSwapOption<KeySet>,
    connections: KeySet,
    verified: Verified,
    sessions: Arc<Sessions>,
    unknown_key: Notify,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// Tokens of an issuer; no access token passes until there are keys.
    pub fn new(config: &AuthConfig, secret: &Secret, clock: Arc<dyn Clock>) -> Self {
        let key = SigningKey::from_seed(GATEWAY, &secret.derive("commons gateway key"));
        Self {
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            connection_audience: format!("{}/connection", config.audience),
            clock,
            keys: ArcSwapOption::empty(),
            connections: KeySet::new(&key, &[]).expect("32 bytes make an Ed25519 key"),
            verified: Verified::default(),
            sessions: Arc::default(),
            unknown_key: Notify::new(),
        }
    }

    /// Takes over a set of keys.
    pub fn set_keys(&self, keys: KeySet) {
        self.keys.store(Some(Arc::new(keys)));
    }

    /// Whether there are keys to check access tokens with.
    pub fn has_keys(&self) -> bool {
        self.keys.load().is_some()
    }

    /// Waits until a token names a key that is not there.
    pub(super) async fn unknown_key(&self) {
        self.unknown_key.notified().await;
    }

    /// The public keys as a JSON Web Key Set; none before there are keys.
    pub fn jwks(&self) -> Option<Vec<u8>> {
        self.keys.load().as_ref().map(|keys| keys.jwks().to_vec())
    }

    /// A token for a session of a user.
    ///
    /// # Errors
    /// `UNAVAILABLE` while there is no key that signs.
    pub fn issue(&self, user: Uuid, session: Uuid) -> Result<AccessToken, ApiError> {
        let keys = self.keys.load();
        let keys = keys.as_ref().ok_or_else(no_keys)?;
        self.sign(
            keys,
            (user, session),
            self.audience.clone(),
            ACCESS_TOKEN_LIFETIME,
        )
    }

    fn sign(
        &self,
        keys: &KeySet,
        (user, session): (Uuid, Uuid),
        audience: String,
        lifetime: TimeDelta,
    ) -> Result<AccessToken, ApiError> {
        let (kid, key) = keys.signer().ok_or_else(no_keys)?;
        let now = self.clock.now();
        let expires_at = now + lifetime;
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: audience,
            sub: user,
            sid: session,
            iat: now.timestamp(),
            exp: expires_at.timestamp(),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(kid.to_owned());
        let text = jsonwebtoken::encode(&header, &claims, key).map_err(ApiError::internal)?;
        Ok(AccessToken { text, expires_at })
    }

    /// The actor behind an `authorization` value; none is [`Actor::Anonymous`].
    ///
    /// # Errors
    /// `UNAUTHENTICATED` for whatever is not a live token of ours: a bad token is never anonymous.
    /// `UNAVAILABLE` for an access token before there are keys.
    pub fn actor(&self, authorization: Option<&str>) -> Result<Actor, ApiError> {
        let Some(authorization) = authorization else {
            return Ok(Actor::Anonymous);
        };
        let (token, kid) = signed(authorization).ok_or_else(ApiError::unauthenticated)?;
        if kid == GATEWAY {
            self.check_connection(token)
        } else {
            self.check_access(token, &kid)
        }
    }

    /// With what a connection goes on that was opened with this `authorization` value: its token lives
    /// [`CONNECTION_LIFETIME`], or until the session is revoked. It stays between the gateway and the
    /// services and is never given to a client.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when the value is not a live access token of ours, `UNAVAILABLE` before there
    /// are keys.
    pub fn for_connection(&self, authorization: &str) -> Result<Connection, ApiError> {
        let (token, kid) = signed(authorization).ok_or_else(ApiError::unauthenticated)?;
        match self.check_access(token, &kid)? {
            Actor::Anonymous => Err(ApiError::unauthenticated()),
            Actor::User { user, session } => {
                let audience = self.connection_audience.clone();
                let token = self.sign(&self.connections, (user, session), audience, CONNECTION_LIFETIME)?;
                Ok(Connection {
                    authorization: format!("Bearer {}", token.text),
                    session,
                })
            }
        }
    }

    /// From now on no token of the session passes, and who waits for its end is woken.
    pub fn revoke_session(&self, session: Uuid) {
        let kept = CONNECTION_LIFETIME + ACCESS_TOKEN_LIFETIME;
        self.sessions.revoke(session, self.clock.now(), kept);
    }

    /// Whether the session was revoked lately; older tokens have expired by themselves.
    pub fn is_revoked(&self, session: Uuid) -> bool {
        self.sessions.is_revoked(session)
    }

    /// Waits for the revocation of a session.
    pub fn end_of(&self, session: Uuid) -> SessionEnd {
        self.sessions.end_of(session)
    }

    fn check_connection(&self, token: &str) -> Result<Actor, ApiError> {
        let key = self.connections.checker(GATEWAY);
        let claims = key.and_then(|key| self.read(token, key, &self.connection_audience));
        claims
            .and_then(|claims| self.live(&claims))
            .ok_or_else(ApiError::unauthenticated)
    }

    fn check_access(&self, token: &str, kid: &str) -> Result<Actor, ApiError> {
        let keys = self.keys.load();
        let keys = keys.as_ref().ok_or_else(no_keys)?;
        let Some(key) = keys.checker(kid) else {
            self.unknown_key.notify_one();
            return Err(ApiError::unauthenticated());
        };
        let claims = self.read(token, key, &self.audience);
        claims
            .and_then(|claims| self.live(&claims))
            .ok_or_else(ApiError::unauthenticated)
    }

    /// What a token says, when this key signed it for this audience.
    fn read(&self, token: &str, key: &Checker, audience: &str) -> Option<Arc<Claims>> {
        self.verified.claims(token, key, audience, || {
            let mut validation = Validation::new(Algorithm::EdDSA);
            validation.set_issuer(&[&self.issuer]);
            validation.set_audience(&[audience]);
            validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
            // The injected clock decides, to the second and without leeway.
            validation.validate_exp = false;
            let read = jsonwebtoken::decode::<Claims>(token, &key.key, &validation).ok()?;
            Some(read.claims)
        })
    }

    /// The actor, while the token has not expired and the session is not revoked.
    fn live(&self, claims: &Claims) -> Option<Actor> {
        let live = claims.exp > self.clock.now().timestamp() && !self.is_revoked(claims.sid);
        live.then_some(Actor::User {
            user: claims.sub,
            session: claims.sid,
        })
    }
}

/// The token of an `authorization` value and the name of the key that it says it is signed with.
fn signed(authorization: &str) -> Option<(&str, String)> {
    let token = bearer(authorization)?;
    let header = jsonwebtoken::decode_header(token).ok()?;
    let kid = header.kid.filter(|_| header.alg == Algorithm::EdDSA)?;
    Some((token, kid))
}

/// The token of `Bearer <token>`, the scheme in any case.
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn no_keys() -> ApiError {
    ApiError::new(
        crate::Code::Unavailable,
        "signing in is not possible yet, try again",
    )
}

#[cfg(test)]
mod tests {
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
    fn a_connection_outlives_its_token_but_not_its_session() {
        let f = fixture();
        let (user, session) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let header = format!("Bearer {}", f.tokens.issue(user, session).unwrap().text);
        let connection = f.tokens.for_connection(&header).unwrap();
        assert_eq!(connection.session, session);
        let connection = connection.authorization;
        f.clock.advance(ACCESS_TOKEN_LIFETIME);
        assert!(f.tokens.for_connection(&header).is_err());
        assert_eq!(
            f.tokens.actor(Some(&connection)).unwrap(),
            Actor::User { user, session }
        );
        f.tokens.revoke_session(session);
        f.clock
            .advance(CONNECTION_LIFETIME - ACCESS_TOKEN_LIFETIME - TimeDelta::seconds(1));
        f.tokens.revoke_session(Uuid::from_u128(3));
        assert!(f.tokens.actor(Some(&connection)).is_err());
    }

    /// A process of the same instance that has the public keys alone.
    fn other_process(f: &Fixture) -> Tokens {
        let secret = Secret::new("a secret of the tests");
        let tokens = Tokens::new(&Config::from_toml("").unwrap().auth, &secret, f.clock.clone());
        tokens.set_keys(KeySet::from_jwks(&f.tokens.jwks().unwrap()).unwrap());
        tokens
    }

    #[test]
    fn processes_of_an_instance_know_each_other_s_tokens() {
        let (f, who) = (fixture(), (Uuid::from_u128(1), Uuid::from_u128(2)));
        let gateway = other_process(&f);
        let header = format!("Bearer {}", f.tokens.issue(who.0, who.1).unwrap().text);
        let expected = Actor::User {
            user: who.0,
            session: who.1,
        };
        assert_eq!(gateway.actor(Some(&header)).unwrap(), expected);
        let connection = gateway.for_connection(&header).unwrap().authorization;
        assert_eq!(f.tokens.actor(Some(&connection)).unwrap(), expected);
        assert_eq!(
            gateway.issue(who.0, who.1).unwrap_err().code(),
            crate::Code::Unavailable
        );
    }

    #[test]
    fn an_access_token_is_no_connection_token_and_the_reverse() {
        let f = fixture();
        let signed = |kid: &str, key: &SigningKey, audience: &str| {
            let mut header = Header::new(Algorithm::EdDSA);
            header.kid = Some(kid.to_owned());
            let claims = serde_json::json!({
                "iss": "commons", "aud": audience, "sub": Uuid::nil(), "sid": Uuid::nil(),
                "iat": 1_700_000_000, "exp": 1_700_000_300,
            });
            let key = jsonwebtoken::EncodingKey::from_ed_der(&key.to_pkcs8());
            format!("Bearer {}", jsonwebtoken::encode(&header, &claims, &key).unwrap())
        };
        let secret = Secret::new("a secret of the tests");
        let gateway = SigningKey::from_seed(GATEWAY, &secret.derive("commons gateway key"));
        let passes = |token: &str| f.tokens.actor(Some(token)).is_ok();
        assert!(passes(&signed(f.key.kid(), &f.key, "commons")));
        assert!(passes(&signed(GATEWAY, &gateway, "commons/connection")));
        for (kid, key, audience) in [
            (f.key.kid(), &f.key, "commons/connection"),
            (GATEWAY, &gateway, "commons"),
            (f.key.kid(), &gateway, "commons"),
            (f.key.kid(), &gateway, "commons/connection"),
            (GATEWAY, &f.key, "commons"),
            (GATEWAY, &f.key, "commons/connection"),
        ] {
            assert!(!passes(&signed(kid, key, audience)), "{kid} for {audience}");
        }
        // A connection does not open connections.
        let connection = signed(GATEWAY, &gateway, "commons/connection");
        assert!(f.tokens.for_connection(&connection).is_err());
        // A published key of the gateway's name does not count.
        let impostor = SigningKey::from_seed(GATEWAY, &[7; 32]);
        f.tokens.set_keys(KeySet::new(&impostor, &[]).unwrap());
        assert!(!passes(&signed(GATEWAY, &impostor, "commons")));
        assert!(!passes(&signed(GATEWAY, &impostor, "commons/connection")));
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
}
