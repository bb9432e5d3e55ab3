//! Why somebody may not, and what a client is told of it.

use crate::{Permission, Permissions};
use commons_platform::ApiError;

/// Why somebody may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It does not exist, or they may not know that it does: nobody can tell which.
    #[error("there is no such thing, or you may not see it")]
    Hidden,
    /// They see it and lack the permission.
    #[error("you need the permission {0} here")]
    Missing(Permission),
    /// They would give away what they lack.
    #[error("you cannot grant what you lack: {0}")]
    CannotGrant(Permissions),
    /// The member or role stands at or above their own top role.
    #[error("this stands at or above your own top role")]
    Outranked,
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        let reason = match denied {
            Denied::Hidden => return Self::not_found(),
            Denied::Missing(_) => "MISSING_PERMISSION",
            Denied::CannotGrant(_) => "CANNOT_GRANT",
            Denied::Outranked => "OUTRANKED",
        };
        Self::forbidden(reason, denied.to_string())
    }
}
