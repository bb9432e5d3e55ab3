//! Who asks: actors, and the tokens that name them.
//!
//! An access token is a JWT signed with EdDSA, good for five minutes: `iss aud sub sid kid`. Identity
//! comes from nothing else. Where the keys are kept is the user service's business; other processes
//! follow what it publishes ([`follow_jwks`]).

mod actor;
mod keys;
mod published;
mod sessions;
mod tokens;
mod verified;

pub use actor::Actor;
pub use keys::{BadKey, KeySet, SigningKey};
pub use published::follow_jwks;
pub use sessions::SessionEnd;
pub use tokens::{
    ACCESS_TOKEN_LIFETIME, AUDIENCE_LIFETIME, AccessToken, Audience, CONNECTION_LIFETIME, Connection, Tokens,
};
