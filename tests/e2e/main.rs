//! The whole platform from outside: the real binary with a data folder of its own on a free port.
//!
//! Everything here is what a client or an operator can do; no domain of Commons is linked. What a
//! single domain promises is tested in its own crate; here is what only the whole can break.
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected must fail")]

mod bombs;
mod ended;
mod form;
mod harness;
mod hidden;
mod import;
mod input;
mod killed;
mod life;
mod live;
mod node;
mod rates;
mod redis;
mod repair;
mod settings;
mod tokens;
mod tour;
mod traced;
