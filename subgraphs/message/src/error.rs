//! What can go wrong in the message domain.

use commons_access::Denied;
use commons_content::ContentError;
use commons_platform::{ApiError, loader::LoadError};
use commons_streams::StreamError;
use std::time::Duration;

/// Why a use case did not do what it was asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// An answer that is ready as it is: identity, access, limits, the database.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A text is not acceptable.
    #[error("{source}")]
    Content {
        /// The input field.
        field: &'static str,
        /// Why.
        source: ContentError,
    },
    /// The same nonce came with another body.
    #[error("this nonce was used for another message")]
    NonceConflict,
    /// The message to reply to is not in this channel.
    #[error("the message to reply to is not in this channel")]
    ReplyTarget,
    /// The channel holds no messages.
    #[error("this channel holds no messages")]
    NotForMessages,
    /// The channel is archived.
    #[error("this channel is archived")]
    Archived,
    /// The channel is in slow mode.
    #[error("slow mode: wait before the next message")]
    SlowMode {
        /// Until then.
        wait: Duration,
    },
    /// Only the author edits.
    #[error("only its author may edit a message")]
    NotAuthor,
    /// The message was not written by a person.
    #[error("a system message cannot be edited")]
    NotEditable,
    /// The message has as many different emojis as it may.
    #[error("a message has at most {} different emojis", crate::service::MAX_EMOJIS)]
    TooManyEmojis,
    /// The channel has as many pins as it may.
    #[error("a channel has at most {} pinned messages", crate::service::MAX_PINS)]
    TooManyPins,
    /// Too many channels at once.
    #[error("ask for at most {} channels at once", crate::service::MAX_POSITIONS)]
    TooManyPositions,
}

impl From<sea_orm::DbErr> for Error {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Api(error.into())
    }
}

impl From<LoadError> for Error {
    fn from(error: LoadError) -> Self {
        Self::Api(error.into())
    }
}

impl From<StreamError> for Error {
    fn from(error: StreamError) -> Self {
        Self::Api(error.into())
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Api(error) => error,
            Error::Denied(denied) => denied.into(),
            Error::Content { field, source } => Self::invalid(field, source.reason(), message),
            Error::NonceConflict => Self::conflict("NONCE_CONFLICT", message).with_field("nonce"),
            Error::ReplyTarget => Self::invalid("replyTo", "REPLY_TARGET", message),
            Error::NotForMessages => Self::invalid("channelId", "NOT_FOR_MESSAGES", message),
            Error::Archived => Self::conflict("CHANNEL_ARCHIVED", message),
            Error::SlowMode { wait } => Self::rate_limited(wait).with_reason("SLOW_MODE"),
            Error::NotAuthor => Self::forbidden("NOT_AUTHOR", message),
            Error::NotEditable => Self::forbidden("NOT_EDITABLE", message),
            Error::TooManyEmojis => Self::conflict("TOO_MANY_EMOJIS", message),
            Error::TooManyPins => Self::conflict("TOO_MANY_PINS", message),
            Error::TooManyPositions => Self::invalid("positions", "TOO_MANY_POSITIONS", message),
        }
    }
}

impl From<Error> for async_graphql::Error {
    fn from(error: Error) -> Self {
        ApiError::from(error).into()
    }
}
