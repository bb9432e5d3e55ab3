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
    /// Nobody's account: all who may view one stream and read its history, as the gateway follows it
    /// for them. It sees what each of them sees of it, and nothing else; it changes nothing.
    Audience {
        /// The stream, such as a channel's.
        stream: Uuid,
    },
}

impl Actor {
    /// The account, as the caller's id type.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when no token came, and for an audience.
    pub fn user<Id: From<Uuid>>(&self) -> Result<Id, ApiError> {
        self.user_if_any().ok_or_else(ApiError::unauthenticated)
    }

    /// The account, if there is one; an audience has none.
    pub fn user_if_any<Id: From<Uuid>>(&self) -> Option<Id> {
        match self {
            Self::Anonymous | Self::Audience { .. } => None,
            Self::User { user, .. } => Some(Id::from(*user)),
        }
    }

    /// The session.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when no token came, and for an audience.
    pub fn session<Id: From<Uuid>>(&self) -> Result<Id, ApiError> {
        match self {
            Self::Anonymous | Self::Audience { .. } => Err(ApiError::unauthenticated()),
            Self::User { session, .. } => Ok(Id::from(*session)),
        }
    }
}
