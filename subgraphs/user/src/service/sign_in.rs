//! Logging in, and what every way of signing in ends with.

use super::{Cx, count_attempt};
use crate::{Error, store};
use chrono::{DateTime, TimeDelta, Utc};
use commons_content::{Email, Username};
use commons_entities::{
    SessionId,
    user::{refresh_token, session, user},
};
use commons_platform::{
    auth::AccessToken,
    secret::{random_token, token_hash},
};
use sea_orm::ConnectionTrait;

/// How long a session lives after its last refresh.
pub(super) const SESSION_LIFETIME: TimeDelta = TimeDelta::days(30);

/// A session with fresh tokens.
#[derive(Debug)]
pub struct SignedIn {
    /// Names the actor for five minutes.
    pub access: AccessToken,
    /// Works once, for new tokens.
    pub refresh_token: String,
    /// The device.
    pub session: session::Model,
    /// The account.
    pub user: user::Model,
}

/// Signs in with a username or email address and a password.
pub async fn login(cx: &Cx, name: &str, password: &str) -> Result<SignedIn, Error> {
    let name = account_name(name);
    count_attempt(cx, name.as_deref())?;
    let row = match &name {
        Some(name) => store::by_name_or_email(cx.platform.db.read(), name).await?,
        None => None,
    };
    let hash = row.as_ref().and_then(|row| row.password_hash.clone());
    let fits = cx.passwords.fits(password, hash.clone()).await?;
    let user = row.filter(|_| fits).ok_or(Error::WrongCredentials)?;
    let tx = cx.platform.db.begin().await?;
    // The password may have been changed while the old one was checked: then it opens nothing.
    let user = store::lock(&tx, user.id).await?;
    let user = user
        .filter(|user| user.password_hash == hash && user.deleted_at.is_none())
        .ok_or(Error::WrongCredentials)?;
    store::delete_expired(&tx, user.id, cx.platform.clock.now()).await?;
    let (session, refresh_token) = open_session(cx, &tx, &user).await?;
    tx.commit().await?;
    signed_in(cx, user, session, refresh_token)
}

/// A username or email address as it is stored; none for a text that can be nobody's.
fn account_name(text: &str) -> Option<String> {
    let text = text.trim();
    if text.contains('@') {
        Email::parse(text).ok().map(Email::into_string)
    } else {
        Username::parse(text).ok().map(Username::into_string)
    }
}

/// Opens a session of a user with its first refresh token.
pub(super) async fn open_session(
    cx: &Cx,
    tx: &impl ConnectionTrait,
    user: &user::Model,
) -> Result<(session::Model, String), Error> {
    let session = begin_session(cx, tx, user).await?;
    let token = give_token(tx, session.id, session.created_at).await?;
    Ok((session, token))
}

/// Opens a session of a user that nothing prolongs.
pub(super) async fn begin_session(
    cx: &Cx,
    tx: &impl ConnectionTrait,
    user: &user::Model,
) -> Result<session::Model, Error> {
    let now = cx.platform.clock.now();
    let row = session::Model {
        id: SessionId(cx.platform.clock.new_id()),
        user_id: user.id,
        device: cx.origin.device.as_deref().map(str::to_owned),
        address: Some(cx.origin.address.to_string()),
        created_at: now,
        last_seen_at: now,
        expires_at: now + SESSION_LIFETIME,
        revoked_at: None,
        rev: 1,
    };
    Ok(store::insert_session(tx, row).await?)
}

/// Gives out one more refresh token of a session.
pub(super) async fn give_token(
    tx: &impl ConnectionTrait,
    session: SessionId,
    now: DateTime<Utc>,
) -> Result<String, Error> {
    let token = random_token();
    let row = refresh_token::Model {
        hash: token_hash(&token),
        session_id: session,
        issued_at: now,
        used_at: None,
    };
    store::insert_token(tx, row).await?;
    Ok(token)
}

/// The answer of every way of signing in.
pub(super) fn signed_in(
    cx: &Cx,
    user: user::Model,
    session: session::Model,
    refresh_token: String,
) -> Result<SignedIn, Error> {
    let access = cx.platform.tokens.issue(user.id.0, session.id.0)?;
    Ok(SignedIn {
        access,
        refresh_token,
        session,
        user,
    })
}
