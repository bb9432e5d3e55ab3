//! Access between processes, over gRPC: who has the database serves it, who has none asks.
//!
//! [`serve`] mounts the service into any router; [`crate::RemoteAccess`] asks it. The description is
//! `proto/access.proto`. A call without the instance's internal token gets nothing.

mod client;
mod convert;
mod feed;
#[rustfmt::skip]
#[expect(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    unreachable_pub,
    reason = "whoever generates it writes them"
)]
mod generated;
mod server;

pub use client::{BadAddress, RemoteAccess};
pub(crate) use client::{Client, DEADLINE};
pub(crate) use generated::WatchRequest;
pub use server::serve;

/// How many keys one call may have.
const KEYS: usize = 1000;
