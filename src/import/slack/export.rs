//! An export's layout: who is in it, which channels, which days.

use super::{
    archive::{Archive, LIMITS, Limits},
    directory::{self, ImportedChannel, ImportedUser},
    message,
    record::{BadRecord, Record},
};
use chrono::NaiveDate;
use serde::de::DeserializeOwned;
use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

/// Why an export can't be read at all. Nothing has been written when one of these comes from
/// [`Export::open`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    /// The file can't be opened.
    #[error("the file can't be opened")]
    Open(#[source] std::io::Error),
    /// The file is no zip archive, or its end is missing.
    #[error("the file is not a complete zip archive")]
    NotAZip(#[source] zip::result::ZipError),
    /// An entry is packed in a way that is not read here, or encrypted.
    #[error("{name} in the archive can't be unpacked")]
    Entry {
        /// Its name.
        name: String,
        /// What the zip reader says.
        #[source]
        source: zip::result::ZipError,
    },
    /// An entry's bytes don't unpack, or not to what its checksum says.
    #[error("{name} in the archive is damaged")]
    Damaged {
        /// Its name.
        name: String,
        /// What the zip reader says.
        #[source]
        source: std::io::Error,
    },
    /// More files than an export can have.
    #[error("the archive has {found} entries, at most {max} are read")]
    TooManyEntries {
        /// How many there are.
        found: usize,
        /// How many may be.
        max: usize,
    },
    /// An entry unpacks to more than it may.
    #[error("{name} in the archive unpacks to more than {max} bytes")]
    TooLarge {
        /// Its name.
        name: String,
        /// What was left for it.
        max: u64,
    },
    /// A file that every export has is not there.
    #[error("the archive has no {name}: is this a Slack export?")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A file of users or channels is no JSON of the expected form.
    #[error("{name} in the archive is malformed")]
    Malformed {
        /// Its name.
        name: String,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
}

/// What is in the archive and not imported: private conversations, and folders of no known channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// Conversations of two (`dms.json`).
    pub(crate) direct: usize,
    /// Conversations of several (`mpims.json`).
    pub(crate) group_direct: usize,
    /// Folders with day files that belong to none of them nor to a channel.
    pub(crate) folders: Vec<String>,
}

/// The messages of one channel on one day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DayFile {
    /// The day, in the workspace's time zone.
    pub(crate) date: NaiveDate,
    /// The name in the archive: `talks/2016-07-31.json`.
    pub(crate) name: String,
}

/// A verified export.
pub(crate) struct Export {
    archive: Archive,
    users: Vec<ImportedUser>,
    channels: Vec<ImportedChannel>,
    /// By folder: the channel's name, in some newer exports its id.
    days: BTreeMap<String, Vec<DayFile>>,
    left_out: LeftOut,
}

impl Export {
    /// Opens an export and verifies all of it: every entry's checksum, sizes, the files it must have.
    ///
    /// # Errors
    /// See [`ExportError`].
    pub(crate) fn open(path: &Path) -> Result<Self, ExportError> {
        Self::open_within(path, LIMITS)
    }

    pub(super) fn open_within(path: &Path, limits: Limits) -> Result<Self, ExportError> {
        let archive = Archive::open(path, limits)?;
        let root = root_of(&archive);
        let users = parse::<Vec<directory::User>>(&archive, &root, "users.json")?
            .ok_or_else(missing("users.json"))?;
        let public = parse::<Vec<directory::Channel>>(&archive, &root, "channels.json")?
            .ok_or_else(missing("channels.json"))?;
        let private = parse::<Vec<directory::Channel>>(&archive, &root, "groups.json")?.unwrap_or_default();
        let direct = parse::<Vec<directory::Conversation>>(&archive, &root, "dms.json")?.unwrap_or_default();
        let group_direct =
            parse::<Vec<directory::Conversation>>(&archive, &root, "mpims.json")?.unwrap_or_default();
        let channels: Vec<ImportedChannel> = public
            .into_iter()
            .map(|channel| channel.imported(false))
            .chain(private.into_iter().map(|channel| channel.imported(true)))
            .collect();

        let days = days_of(&archive, &root);
        let known: HashSet<&str> = channels
            .iter()
            .flat_map(|channel| [channel.name.as_str(), channel.external_id.as_str()])
            .chain(
                direct
                    .iter()
                    .chain(&group_direct)
                    .flat_map(directory::Conversation::folders),
            )
            .collect();
        let folders = days
            .keys()
            .filter(|folder| !known.contains(folder.as_str()))
            .cloned()
            .collect();
        let left_out = LeftOut {
            direct: direct.len(),
            group_direct: group_direct.len(),
            folders,
        };
        Ok(Self {
            archive,
            users: users.into_iter().map(directory::User::imported).collect(),
            channels,
            days,
            left_out,
        })
    }

    /// Everybody the export lists. Messages may name people who are not in it.
    pub(crate) fn users(&self) -> &[ImportedUser] {
        &self.users
    }

    /// The channels, public ones first, in the order of the export.
    pub(crate) fn channels(&self) -> &[ImportedChannel] {
        &self.channels
    }

    /// What is not imported, so that it can be told.
    pub(crate) fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    /// The days of a channel on which somebody wrote, oldest first.
    pub(crate) fn days(&self, channel: &ImportedChannel) -> &[DayFile] {
        let found = self
            .days
            .get(&channel.name)
            .or_else(|| self.days.get(&channel.external_id));
        found.map_or(&[], Vec::as_slice)
    }

    /// A day's records in the order of their time, and those that can't be read.
    ///
    /// # Errors
    /// The archive has changed or can't be read any more; bad content is never an error here.
    pub(crate) fn day(&self, day: &DayFile) -> Result<(Vec<Record>, Vec<BadRecord>), ExportError> {
        let bytes = self.archive.read(&day.name)?.ok_or_else(missing(&day.name))?;
        Ok(message::read_day(&day.name, &bytes))
    }
}

fn missing(name: &str) -> impl FnOnce() -> ExportError {
    let name = name.to_owned();
    move || ExportError::Missing { name }
}

fn parse<T: DeserializeOwned>(archive: &Archive, root: &str, name: &str) -> Result<Option<T>, ExportError> {
    let name = format!("{root}{name}");
    let Some(bytes) = archive.read(&name)? else {
        return Ok(None);
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|source| ExportError::Malformed { name, source })
}

/// The folder in which the export lies: none, or one when somebody unpacked it and packed it again.
fn root_of(archive: &Archive) -> String {
    let at = |name: &str| name.strip_suffix("users.json").map(str::to_owned);
    let roots = archive
        .names()
        .filter_map(at)
        .filter(|root| root.is_empty() || root.find('/') == Some(root.len() - 1));
    roots.min_by_key(String::len).unwrap_or_default()
}

/// All `<folder>/<YYYY-MM-DD>.json`, by folder and date.
fn days_of(archive: &Archive, root: &str) -> BTreeMap<String, Vec<DayFile>> {
    let mut days: BTreeMap<String, Vec<DayFile>> = BTreeMap::new();
    for name in archive.names() {
        let Some((folder, file)) = name.strip_prefix(root).and_then(|rest| rest.split_once('/')) else {
            continue;
        };
        let date = file
            .strip_suffix(".json")
            .filter(|date| date.len() == "2016-07-31".len());
        if let Some(date) = date.and_then(|date| date.parse().ok()) {
            days.entry(folder.to_owned()).or_default().push(DayFile {
                date,
                name: name.to_owned(),
            });
        }
    }
    days.values_mut().for_each(|days| days.sort());
    days
}
