//! What a day's file holds, in a neutral form.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};

/// One message, or one thing that happened in a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// Its place in the file's array, from 0.
    pub(crate) index: usize,
    /// Slack's `ts`, its name in the channel and its place in the order: `1433558319.000002`.
    pub(crate) external_id: String,
    /// When, cut to milliseconds.
    pub(crate) at: DateTime<Utc>,
    /// Who.
    pub(crate) author: Author,
    /// What it is.
    pub(crate) kind: Kind,
    /// What was written, in mrkdwn; up to 40,000 characters. None where the kind says all.
    pub(crate) content: Option<String>,
    /// The external id of the first message of the thread it answers in.
    pub(crate) reply_to: Option<String>,
    /// When it was last edited, cut to milliseconds.
    pub(crate) edited_at: Option<DateTime<Utc>>,
    /// In the order of the export.
    pub(crate) reactions: Vec<Reaction>,
    /// What was attached.
    pub(crate) files: Vec<FileLink>,
    /// The previews under it and what an app attached: each some quoted lines of mrkdwn.
    pub(crate) previews: Vec<String>,
}

impl Record {
    /// All a reader saw as one mrkdwn text: the words, a line for each file, the previews.
    pub(crate) fn body(&self) -> Option<String> {
        let files: Vec<String> = self.files.iter().map(FileLink::mrkdwn).collect();
        let parts = self
            .content
            .iter()
            .chain(&files)
            .chain(&self.previews)
            .map(String::as_str);
        let body = parts.collect::<Vec<_>>().join("\n");
        (!body.trim().is_empty()).then_some(body)
    }
}

/// Who wrote a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Author {
    /// Somebody with an id, listed in the export or not.
    User {
        /// Slack's id.
        id: String,
        /// The name the message itself gives, in newer exports: the only one for guests from elsewhere.
        name: Option<String>,
    },
    /// A program without a user of its own.
    Bot {
        /// Slack's id of it: `B…`.
        id: Option<String>,
        /// What it called itself.
        name: String,
    },
}

/// What a record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Words.
    Message,
    /// Somebody joined.
    Joined,
    /// Somebody left.
    Left,
    /// The topic became this; mrkdwn, empty when it was cleared.
    TopicChanged(String),
    /// The purpose became this; mrkdwn, empty when it was cleared.
    PurposeChanged(String),
    /// The channel got this name.
    NameChanged(String),
    /// The channel was archived.
    Archived,
    /// A message was pinned; it is quoted in the previews.
    Pinned,
    /// An integration was added: this one; mrkdwn.
    IntegrationAdded(String),
}

/// One emoji under a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reaction {
    /// Slack's short name with its skin tone, without the outer colons: `clap::skin-tone-3`.
    pub(crate) emoji: String,
    /// The ids of the people, each once. Slack leaves some out when they are very many.
    pub(crate) user_ids: Vec<String>,
}

/// A file that was attached. The bytes stay where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileLink {
    /// What it was called; Slack's text with its entities.
    pub(crate) title: String,
    /// Where it is, if the export says so; without Slack's download token.
    pub(crate) url: Option<String>,
}

impl FileLink {
    /// A link, or the bare title.
    pub(crate) fn mrkdwn(&self) -> String {
        linked(self.url.as_deref(), &self.title)
    }
}

/// A record that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadRecord {
    /// The file's name in the archive.
    pub(crate) file: String,
    /// Its place in the file's array, from 0; none when the file itself can't be read.
    pub(crate) index: Option<usize>,
    /// What is wrong, in plain English.
    pub(crate) why: String,
}

/// A link in mrkdwn, or the bare label. The label may hold Slack's entities, but no markup.
pub(super) fn linked(url: Option<&str>, label: &str) -> String {
    let label = label.replace('<', "&lt;").replace('>', "&gt;");
    match url.filter(|url| !url.is_empty()) {
        Some(url) => format!("<{url}|{}>", label.replace(['|', '\n'], " ")),
        None => label,
    }
}

/// A `ts`, or whole seconds, as microseconds since 1970; none when it isn't one.
pub(super) fn micros(ts: &str) -> Option<i64> {
    let (seconds, fraction) = ts.split_once('.').unwrap_or((ts, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(seconds) || !digits(fraction) || fraction.len() > 6 {
        return None;
    }
    let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
    seconds
        .parse::<i64>()
        .ok()?
        .checked_mul(1_000_000)?
        .checked_add(fraction)
}

/// Microseconds since 1970 as a time of whole milliseconds; none outside the years 1971 to 9999.
pub(super) fn time(micros: i64) -> Option<DateTime<Utc>> {
    const YEAR: i64 = 31_536_000_000;
    let millis = micros / 1_000;
    DateTime::from_timestamp_millis(millis).filter(|_| (YEAR..253_402_300_800_000).contains(&millis))
}

/// Old exports write numbers as texts.
pub(super) fn text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Number(serde_json::Number),
    }
    Ok(Option::<Either>::deserialize(from)?.map(|either| match either {
        Either::Text(text) => text,
        Either::Number(number) => number.to_string(),
    }))
}
