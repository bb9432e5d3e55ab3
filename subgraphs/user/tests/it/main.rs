//! The user domain through its GraphQL boundary, on a real database.
#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod audience;
mod bots;
mod deletion;
mod denied;
mod entities;
mod exports;
mod house;
mod import;
mod input;
mod keys;
mod login;
mod lookup;
mod password;
mod placeholders;
mod profile;
mod races;
mod rates;
mod refresh;
mod register;
mod schema;
mod sessions;
mod tokens;
