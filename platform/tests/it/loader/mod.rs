//! The loader's promises, with every race put in order by hand: no sleeps, no luck.
//!
//! [`truth`] is the database of these tests and lets a test stop a read half-way; [`world`] has the
//! processes and a cache and a bus that fail on command.

mod batch;
mod failure;
mod flight;
mod model;
mod race;
pub(crate) mod truth;
mod world;
