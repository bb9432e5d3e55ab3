//! The channel domain through its GraphQL boundary, on a real database.
#![expect(clippy::unwrap_used, reason = "what a test does not expect must stop it")]

mod audience;
mod audit;
mod ban;
mod channel;
mod count;
mod denied;
mod erase;
mod event;
mod explain;
mod guild;
mod house;
mod import;
mod invite;
mod member;
mod overwrite;
mod race;
mod rate;
mod role;
mod schema;
mod timeout;
