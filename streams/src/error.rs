//! What can go wrong with a stream.

use crate::event::MAX_DATA_BYTES;
use commons_platform::ApiError;
use sea_orm::DbErr;
use uuid::Uuid;

/// Why an event was not written, or a stream cannot be followed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StreamError {
    /// A statement of the log failed.
    #[error("the event log could not be used")]
    Database(#[from] DbErr),
    /// There is no such stream; what it was about may be deleted.
    #[error("there is no stream {0}")]
    Unknown(Uuid),
    /// An event carries more than [`MAX_DATA_BYTES`] of JSON. Nothing was written.
    #[error("the data of a {kind} event has {bytes} bytes, more than {MAX_DATA_BYTES}")]
    DataTooLarge {
        /// The event's kind.
        kind: &'static str,
        /// The size of its data as JSON.
        bytes: usize,
    },
    /// The events to write are not exactly those that were reserved. Nothing was written.
    #[error("the events for stream {0} are not those that were reserved")]
    NotAsReserved(Uuid),
    /// An event in the database is not one this version can read.
    #[error("event {seq} of stream {stream} is unreadable")]
    Unreadable {
        /// The stream.
        stream: Uuid,
        /// The event's number.
        seq: i64,
    },
    /// The database did not answer for longer than a follower waits. Resume with `after`.
    #[error("the stream cannot be followed for now")]
    Unavailable(#[source] Option<DbErr>),
}

/// A stream that is unknown is a channel or guild that does not exist.
impl From<StreamError> for ApiError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Database(source) => source.into(),
            StreamError::Unknown(_) => Self::not_found(),
            StreamError::Unavailable(_) => Self::unavailable(error),
            StreamError::DataTooLarge { .. }
            | StreamError::NotAsReserved(_)
            | StreamError::Unreadable { .. } => Self::internal(error),
        }
    }
}
