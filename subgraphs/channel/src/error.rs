//! What can go wrong in the channel domain.

use commons_access::Denied;
use commons_content::ContentError;
use commons_platform::{ApiError, loader::LoadError};
use commons_streams::StreamError;

/// Why a use case did not do what it was asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// An answer that is ready as it is: identity, the database, streams.
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
    /// A number is outside its bounds.
    #[error("{field} must be from {min} to {max}")]
    OutOfRange {
        /// The input field.
        field: &'static str,
        /// The least.
        min: i32,
        /// The greatest.
        max: i32,
    },
    /// There are as many as there may be.
    #[error("{0}")]
    Limit(Limit),
    /// What a category is not for.
    #[error("a category has no topic, no slow mode, and cannot be archived")]
    NotForCategories,
    /// A parent is not a category of the same guild.
    #[error("a channel stands under a category of its guild, and a category under nothing")]
    ParentNotCategory,
    /// Nothing, or something twice, was to be put in order.
    #[error("name from 1 to {max} different things of one guild")]
    OrderMalformed {
        /// The input field.
        field: &'static str,
        /// How many at most.
        max: usize,
    },
    /// `@everyone` is not like other roles.
    #[error("@everyone cannot be renamed, moved, deleted, given or taken")]
    EveryoneFixed,
    /// An overwrite allows and denies the same.
    #[error("an overwrite cannot allow and deny the same permission")]
    OverwriteContradicts,
    /// An overwrite names what counts for a whole guild.
    #[error("this counts for the whole guild and cannot be overwritten in a channel: {0}")]
    OverwriteGuildOnly(String),
    /// An overwrite is for a role or for a member.
    #[error("give a role or a user, not both")]
    OverwriteTarget,
    /// Only the owner may.
    #[error("only the owner of the guild may do this")]
    NotOwner,
    /// The owner stays until the guild is someone else's.
    #[error("the owner cannot leave: transfer the guild first")]
    OwnerCannotLeave,
    /// Messages older than that are not deleted by a ban.
    #[error("deleteMessagesSince must be in the past, 7 days ago at most")]
    TooFarBack,
    /// A time-out ends, and soon enough.
    #[error("until must be in the future, in 28 days at most")]
    TimeoutTooLong,
    /// Some stand above time-outs.
    #[error("the owner and administrators cannot be timed out")]
    CannotBeTimedOut,
    /// A filter names something that is in no audit log.
    #[error("a target is a guild, a channel, a role, a user or an invite")]
    NoAuditTarget,
    /// A cursor of events cannot be negative.
    #[error("after must be 0 or more")]
    AfterNegative,
}

/// What there is only so much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    /// Channels in a guild.
    #[error("a guild has at most 500 channels")]
    Channels,
    /// Roles in a guild.
    #[error("a guild has at most 250 roles")]
    Roles,
    /// Guilds of a user.
    #[error("a user is in at most 100 guilds")]
    Guilds,
    /// Live invites of a guild.
    #[error("a guild has at most 1000 live invites")]
    Invites,
    /// Overwrites of a channel.
    #[error("a channel has at most 100 overwrites")]
    Overwrites,
}

impl Limit {
    /// How many.
    pub const fn most(self) -> u64 {
        match self {
            Self::Channels => 500,
            Self::Roles => 250,
            Self::Guilds | Self::Overwrites => 100,
            Self::Invites => 1000,
        }
    }

    /// Passes when one more may be added to `count`.
    ///
    /// # Errors
    /// [`Error::Limit`].
    pub fn check(self, count: u64) -> Result<(), Error> {
        if count < self.most() {
            Ok(())
        } else {
            Err(Error::Limit(self))
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Channels => "TOO_MANY_CHANNELS",
            Self::Roles => "TOO_MANY_ROLES",
            Self::Guilds => "TOO_MANY_GUILDS",
            Self::Invites => "TOO_MANY_INVITES",
            Self::Overwrites => "TOO_MANY_OVERWRITES",
        }
    }
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
            Error::OutOfRange { field, .. } => Self::invalid(field, "OUT_OF_RANGE", message),
            Error::Limit(limit) => Self::conflict(limit.reason(), message),
            Error::NotForCategories => Self::conflict("NOT_FOR_CATEGORIES", message),
            Error::ParentNotCategory => Self::invalid("parentId", "PARENT_NOT_CATEGORY", message),
            Error::OrderMalformed { field, .. } => Self::invalid(field, "ORDER_MALFORMED", message),
            Error::EveryoneFixed => Self::conflict("EVERYONE_FIXED", message),
            Error::OverwriteContradicts => Self::invalid("deny", "OVERWRITE_CONTRADICTS", message),
            Error::OverwriteGuildOnly(_) => Self::invalid("allow", "OVERWRITE_GUILD_ONLY", message),
            Error::OverwriteTarget => Self::invalid("roleId", "ONE_OF", message),
            Error::NotOwner => Self::forbidden("NOT_OWNER", message),
            Error::OwnerCannotLeave => Self::conflict("OWNER_CANNOT_LEAVE", message),
            Error::TooFarBack => Self::invalid("deleteMessagesSince", "OUT_OF_RANGE", message),
            Error::TimeoutTooLong => Self::invalid("until", "OUT_OF_RANGE", message),
            Error::CannotBeTimedOut => Self::forbidden("CANNOT_BE_TIMED_OUT", message),
            Error::NoAuditTarget => Self::invalid("filter.targetId", "ID_MALFORMED", message),
            Error::AfterNegative => Self::invalid("after", "AFTER_NEGATIVE", message),
        }
    }
}

impl From<Error> for async_graphql::Error {
    fn from(error: Error) -> Self {
        ApiError::from(error).into()
    }
}
