//! Changing accounts and sessions.

use super::{
    cx,
    types::{
        ChangePasswordInput, ChangePasswordPayload, ClaimPlaceholderInput, ClaimPlaceholderPayload,
        CreateBotInput, CreateBotPayload, CreatePlaceholderClaimInput, CreatePlaceholderClaimPayload,
        DataExport, DeleteAccountInput, DeleteAccountPayload, DeleteBotInput, DeleteBotPayload,
        ExportMyDataPayload, LoginInput, LoginPayload, LoginResult, LogoutPayload, PlaceholderClaim,
        RefreshSessionInput, RefreshSessionPayload, RegisterInput, RegisterPayload,
        RevokeOtherSessionsPayload, RevokeSessionInput, RevokeSessionPayload, RotateBotTokenInput,
        RotateBotTokenPayload, SignInBotInput, SignInBotPayload, UpdateProfileInput, UpdateProfilePayload,
        viewer,
    },
};
use crate::service;
use async_graphql::{Context, ID, MaybeUndefined, Object, Result};
use commons_platform::graphql::parse_id;

/// What can be changed.
pub struct Mutation;

#[Object(name = "Mutation")]
impl Mutation {
    /// Makes an account and signs it in. The first one of an instance administers it.
    async fn register(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Who wants an account.")] input: RegisterInput,
    ) -> Result<RegisterPayload> {
        let input = service::RegisterInput {
            username: input.username,
            password: input.password,
            display_name: input.display_name,
            email: input.email,
        };
        let done = service::register(cx(context), input).await?;
        Ok(RegisterPayload {
            signed_in: done.into(),
        })
    }

    /// Signs in with a name and a password.
    async fn login(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Who logs in.")] input: LoginInput,
    ) -> Result<LoginPayload> {
        let done = service::login(cx(context), &input.login, &input.password).await?;
        Ok(LoginPayload {
            result: LoginResult::SignedIn(done.into()),
        })
    }

    /// Exchanges a refresh token for new tokens. One that is used again ends its session;
    /// within ten seconds it answers again, for answers that were lost.
    async fn refresh_session(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The token.")] input: RefreshSessionInput,
    ) -> Result<RefreshSessionPayload> {
        let done = service::refresh(cx(context), &input.refresh_token).await?;
        Ok(RefreshSessionPayload {
            signed_in: done.into(),
        })
    }

    /// Ends the session that asks.
    async fn logout(&self, context: &Context<'_>) -> Result<LogoutPayload> {
        let session = service::logout(cx(context)).await?;
        Ok(LogoutPayload {
            session_id: session.to_string().into(),
        })
    }

    /// Ends one of the viewer's sessions; its streams end within a second.
    async fn revoke_session(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: RevokeSessionInput,
    ) -> Result<RevokeSessionPayload> {
        service::revoke(cx(context), parse_id("sessionId", &input.session_id)?).await?;
        Ok(RevokeSessionPayload {
            session_id: input.session_id,
        })
    }

    /// Ends all of the viewer's sessions but the one that asks.
    async fn revoke_other_sessions(&self, context: &Context<'_>) -> Result<RevokeOtherSessionsPayload> {
        let ended = service::revoke_others(cx(context)).await?;
        Ok(RevokeOtherSessionsPayload {
            session_ids: ended.iter().map(|id| ID::from(id.to_string())).collect(),
        })
    }

    /// Replaces the password and ends all other sessions.
    async fn change_password(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The old and the new one.")] input: ChangePasswordInput,
    ) -> Result<ChangePasswordPayload> {
        service::change_password(cx(context), &input.current_password, &input.new_password).await?;
        Ok(ChangePasswordPayload {
            viewer: viewer(context).await?,
        })
    }

    /// Changes what others see of the viewer.
    async fn update_profile(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateProfileInput,
    ) -> Result<UpdateProfilePayload> {
        let input = service::ProfileInput {
            display_name: input.display_name,
            bio: given(input.bio),
            avatar_url: given(input.avatar_url),
        };
        let row = service::update_profile(cx(context), input).await?;
        Ok(UpdateProfilePayload { user: row.into() })
    }

    /// Makes a token with which a placeholder can be taken over, in place of the one before; for administrators.
    async fn create_placeholder_claim(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "For whom.")] input: CreatePlaceholderClaimInput,
    ) -> Result<CreatePlaceholderClaimPayload> {
        let claim = service::create_claim(cx(context), parse_id("userId", &input.user_id)?).await?;
        let claim = PlaceholderClaim {
            token: claim.token,
            expires_at: claim.expires_at,
        };
        Ok(CreatePlaceholderClaimPayload { claim })
    }

    /// Takes a placeholder over: its history becomes the history of this account.
    async fn claim_placeholder(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The token, and how to sign in from now on.")] input: ClaimPlaceholderInput,
    ) -> Result<ClaimPlaceholderPayload> {
        let input = service::ClaimInput {
            token: input.token,
            username: input.username,
            password: input.password,
            email: input.email,
        };
        let done = service::claim_placeholder(cx(context), input).await?;
        Ok(ClaimPlaceholderPayload {
            signed_in: done.into(),
        })
    }

    /// Makes a bot that the viewer owns; 25 at most.
    async fn create_bot(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The bot.")] input: CreateBotInput,
    ) -> Result<CreateBotPayload> {
        let display_name = input.display_name.as_deref();
        let made = service::create_bot(cx(context), &input.username, display_name).await?;
        Ok(CreateBotPayload {
            bot: made.bot.into(),
            token: made.token,
        })
    }

    /// Gives a bot another token. The one before stops working, and what was opened with it ends within a
    /// second.
    async fn rotate_bot_token(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose.")] input: RotateBotTokenInput,
    ) -> Result<RotateBotTokenPayload> {
        let made = service::rotate_bot_token(cx(context), parse_id("botId", &input.bot_id)?).await?;
        Ok(RotateBotTokenPayload {
            bot: made.bot.into(),
            token: made.token,
        })
    }

    /// Deletes a bot; its messages stay, without an author.
    async fn delete_bot(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: DeleteBotInput,
    ) -> Result<DeleteBotPayload> {
        service::delete_bot(cx(context), parse_id("botId", &input.bot_id)?).await?;
        Ok(DeleteBotPayload { bot_id: input.bot_id })
    }

    /// Exchanges a bot's token for an access token, every five minutes. A socket that is open lives on
    /// without.
    async fn sign_in_bot(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The token.")] input: SignInBotInput,
    ) -> Result<SignInBotPayload> {
        let done = service::sign_in_bot(cx(context), &input.token).await?;
        Ok(SignInBotPayload {
            signed_in: done.into(),
        })
    }

    /// Deletes the viewer's account with its bots; it cannot be undone. Refused while it owns guilds.
    /// Everything personal is cleared at once, the rest soon; nobody else gets the username for 30 days.
    async fn delete_account(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The proof, and what else goes.")] input: DeleteAccountInput,
    ) -> Result<DeleteAccountPayload> {
        let gone = service::delete_account(cx(context), &input.password, input.erase_messages).await?;
        Ok(DeleteAccountPayload {
            user_id: gone.to_string().into(),
        })
    }

    /// Begins to gather a copy of all that the viewer's account has; one at a time, one a day.
    async fn export_my_data(&self, context: &Context<'_>) -> Result<ExportMyDataPayload> {
        let export = service::export_my_data(cx(context)).await?;
        Ok(ExportMyDataPayload {
            export: DataExport(export),
        })
    }
}

/// Absent stays, null clears, a value sets.
fn given(value: MaybeUndefined<String>) -> Option<Option<String>> {
    match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}
