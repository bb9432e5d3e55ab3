//! Who may do what: permission bits, their calculation, and proofs that a check was made.
//!
//! Reading order: [`Permissions`] are the bits, [`compute`] is the calculation, [`GuildStanding`] and
//! [`ChannelStanding`] are its results for somebody, and `require` turns one into a proof
//! ([`GuildSeat`], [`ChannelSeat`]) that store functions ask for. [`Access`] answers for a process;
//! [`LocalAccess`] is the implementation over the database, and [`revalidate`] brings proofs up to
//! date inside a write transaction. [`change::record`] writes down whom a transaction concerns,
//! [`Changes`] tells this process, and [`AccessWatch`] ends a live stream when its viewer loses it.
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
mod kept;
mod local;
mod permission;
mod proof;
mod rows;
mod standing;
mod watch;

pub use access::Access;
pub use change::{Change, Recorded, Subject};
pub use changes::{Changes, Listener};
pub use denied::Denied;
pub use local::LocalAccess;
pub use permission::{Permission, Permissions};
pub use proof::{channels_in, guilds_in, revalidate, revalidate_guild};
pub use standing::{ChannelFacts, ChannelSeat, ChannelStanding, GuildSeat, GuildStanding, Versions};
pub use watch::{AccessWatch, Ended};
