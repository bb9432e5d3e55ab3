//! Access tokens: signed, checked, and refused once their session is revoked.

use super::{Actor, KeySet};
use crate::{ApiError, clock::Clock, config::AuthConfig};
use arc_swap::ArcSwapOption;
use chrono::{DateTime, TimeDelta, Utc};
use dashmap::DashMap;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

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

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    sid: Uuid,
    iat: i64,
    exp: i64,
}

/// Signs and checks the access tokens of a process.
pub struct Tokens {
    issuer: String,
    audience: String,
    clock: Arc<dyn Clock>,
    keys: ArcSwapOption<KeySet>,
    revoked: DashMap<Uuid, DateTime<Utc>>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// Tokens of an issuer; nothing passes until there are keys.
    pub fn new(config: &AuthConfig, clock: Arc<dyn Clock>) -> Self {
        Self {
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            clock,
            keys: ArcSwapOption::empty(),
            revoked: DashMap::new(),
        }
    }

    /// Takes over a set of keys.
    pub fn set_keys(&self, keys: KeySet) {
        self.keys.store(Some(Arc::new(keys)));
    }

    /// The public keys as a JSON Web Key Set; none before there are keys.
    pub fn jwks(&self) -> Option<Vec<u8>> {
        self.keys.load().as_ref().map(|keys| keys.jwks().to_vec())
    }

    /// A token for a session of a user.
    ///
    /// # Errors
    /// `UNAVAILABLE` before there are keys.
    pub fn issue(&self, user: Uuid, session: Uuid) -> Result<AccessToken, ApiError> {
        self.sign(user, session, self.audience.clone(), ACCESS_TOKEN_LIFETIME)
    }

    fn sign(
        &self,
        user: Uuid,
        session: Uuid,
        audience: String,
        lifetime: TimeDelta,
    ) -> Result<AccessToken, ApiError> {
        let keys = self.keys.load();
        let keys = keys.as_ref().ok_or_else(no_keys)?;
        let (kid, key) = keys.signer();
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
    pub fn actor(&self, authorization: Option<&str>) -> Result<Actor, ApiError> {
        let Some(authorization) = authorization else {
            return Ok(Actor::Anonymous);
        };
        let token = bearer(authorization).ok_or_else(ApiError::unauthenticated)?;
        self.check(token).ok_or_else(ApiError::unauthenticated)
    }

    /// The `authorization` value with which a connection goes on that was opened with this one: its
    /// token lives [`CONNECTION_LIFETIME`], or until the session is revoked. It stays between the
    /// gateway and the subgraphs and is never given to a client.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when the value is not a live token of ours.
    pub fn for_connection(&self, authorization: &str) -> Result<String, ApiError> {
        match self.actor(Some(authorization))? {
            Actor::Anonymous => Err(ApiError::unauthenticated()),
            Actor::User { user, session } => {
                let token = self.sign(user, session, self.connection_audience(), CONNECTION_LIFETIME)?;
                Ok(format!("Bearer {}", token.text))
            }
        }
    }

    /// From now on no token of the session passes.
    pub fn revoke_session(&self, session: Uuid) {
        let now = self.clock.now();
        self.revoked
            .retain(|_, at| now - *at < CONNECTION_LIFETIME + ACCESS_TOKEN_LIFETIME);
        self.revoked.insert(session, now);
    }

    /// Whether the session was revoked lately; older tokens have expired by themselves.
    pub fn is_revoked(&self, session: Uuid) -> bool {
        self.revoked.contains_key(&session)
    }

    /// The audience of tokens that never leave the house.
    fn connection_audience(&self) -> String {
        format!("{}/connection", self.audience)
    }

    fn check(&self, token: &str) -> Option<Actor> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.alg != Algorithm::EdDSA {
            return None;
        }
        let keys = self.keys.load();
        let key = keys.as_ref()?.checker(header.kid.as_deref()?)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience, &self.connection_audience()]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The injected clock decides below, to the second and without leeway.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &validation)
            .ok()?
            .claims;
        let live = claims.exp > self.clock.now().timestamp() && !self.is_revoked(claims.sid);
        live.then_some(Actor::User {
            user: claims.sub,
            session: claims.sid,
        })
    }
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
        let tokens = Tokens::new(&Config::from_toml("").unwrap().auth, clock.clone());
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
