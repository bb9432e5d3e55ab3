//! The message domain: messages in channels, reactions, pins, typing, and the live stream of it all.
//!
//! Invariants:
//! - a message is answered for after it is on the disk, with its place in the channel's stream;
//! - every change of a message is an event on that stream, written in the same transaction;
//! - the same nonce from the same author in the same channel is the same message for 24 hours;
//! - a deleted message has no body anywhere: not in its row, not in an event, not in a cache;
//! - a write proves its permission again inside its transaction.
//!
//! Reading order: [`service`] (use cases; [`service::send`] is the hot path), [`store`] (every query),
//! [`loaders`] (what is cached), [`events`] (what the stream says), [`graphql`], [`schema`].
#![forbid(unsafe_code)]

pub mod error;
pub mod events;
pub mod graphql;
pub mod loaders;
pub mod schema;
pub mod service;
pub mod store;

pub use commons_entities::message::MessageKind;
pub use error::Error;
pub use schema::{sdl, subgraph};
pub use service::{Cx, MessageService};
