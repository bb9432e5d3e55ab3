//! Placeholders of imported history become accounts: an administrator gives out a token, its bearer
//! takes the placeholder over.

use super::{
    Cx, SignedIn, count_attempt, is_taken, me,
    register::{free_address, taken},
    sign_in::{open_session, signed_in},
    text,
};
use crate::{Error, store};
use chrono::{DateTime, TimeDelta, Utc};
use commons_content::{Email, Password, Username};
use commons_entities::{
    UserId,
    user::{UserKind, placeholder_claim},
};
use commons_platform::{
    ApiError,
    secret::{random_token, token_hash},
};

const CLAIM_LIFETIME: TimeDelta = TimeDelta::days(7);

/// A claim token and its end.
#[derive(Debug)]
pub struct Claim {
    /// What is passed on; shown once.
    pub token: String,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

/// What the bearer of a claim token gives.
#[derive(Debug)]
pub struct ClaimInput {
    /// The token.
    pub token: String,
    /// A new username; the imported one when absent.
    pub username: Option<String>,
    /// Secret.
    pub password: String,
    /// An address.
    pub email: Option<String>,
}

/// Gives out a claim token for a placeholder, in place of the one before; only administrators may.
pub async fn create_claim(cx: &Cx, user: UserId) -> Result<Claim, Error> {
    let me = me(cx).await?;
    if !me.administrator {
        return Err(Error::NotAdministrator);
    }
    let tx = cx.platform.db.begin().await?;
    let row = store::lock(&tx, user).await?.ok_or_else(ApiError::not_found)?;
    if row.kind != UserKind::Placeholder {
        return Err(Error::NotPlaceholder);
    }
    let token = random_token();
    let expires_at = cx.platform.clock.now() + CLAIM_LIFETIME;
    let claim = placeholder_claim::Model {
        hash: token_hash(&token),
        user_id: user,
        created_by: me.id,
        expires_at,
    };
    store::delete_claims(&tx, user).await?;
    store::insert_claim(&tx, claim).await?;
    tx.commit().await?;
    Ok(Claim { token, expires_at })
}

/// Takes a placeholder over: its history becomes the history of this account.
pub async fn claim_placeholder(cx: &Cx, input: ClaimInput) -> Result<SignedIn, Error> {
    count_attempt(cx, None)?;
    let token = token_hash(&input.token);
    // Looked at before the password is hashed, so that a guess costs little; looked at again below.
    if store::live_claim(cx.platform.db.read(), &token, cx.platform.clock.now())
        .await?
        .is_none()
    {
        return Err(Error::ClaimInvalid);
    }
    let username = input.username.as_deref().map(Username::parse).transpose();
    let username = text("username", username)?;
    let password = text("password", Password::parse(&input.password))?;
    let email = text("email", input.email.as_deref().map(Email::parse).transpose())?;
    let hash = cx.passwords.hash(password).await?;

    let now = cx.platform.clock.now();
    let tx = cx.platform.db.begin().await?;
    let claim = store::live_claim(&tx, &token, now).await?;
    let claim = claim.ok_or(Error::ClaimInvalid)?;
    let placeholder = store::lock(&tx, claim.user_id).await?;
    let placeholder = placeholder
        .filter(|row| row.kind == UserKind::Placeholder)
        .ok_or(Error::ClaimInvalid)?;
    // While the lock was waited for, another token may have taken the place of this one.
    if store::live_claim(&tx, &token, now).await?.is_none() {
        return Err(Error::ClaimInvalid);
    }
    let username = match username {
        Some(username) => username,
        None => text("username", Username::parse(&placeholder.username))?,
    };
    if store::username_is_taken(&tx, &username, Some(placeholder.id)).await? {
        return Err(Error::UsernameTaken);
    }
    free_address(&tx, email.as_ref()).await?;
    let writing = cx.profiles.writing(&[placeholder.id]).await;
    let address = email.clone();
    let user = match store::take_over(&tx, placeholder, username, email, hash).await {
        Err(error) if is_taken(&error) => {
            tx.rollback().await?;
            writing.unchanged().await;
            return Err(taken(cx, address.as_ref()).await?);
        }
        done => done?,
    };
    store::delete_claims(&tx, user.id).await?;
    let (session, refresh_token) = open_session(cx, &tx, &user).await?;
    tx.commit().await?;
    writing.wrote(vec![user.clone().into()]).await;
    signed_in(cx, user, session, refresh_token)
}
