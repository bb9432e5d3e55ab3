//! The seams of the platform against their contracts, and the loader against its races.
#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod contract;
mod graphql;
mod keys;
mod loader;
mod redis;
mod telemetry;
