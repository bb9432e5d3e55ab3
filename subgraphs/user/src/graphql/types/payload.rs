//! What mutations answer.

use super::{BotSignedIn, DataExport, LoginResult, SignedIn, User, Viewer};
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

/// The bot and how it signs in.
#[derive(SimpleObject)]
pub struct CreateBotPayload {
    /// The account.
    pub bot: User,
    /// For `signInBot`; shown only once. Whoever has it is the bot.
    pub token: String,
}

/// The bot and how it signs in from now on.
#[derive(SimpleObject)]
pub struct RotateBotTokenPayload {
    /// The account.
    pub bot: User,
    /// For `signInBot`; shown only once. The one before does not work any more.
    pub token: String,
}

/// Which bot was deleted.
#[derive(SimpleObject)]
pub struct DeleteBotPayload {
    /// The one that was named.
    pub bot_id: ID,
}

/// The bot, signed in.
#[derive(SimpleObject)]
pub struct SignInBotPayload {
    /// The session.
    pub signed_in: BotSignedIn,
}

/// The account is gone.
#[derive(SimpleObject)]
pub struct DeleteAccountPayload {
    /// What was the viewer's; it resolves to a placeholder from now on.
    pub user_id: ID,
}

/// The copy that is being gathered.
#[derive(SimpleObject)]
pub struct ExportMyDataPayload {
    /// Ask for it again until it is ready.
    pub export: DataExport,
}
