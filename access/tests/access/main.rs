//! Access through a real database: what it answers, how proofs stay true, how changes are heard.

#![expect(clippy::unwrap_used, reason = "what a test does not expect must stop it")]

mod changes;
mod house;
mod local;
mod matrix;
mod proof;
mod watch;
