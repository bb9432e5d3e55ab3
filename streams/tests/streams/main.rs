//! The event log and its followers on a real database.
#![expect(clippy::unwrap_used, reason = "a broken fixture must stop the test")]

mod bus;
mod fixture;
mod follow;
mod handover;
mod log;
mod processes;
mod property;
mod retention;
mod trouble;
