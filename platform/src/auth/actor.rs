//! The one who asks.

use crate::ApiError;
use uuid::Uuid;

/// The one who asks; made from a verified token or from nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// No token came.
    Anonymous,
    /// A signed-in person.
    User {
        /// The account.
        user: Uuid,
        /// The device.
        session: Uuid,
    },
}

impl Actor {
    /// The account, as the caller's id type.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when no token came.
    pub fn user<Id: From<Uuid>>(&self) -> Result<Id, ApiError> {
        self.user_if_any().ok_or_else(ApiError::unauthenticated)
    }

    /// The account, if there is one.
    pub fn user_if_any<Id: From<Uuid>>(&self) -> Option<Id> {
        match self {
            Self::Anonymous => None,
            Self::User { user, .. } => Some(Id::from(*user)),
        }
    }

    /// The session.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when no token came.
    pub fn session<Id: From<Uuid>>(&self) -> Result<Id, ApiError> {
        match self {
            Self::Anonymous => Err(ApiError::unauthenticated()),
            Self::User { session, .. } => Ok(Id::from(*session)),
        }
    }
}
