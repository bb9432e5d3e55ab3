//! What can go wrong in the user domain.

use commons_content::ContentError;
use commons_platform::{ApiError, Code, loader::LoadError};

/// Why a use case did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An answer that is ready as it is: identity, access, limits, the database.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A text is not acceptable.
    #[error("{source}")]
    Content {
        /// The input field.
        field: &'static str,
        /// Why.
        source: ContentError,
    },
    /// Somebody has the name.
    #[error("this username is taken")]
    UsernameTaken,
    /// Somebody has the address.
    #[error("this email address is taken")]
    EmailTaken,
    /// The instance takes no new accounts.
    #[error("this instance takes no new accounts")]
    RegistrationClosed,
    /// Name or password is wrong; which of them is not told.
    #[error("name or password is wrong")]
    WrongCredentials,
    /// The current password is wrong; the actor stays signed in.
    #[error("the current password is wrong")]
    WrongPassword {
        /// The input field.
        field: &'static str,
    },
    /// The refresh token is unknown, expired, or of an ended session.
    #[error("this refresh token does not work")]
    RefreshTokenInvalid,
    /// The refresh token was used before: the session is ended.
    #[error("this refresh token was used before; the session has been ended")]
    RefreshTokenReused,
    /// The bot's token is unknown, replaced, or of a deleted bot.
    #[error("this bot token does not work")]
    BotTokenInvalid,
    /// Only people may.
    #[error("a bot may not do this")]
    NotForBots,
    /// The account has as many bots as it may.
    #[error("an account has at most {} bots", crate::service::MAX_BOTS)]
    TooManyBots,
    /// The account, or a bot of it, owns guilds.
    #[error("give your guilds, and those of your bots, to somebody else or delete them first")]
    OwnsGuilds,
    /// An export is being gathered.
    #[error("an export is being gathered already")]
    ExportRunning,
    /// Only administrators may.
    #[error("only an administrator may do this")]
    NotAdministrator,
    /// The account is no placeholder.
    #[error("this account is not a placeholder")]
    NotPlaceholder,
    /// The claim token is unknown, used or expired.
    #[error("this claim token does not work")]
    ClaimInvalid,
    /// Too many ids at once.
    #[error("ask for at most 100 users at once")]
    TooManyIds,
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

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Api(error) => error,
            Error::Content { field, source } => Self::invalid(field, source.reason(), message),
            Error::UsernameTaken => Self::conflict("USERNAME_TAKEN", message).with_field("username"),
            Error::EmailTaken => Self::conflict("EMAIL_TAKEN", message).with_field("email"),
            Error::RegistrationClosed => Self::forbidden("REGISTRATION_CLOSED", message),
            Error::WrongCredentials => unauthenticated("WRONG_CREDENTIALS", message),
            Error::WrongPassword { field } => Self::invalid(field, "WRONG_PASSWORD", message),
            Error::RefreshTokenInvalid => unauthenticated("REFRESH_TOKEN_INVALID", message),
            Error::RefreshTokenReused => unauthenticated("REFRESH_TOKEN_REUSED", message),
            Error::BotTokenInvalid => unauthenticated("BOT_TOKEN_INVALID", message),
            Error::NotForBots => Self::forbidden("NOT_FOR_BOTS", message),
            Error::TooManyBots => Self::conflict("TOO_MANY_BOTS", message),
            Error::OwnsGuilds => Self::conflict("OWNS_GUILDS", message),
            Error::ExportRunning => Self::conflict("EXPORT_RUNNING", message),
            Error::NotAdministrator => Self::forbidden("NOT_ADMINISTRATOR", message),
            Error::NotPlaceholder => Self::conflict("NOT_PLACEHOLDER", message),
            Error::ClaimInvalid => Self::new(Code::NotFound, message).with_reason("CLAIM_INVALID"),
            Error::TooManyIds => Self::invalid("ids", "TOO_MANY_IDS", message),
        }
    }
}

impl From<Error> for async_graphql::Error {
    fn from(error: Error) -> Self {
        ApiError::from(error).into()
    }
}

fn unauthenticated(reason: &'static str, message: String) -> ApiError {
    ApiError::new(Code::Unauthenticated, message).with_reason(reason)
}
