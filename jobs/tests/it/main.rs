//! Jobs through workers, on a real database.
#![expect(clippy::unwrap_used, reason = "a broken fixture must stop the test")]

mod export;
mod fixture;
mod queue;
mod trouble;
mod work;
