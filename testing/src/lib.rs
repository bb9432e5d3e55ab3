//! The test world: a real database a test, a clock that is moved by hand, identities and a client.
//!
//! Only tests depend on it. Schema comes from `migrations` alone; rows of domains that are not under
//! test are written by [`seed`].
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a broken test world must stop the test")]

pub mod client;
pub mod collector;
pub mod contract;
pub mod database;
pub mod dump;
pub mod redis;
pub mod schema;
pub mod seed;
pub mod world;

pub use client::Client;
pub use collector::Collector;
pub use database::TestDatabase;
pub use schema::assert_described;
pub use world::{Identity, World};
