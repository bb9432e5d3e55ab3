//! The channel domain: guilds, channels, members, roles, overwrites and invites.
//!
//! Invariants:
//! - whoever may not see a guild or a channel gets the answer for an unknown one;
//! - nobody grants a permission they lack, nor acts on a member or role at or above their own top role;
//! - every change of standing is recorded in the transaction that makes it and announced before the
//!   answer, so that live streams end and caches forget;
//! - a guild's stream holds only what every member may see, and nothing about a single channel: what
//!   one viewer sees differently is told to that viewer alone;
//! - a transaction that changes a guild holds the lock of the guild's stream from its start, so that
//!   limits, ranks and positions are checked against what is written.
//!
//! Reading order: [`service`] (use cases; each writes through one `Write`), [`store`] (every query),
//! [`loaders`] (what is cached or gathered), [`events`], [`graphql`] (parse → service → wrap),
//! [`schema`].
#![forbid(unsafe_code)]

pub mod error;
pub mod events;
pub mod graphql;
pub mod loaders;
pub mod schema;
pub mod service;
pub mod store;

pub use error::Error;
pub use schema::{sdl, subgraph};
pub use service::{ChannelService, Cx};
