//! What mutations are given. Nothing is checked here: the service parses.

use async_graphql::{ID, InputObject, MaybeUndefined};

/// Who wants an account.
#[derive(InputObject)]
pub struct RegisterInput {
    /// 2 to 32 of a–z, 0–9, `_`, `.`, `-`; unique; upper case is folded.
    pub username: String,
    /// 8 to 256 characters.
    pub password: String,
    /// 1 to 64 characters; the username when absent.
    pub display_name: Option<String>,
    /// Also good to log in with.
    pub email: Option<String>,
}

/// Who logs in.
#[derive(InputObject)]
pub struct LoginInput {
    /// The username or the email address.
    pub login: String,
    /// The password.
    pub password: String,
}

/// An exchange of tokens.
#[derive(InputObject)]
pub struct RefreshSessionInput {
    /// The refresh token of the last sign-in or refresh.
    pub refresh_token: String,
}

/// Which session to end.
#[derive(InputObject)]
pub struct RevokeSessionInput {
    /// One of the viewer's own.
    pub session_id: ID,
}

/// A new password.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The one so far.
    pub current_password: String,
    /// 8 to 256 characters.
    pub new_password: String,
}

/// What of the profile to change; an absent field stays, null clears.
#[derive(InputObject)]
pub struct UpdateProfileInput {
    /// 1 to 64 characters; null leaves it, too.
    pub display_name: Option<String>,
    /// At most 500 characters.
    pub bio: MaybeUndefined<String>,
    /// An `https` address.
    pub avatar_url: MaybeUndefined<String>,
}

/// For whom to make a claim token.
#[derive(InputObject)]
pub struct CreatePlaceholderClaimInput {
    /// The placeholder.
    pub user_id: ID,
}

/// How a placeholder is taken over.
#[derive(InputObject)]
pub struct ClaimPlaceholderInput {
    /// What the administrator passed on.
    pub token: String,
    /// A new username; the imported one when absent.
    pub username: Option<String>,
    /// 8 to 256 characters.
    pub password: String,
    /// Also good to log in with.
    pub email: Option<String>,
}

/// A new bot.
#[derive(InputObject)]
pub struct CreateBotInput {
    /// As of an account: 2 to 32 of a–z, 0–9, `_`, `.`, `-`; unique among all; upper case is folded.
    pub username: String,
    /// 1 to 64 characters; the username when absent.
    pub display_name: Option<String>,
}

/// Whose token to replace.
#[derive(InputObject)]
pub struct RotateBotTokenInput {
    /// One of the viewer's bots.
    pub bot_id: ID,
}

/// Which bot to delete.
#[derive(InputObject)]
pub struct DeleteBotInput {
    /// One of the viewer's bots.
    pub bot_id: ID,
}

/// A bot that signs in.
#[derive(InputObject)]
pub struct SignInBotInput {
    /// The bot's token.
    pub token: String,
}

/// An account that goes.
#[derive(InputObject)]
pub struct DeleteAccountInput {
    /// The password, once more.
    pub password: String,
    /// Whether the messages go, too, those of the account's bots included; otherwise they stay, without
    /// an author.
    #[graphql(default)]
    pub erase_messages: bool,
}
