//! Access through a real database: what it answers, how proofs stay true, how changes are heard.

#![expect(clippy::unwrap_used, reason = "what a test does not expect must stop it")]

mod audience;
mod changes;
mod explain;
mod generated;
mod house;
mod line;
mod local;
mod log;
mod matrix;
mod proof;
mod remote;
mod watch;
