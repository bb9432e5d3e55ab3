//! Events: references to what happened, with the state it left.
//!
//! Never a text body: replaying an event shows the object as it is now, and what was deleted is gone.

use crate::StreamError;
use chrono::{DateTime, Utc};
use commons_entities::stream::stream_event;
use serde_json::Value;
use std::borrow::Cow;
use uuid::Uuid;

/// The most JSON, in bytes, that an event may carry.
pub const MAX_DATA_BYTES: usize = 1024;

/// An event that is to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// The stream.
    pub stream: Uuid,
    /// The domain's word for what happened.
    pub kind: &'static str,
    /// What it happened to.
    pub subject: Uuid,
    /// The revision of that row as the event left it.
    pub rev: i64,
    /// Small facts such as an emoji, at most [`MAX_DATA_BYTES`]; never a text body.
    pub data: Option<Value>,
    /// Who did it.
    pub actor: Option<Uuid>,
    /// When, in whole milliseconds.
    pub at: DateTime<Utc>,
}

/// An event as it stands in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The stream.
    pub stream: Uuid,
    /// Its number: dense within the stream, from 1.
    pub seq: i64,
    /// The domain's word for what happened.
    pub kind: Cow<'static, str>,
    /// What it happened to.
    pub subject: Uuid,
    /// The revision of that row as the event left it: read at least this one.
    pub rev: i64,
    /// Small facts such as an emoji.
    pub data: Option<Value>,
    /// Who did it.
    pub actor: Option<Uuid>,
    /// When.
    pub at: DateTime<Utc>,
}

impl NewEvent {
    /// Whether it may be written, so that one bad event of a batch fails alone before the insert.
    ///
    /// # Errors
    /// [`StreamError::DataTooLarge`].
    pub fn check(&self) -> Result<(), StreamError> {
        self.data_text().map(|_| ())
    }

    /// The data as the database holds it.
    pub(crate) fn data_text(&self) -> Result<Option<String>, StreamError> {
        let Some(data) = self.data.as_ref().filter(|data| !data.is_null()) else {
            return Ok(None);
        };
        let text = data.to_string();
        match text.len() {
            0..=MAX_DATA_BYTES => Ok(Some(text)),
            bytes => Err(StreamError::DataTooLarge {
                kind: self.kind,
                bytes,
            }),
        }
    }

    /// The event with its number.
    pub(crate) fn numbered(self, seq: i64) -> Event {
        Event {
            stream: self.stream,
            seq,
            kind: Cow::Borrowed(self.kind),
            subject: self.subject,
            rev: self.rev,
            data: self.data.filter(|data| !data.is_null()),
            actor: self.actor,
            at: self.at,
        }
    }
}

impl TryFrom<stream_event::Model> for Event {
    type Error = StreamError;

    fn try_from(row: stream_event::Model) -> Result<Self, StreamError> {
        let unreadable = StreamError::Unreadable {
            stream: row.stream_id,
            seq: row.seq,
        };
        Ok(Self {
            stream: row.stream_id,
            seq: row.seq,
            kind: Cow::Owned(row.kind),
            subject: row.subject,
            rev: row.ref_rev,
            data: row
                .data
                .map(|text| serde_json::from_str(&text))
                .transpose()
                .map_err(|_| unreadable)?,
            actor: row.actor,
            at: row.at,
        })
    }
}
