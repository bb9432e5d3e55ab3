//! The channel domain through its GraphQL boundary, on a real database.

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
