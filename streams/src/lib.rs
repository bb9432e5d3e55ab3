//! The durable event log: nothing lost, nothing twice, in order.
//!
//! A stream is a dense sequence of events about one channel, guild or the like, numbered from 1 in
//! the transaction that writes what an event tells of. [`log`] writes and reads it, within a caller's
//! transaction. [`Streams`] follows it live, one follower a process and stream, however many
//! subscribers there are.
//!
//! What holds:
//! - An event's number becomes visible in order: whoever sees 7 sees 1 to 6, down to the floor.
//! - The database is the truth. The bus and [`Streams::announce`] are wake-ups; when all of them are
//!   lost, comparing heads finds the events within seconds.
//! - A [`Subscription`] yields every event after its start once and in order, or says [`Delivery::Reset`],
//!   or ends with an error. It never skips in silence, and it never holds up another.
//!
//! Reading order: [`event`], [`log`], `ring` (what a follower knows), `follower` (how it learns it),
//! [`hub`] (all followers of a process), [`subscription`]. Which kinds of events exist, what their data
//! means and who may see them is a matter of the domains; nothing is filtered here.
#![forbid(unsafe_code)]

pub mod error;
pub mod event;
pub mod hub;
pub mod log;
pub mod subscription;

mod announcer;
mod follower;
mod meter;
mod ring;
mod source;
mod wire;

pub use error::StreamError;
pub use event::{Event, MAX_DATA_BYTES, NewEvent};
pub use hub::{Streams, Tuning};
pub use log::Head;
pub use subscription::{Delivery, Subscription};
