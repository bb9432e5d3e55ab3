//! Work that one domain owes another: put down by the transaction that causes it, done by the domain
//! that owns the rows, at least once.
//!
//! Invariants:
//! - a job exists exactly when the transaction that caused it is committed;
//! - one worker at a time runs a job; the job of one that died runs again when its lease ends;
//! - a job is gone when its work is done, and stays, marked, when it is given up.
//!
//! Reading order: [`Effect`] is what may be owed, [`enqueue`] puts it down, [`Worker`] has it done by a
//! domain's [`Runner`], [`export`] is where domains put their shares of an account's export. What an
//! effect does is in the domain that owns it.
#![forbid(unsafe_code)]

mod effect;
pub mod export;
mod queue;
mod store;
mod worker;

pub use effect::{Effect, Owner};
pub use queue::{Enqueued, enqueue, enqueue_at};
pub use worker::{LEASE, MAX_ATTEMPTS, Progress, Runner, Worker};
