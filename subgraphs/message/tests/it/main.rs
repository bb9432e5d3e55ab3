//! The message domain through its GraphQL face, on a real database.
//!
//! `house` is where the tests live: a guild with channels, people in it and one outside.
#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod audience;
mod batch;
mod change;
mod denied;
mod duty;
mod entity;
mod erased;
mod event;
mod history;
mod house;
mod import;
mod live;
mod pace;
mod proxy;
mod queries;
mod reaction;
mod replica;
mod replicas;
mod schema;
mod send;
mod trouble;
mod typing;
