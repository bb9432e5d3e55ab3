//! Who may do what: permission bits, their calculation, and proofs that a check was made.
//!
//! Reading order: [`Permissions`] are the bits, [`compute`] is the calculation and [`explain`] tells
//! why, [`GuildStanding`] and [`ChannelStanding`] are its results for somebody, and `require` turns one
//! into a proof ([`GuildSeat`], [`ChannelSeat`]) that store functions ask for. [`Access`] answers for a
//! process: [`LocalAccess`] is the implementation over the database, [`RemoteAccess`] asks a process
//! that has one ([`serve`]). [`revalidate`] brings proofs up to date inside a write transaction.
//! [`change::record`] writes down whom a transaction concerns, [`Changes`] tells this process, and
//! [`AccessWatch`] ends a live stream when its viewer loses it.
//!
//! What may not be seen does not exist: a hidden thing and an unknown id get the same answer.
//! No domain's rules beyond permissions live here: archived channels, slow mode and message authors
//! are their services' business.
#![forbid(unsafe_code)]

mod access;
pub mod change;
pub mod changes;
pub mod compute;
mod denied;
mod every;
pub mod explain;
mod kept;
mod local;
mod ownership;
mod permission;
mod proof;
mod rows;
mod rpc;
mod standing;
mod watch;

pub use access::Access;
pub use change::{Change, Recorded, Subject};
pub use changes::{Changes, Listener};
pub use denied::Denied;
pub use every::every_channel;
pub use explain::{Effect, Explanation, Rule, Step, explain_channel};
pub use local::LocalAccess;
pub use ownership::owns_any_guild;
pub use permission::{Permission, Permissions};
pub use proof::{channels_in, guilds_in, revalidate, revalidate_guild};
pub use rpc::{BadAddress, RemoteAccess, serve};
pub use standing::{
    ChannelFacts, ChannelReader, ChannelSeat, ChannelStanding, GuildSeat, GuildStanding, Versions,
};
pub use watch::{AccessWatch, Ended};
