//! The rows of the database and the typed ids that name them, one module a domain.
//!
//! No logic and no GraphQL live here. Every id is a UUIDv7 in the database and a
//! [TypeID](https://github.com/jetify-com/typeid) such as `message_01h2xcejqtf2nbrexx3vqjhp41`
//! on the API, so a wrong kind of id does not parse.
//!
//! A subgraph names only its own module; `access` and `streams` name what they own and what access
//! is computed from.
#![forbid(unsafe_code)]

pub mod access;
pub mod channel;
pub mod id;
pub mod job;
pub mod message;
pub mod stream;
pub mod user;

pub use id::{
    AuditEntryId, ChannelId, ExportId, GuildId, IdError, InviteId, MessageId, RoleId, SessionId, TypedId,
    UserId,
};
