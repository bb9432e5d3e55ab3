//! The channel domain through its GraphQL boundary, on a real database.
#![expect(clippy::unwrap_used, reason = "what a test does not expect must stop it")]

mod channel;
mod count;
mod denied;
mod event;
mod guild;
mod house;
mod import;
mod invite;
mod member;
mod overwrite;
mod role;
mod schema;
