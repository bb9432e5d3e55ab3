//! Access tokens: signed, checked, and refused once their session is revoked.
//!
//! The kinds that stay between the gateway and the services are in `gateway`. Each kind has an audience
//! of its own, in the sense of RFC 7519: none passes for another.

mod gateway;

pub use gateway::{AUDIENCE_LIFETIME, Audience, CONNECTION_LIFETIME, Connection};

use super::{
    Actor, KeySet,
    keys::Checker,
    sessions::{SessionEnd, Sessions},
    verified::Verified,
};
use crate::{ApiError, clock::Clock, config::AuthConfig, secret::Secret};
use arc_swap::ArcSwapOption;
use chrono::{DateTime, TimeDelta, Utc};
use gateway::Gateway;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::Notify;
use uuid::Uuid;

/// How long an access token is good for.
pub const ACCESS_TOKEN_LIFETIME: TimeDelta = TimeDelta::minutes(5);

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
    /// The account; the stream in an audience's.
    pub(super) sub: Uuid,
    /// The session; an audience has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sid: Option<Uuid>,
    pub(super) iat: i64,
    pub(super) exp: i64,
}

/// Signs and checks the tokens of a process.
pub struct Tokens {
    issuer: String,
    audience: String,
    clock: Arc<dyn Clock>,
    keys: ArcSwapOption<KeySet>,
    gateway: Gateway,
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
        Self {
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            clock,
            keys: ArcSwapOption::empty(),
            gateway: Gateway::new(&config.audience, secret),
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
        self.sign(keys, &self.audience, (user, Some(session)), ACCESS_TOKEN_LIFETIME)
    }

    fn sign(
        &self,
        keys: &KeySet,
        audience: &str,
        (sub, sid): (Uuid, Option<Uuid>),
        lifetime: TimeDelta,
    ) -> Result<AccessToken, ApiError> {
        let (kid, key) = keys.signer().ok_or_else(no_keys)?;
        let now = self.clock.now();
        let expires_at = now + lifetime;
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: audience.to_owned(),
            sub,
            sid,
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
        if kid == gateway::KID {
            self.check_gateway(token)
        } else {
            self.check_access(token, &kid)
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

    fn check_access(&self, token: &str, kid: &str) -> Result<Actor, ApiError> {
        let keys = self.keys.load();
        let keys = keys.as_ref().ok_or_else(no_keys)?;
        let Some(key) = keys.checker(kid) else {
            self.unknown_key.notify_one();
            return Err(ApiError::unauthenticated());
        };
        let claims = self.read(token, key, &[&self.audience]);
        claims
            .and_then(|claims| self.user(&claims))
            .ok_or_else(ApiError::unauthenticated)
    }

    /// What a token says that has not expired, when this key signed it for one of these audiences.
    fn read(&self, token: &str, key: &Checker, audiences: &[&str]) -> Option<Arc<Claims>> {
        let claims = self.verified.claims(token, key, audiences, || {
            let mut validation = Validation::new(Algorithm::EdDSA);
            validation.set_issuer(&[&self.issuer]);
            validation.set_audience(audiences);
            validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
            // The injected clock decides, to the second and without leeway.
            validation.validate_exp = false;
            let read = jsonwebtoken::decode::<Claims>(token, &key.key, &validation).ok()?;
            Some(read.claims)
        })?;
        (claims.exp > self.clock.now().timestamp()).then_some(claims)
    }

    /// The account and session of a token, while the session is not revoked.
    fn user(&self, claims: &Claims) -> Option<Actor> {
        let session = claims.sid?;
        (!self.is_revoked(session)).then_some(Actor::User {
            user: claims.sub,
            session,
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
mod tests;
