//! Reads a Slack export: a zip with users, channels and a file of messages for each channel and day.
//!
//! Pure reading into a neutral form, with texts in Slack's own markup ("mrkdwn"). Not here: Markdown,
//! ids, the database. Whoever imports asks for one day at a time, in order, and can stop after any.

mod archive;
mod directory;
mod export;
mod message;
mod record;
mod rich;

pub(crate) use directory::ImportedChannel;
pub(crate) use export::{DayFile, Export};
pub(crate) use record::{Author, BadRecord, Kind, Record};

#[cfg(test)]
mod tests;
