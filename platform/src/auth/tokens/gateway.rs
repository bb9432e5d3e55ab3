//! The tokens that stay between the gateway and the services: of connections, and of audiences.
//!
//! One key signs both, made from the instance's secret, so that every process can sign and check them.
//! No client is ever given one.

use super::{Claims, Tokens, signed};
use crate::{
    ApiError,
    auth::{Actor, KeySet, SigningKey},
    secret::Secret,
};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// The name of the key that signs them.
pub(super) const KID: &str = "gateway";

/// How long what outlives its access token may go on: a socket, a stream of server-sent events.
pub const CONNECTION_LIFETIME: TimeDelta = TimeDelta::hours(24);

/// How long an audience's token is good for: what goes on longer takes a new one.
pub const AUDIENCE_LIFETIME: TimeDelta = TimeDelta::hours(1);

/// With what a connection goes on.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The `authorization` value of its calls.
    pub authorization: String,
    /// The session that it lives as long as.
    pub session: Uuid,
}

/// With what a stream is followed for all who may read it, as [`Actor::Audience`].
#[derive(Debug, Clone)]
pub struct Audience {
    /// The `authorization` value of its calls.
    pub authorization: String,
    /// From then on it does not pass.
    pub expires_at: DateTime<Utc>,
}

/// The key, and whom each kind is for.
pub(super) struct Gateway {
    keys: KeySet,
    connection: String,
    audience: String,
}

impl Gateway {
    /// The key that whoever has the secret makes; kinds beside that of access tokens.
    pub(super) fn new(audience: &str, secret: &Secret) -> Self {
        let key = SigningKey::from_seed(KID, &secret.derive("commons gateway key"));
        Self {
            keys: KeySet::new(&key, &[]).expect("32 bytes make an Ed25519 key"),
            connection: format!("{audience}/connection"),
            audience: format!("{audience}/audience"),
        }
    }
}

impl Tokens {
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
            Actor::Anonymous | Actor::Audience { .. } => Err(ApiError::unauthenticated()),
            Actor::User { user, session } => {
                let Gateway { keys, connection, .. } = &self.gateway;
                let token = self.sign(keys, connection, (user, Some(session)), CONNECTION_LIFETIME)?;
                Ok(Connection {
                    authorization: format!("Bearer {}", token.text),
                    session,
                })
            }
        }
    }

    /// With what a stream is followed for all who may view it and read its history: whoever asks has
    /// made sure of each of them. The token lives [`AUDIENCE_LIFETIME`] and belongs to no session. It
    /// stays between the gateway and the services and is never given to a client.
    ///
    /// # Errors
    /// `INTERNAL` when it cannot be signed.
    pub fn for_audience(&self, stream: Uuid) -> Result<Audience, ApiError> {
        let Gateway { keys, audience, .. } = &self.gateway;
        let token = self.sign(keys, audience, (stream, None), AUDIENCE_LIFETIME)?;
        Ok(Audience {
            authorization: format!("Bearer {}", token.text),
            expires_at: token.expires_at,
        })
    }

    /// The actor of a token that names the gateway's key.
    pub(super) fn check_gateway(&self, token: &str) -> Result<Actor, ApiError> {
        let Gateway {
            keys,
            connection,
            audience,
        } = &self.gateway;
        let key = keys.checker(KID);
        let claims = key.and_then(|key| self.read(token, key, &[connection, audience]));
        let actor = claims.and_then(|claims| match claims.aud == *audience {
            true => audience_of(&claims),
            false => self.user(&claims),
        });
        actor.ok_or_else(ApiError::unauthenticated)
    }
}

/// The audience that a token names; one that speaks of a session is none.
fn audience_of(claims: &Claims) -> Option<Actor> {
    let stream = claims.sub;
    claims.sid.is_none().then_some(Actor::Audience { stream })
}
