//! Who asks: actors, and the tokens that name them.
//!
//! An access token is a JWT signed with EdDSA, good for five minutes: `iss aud sub sid kid`. Identity
//! comes from nothing else. Where the keys are kept is the user service's business.

mod actor;
mod keys;
mod tokens;

pub use actor::Actor;
pub use keys::{KeySet, SigningKey};
pub use tokens::{ACCESS_TOKEN_LIFETIME, AccessToken, CONNECTION_LIFETIME, Tokens};
