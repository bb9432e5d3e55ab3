//! What the tests stand on: a running house, the people in it and their sockets.

mod api;
mod events;
mod house;
mod person;
mod place;
mod process;
mod random;
mod socket;

pub(crate) use self::{
    api::{Api, codes, is_only, json_of, refusal},
    events::{CREATED, Seen, by_pages, seen},
    house::House,
    person::{PASSWORD, Person, mutation},
    place::Place,
    process::{Ended, Process, commons},
    random::Random,
    socket::{Ending, Socket},
};
use std::time::Duration;

/// How long anything may take before a test gives up on it. Nothing waits this long when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How soon a stream ends that somebody may not follow any more.
pub(crate) const REVOKED_WITHIN: Duration = Duration::from_secs(1);
