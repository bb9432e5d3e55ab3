//! The user domain: accounts, bots, sign-in, sessions, signing keys, exports, and the placeholders of
//! imports.
//!
//! Invariants:
//! - a username is unique; the first person administers the instance;
//! - a refresh token works once; a used one that comes back ends its whole session;
//! - a revoked session has no live token a second later, in any process;
//! - a bot's one session ends with its token;
//! - of a deleted account nothing personal is left, and nobody can sign in to it;
//! - no password, token or key is stored readable, cached or logged.
//!
//! Reading order: [`service`] (use cases), [`store`] (every query), [`loaders`] (what is cached),
//! [`graphql`] (parse → service → wrap), [`schema`].
#![forbid(unsafe_code)]

pub mod error;
pub mod graphql;
pub mod loaders;
mod published;
pub mod schema;
pub mod service;
pub mod store;

pub use commons_entities::UserId;
pub use error::Error;
pub use published::jwks;
pub use schema::{sdl, subgraph};
pub use service::{Cx, UserService};
