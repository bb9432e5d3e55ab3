//! What mutations answer.

use super::{LoginResult, SignedIn, User, Viewer};
use async_graphql::{ID, SimpleObject};
use chrono::{DateTime, Utc};

/// A token with which a placeholder can be taken over.
#[derive(SimpleObject)]
pub struct PlaceholderClaim {
    /// To be passed on to the person; shown only once.
    pub token: String,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

/// The new account, signed in.
#[derive(SimpleObject)]
pub struct RegisterPayload {
    /// The session.
    pub signed_in: SignedIn,
}

/// How the login ended.
#[derive(SimpleObject)]
pub struct LoginPayload {
    /// Done, or what is still needed.
    pub result: LoginResult,
}

/// Fresh tokens.
#[derive(SimpleObject)]
pub struct RefreshSessionPayload {
    /// The session.
    pub signed_in: SignedIn,
}

/// Which session was ended.
#[derive(SimpleObject)]
pub struct LogoutPayload {
    /// The one that asked.
    pub session_id: ID,
}

/// Which session was ended.
#[derive(SimpleObject)]
pub struct RevokeSessionPayload {
    /// The one that was named.
    pub session_id: ID,
}

/// Which sessions were ended.
#[derive(SimpleObject)]
pub struct RevokeOtherSessionsPayload {
    /// All but the one that asked.
    pub session_ids: Vec<ID>,
}

/// The password is changed; all other sessions are ended.
#[derive(SimpleObject)]
pub struct ChangePasswordPayload {
    /// The one who asked.
    pub viewer: Viewer,
}

/// The profile as it is now.
#[derive(SimpleObject)]
pub struct UpdateProfilePayload {
    /// The account.
    pub user: User,
}

/// The claim.
#[derive(SimpleObject)]
pub struct CreatePlaceholderClaimPayload {
    /// The token and its end.
    pub claim: PlaceholderClaim,
}

/// The account that was a placeholder, signed in.
#[derive(SimpleObject)]
pub struct ClaimPlaceholderPayload {
    /// The session.
    pub signed_in: SignedIn,
}
