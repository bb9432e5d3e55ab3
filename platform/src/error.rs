//! Errors as a client sees them: a code from a closed set, the domain's own word, the bad field.
//!
//! What went wrong inside stays inside: it is logged once, where the error becomes an answer, and the
//! client gets the request id to quote. Each crate has its own error enum and turns it into an
//! [`ApiError`]; nothing else becomes an answer.

use crate::{db::Trouble, loader::LoadError};
use async_graphql::ErrorExtensions;
use sea_orm::DbErr;
use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc, time::Duration};
use tokio::task::JoinError;

/// The closed set of `extensions.code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// No valid token, and the operation needs one.
    Unauthenticated,
    /// The viewer sees the thing and may not do this to it.
    Forbidden,
    /// It does not exist, or the viewer may not know that it does.
    NotFound,
    /// The input is not acceptable; `field` says which.
    Invalid,
    /// It contradicts what is there.
    Conflict,
    /// Too many; `retryAfter` says when again.
    RateLimited,
    /// The service is full for now.
    Overloaded,
    /// A subscription's client does not keep up; `seq` says after which event to go on.
    Lagged,
    /// Something that is needed does not answer.
    Unavailable,
    /// A defect; the request id finds it in the log.
    Internal,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Invalid,
        Self::Conflict,
        Self::RateLimited,
        Self::Overloaded,
        Self::Lagged,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The word on the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::Invalid => "INVALID",
            Self::Conflict => "CONFLICT",
            Self::RateLimited => "RATE_LIMITED",
            Self::Overloaded => "OVERLOADED",
            Self::Lagged => "LAGGED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }
}

type Source = Arc<dyn StdError + Send + Sync>;

/// An error on its way to a client.
#[derive(Debug, Clone)]
pub struct ApiError {
    code: Code,
    reason: Option<&'static str>,
    field: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
    message: Cow<'static, str>,
    source: Option<Source>,
}

impl ApiError {
    /// An error with a code and a message that a client may read.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            reason: None,
            field: None,
            retry_after: None,
            message: message.into(),
            source: None,
        }
    }

    /// The operation needs a valid token.
    pub fn unauthenticated() -> Self {
        Self::new(Code::Unauthenticated, "a valid access token is needed")
    }

    /// The viewer sees the thing and may not do this to it.
    pub fn forbidden(reason: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Forbidden, message).with_reason(reason)
    }

    /// It does not exist as far as the viewer may know; always the same answer.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "there is no such thing, or you may not see it")
    }

    /// An input field is not acceptable.
    pub fn invalid(
        field: impl Into<Cow<'static, str>>,
        reason: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        let mut error = Self::new(Code::Invalid, message).with_reason(reason);
        error.field = Some(field.into());
        error
    }

    /// It contradicts what is there.
    pub fn conflict(reason: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Conflict, message).with_reason(reason)
    }

    /// Too many requests; the next one has a chance after `retry_after`.
    pub fn rate_limited(retry_after: Duration) -> Self {
        let mut error = Self::new(Code::RateLimited, "too many requests");
        error.retry_after = Some(retry_after);
        error
    }

    /// The service is full; nothing was done.
    pub fn overloaded() -> Self {
        let mut error = Self::new(Code::Overloaded, "the service is full, try again");
        error.retry_after = Some(Duration::from_secs(1));
        error
    }

    /// Something that is needed does not answer.
    pub fn unavailable(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::new(
            Code::Unavailable,
            "a part of the service does not answer, try again",
        )
        .with_source(source)
    }

    /// A defect, or a failure that the client can do nothing about.
    pub fn internal(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::new(Code::Internal, "something went wrong inside").with_source(source)
    }

    /// What a client is told when the database fails like this.
    fn of_database(error: &DbErr) -> Self {
        match Trouble::of(error) {
            Trouble::Busy => Self::overloaded(),
            Trouble::Gone => Self::new(
                Code::Unavailable,
                "a part of the service does not answer, try again",
            ),
            Trouble::Refused => Self::new(Code::Internal, "something went wrong inside"),
        }
    }

    /// Adds the domain's own word.
    #[must_use]
    pub fn with_reason(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }

    /// Names the input field.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Keeps what caused it, for the log alone.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The domain's own word.
    pub fn reason(&self) -> Option<&'static str> {
        self.reason
    }

    /// Logs what a client is not told. Called once, where the error leaves.
    fn log(&self) {
        let Some(source) = &self.source else { return };
        let mut chain = source.to_string();
        let mut next = source.source();
        while let Some(cause) = next {
            chain = format!("{chain}: {cause}");
            next = cause.source();
        }
        tracing::error!(code = self.code.as_str(), cause = chain, "request failed");
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for ApiError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// A database that is busy or gone is not a defect; everything else is.
impl From<DbErr> for ApiError {
    fn from(error: DbErr) -> Self {
        Self::of_database(&error).with_source(error)
    }
}

/// A load that fails is the database that fails; one that died is a defect.
impl From<LoadError> for ApiError {
    fn from(error: LoadError) -> Self {
        match &error {
            LoadError::Database(source) => Self {
                source: Some(Arc::new(error.clone())),
                ..Self::of_database(source)
            },
            LoadError::TimedOut | LoadError::Ended => Self::unavailable(error),
            LoadError::Died => Self::internal(error),
        }
    }
}

/// A task that panicked is a defect; one that was given up ran in a process that ends.
impl From<JoinError> for ApiError {
    fn from(error: JoinError) -> Self {
        match error.is_panic() {
            true => Self::internal(error),
            false => Self::unavailable(error),
        }
    }
}

impl From<ApiError> for async_graphql::Error {
    fn from(error: ApiError) -> Self {
        error.log();
        async_graphql::Error::new(error.message.clone()).extend_with(|_, extensions| {
            extensions.set("code", error.code.as_str());
            if let Some(reason) = error.reason {
                extensions.set("reason", reason);
            }
            if let Some(field) = &error.field {
                extensions.set("field", field.as_ref());
            }
            if let Some(after) = error.retry_after {
                extensions.set("retryAfter", after.as_secs_f64().ceil());
            }
        })
    }
}
