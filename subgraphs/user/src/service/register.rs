//! Making an account.

use super::{
    Cx, SignedIn, count_attempt,
    sign_in::{open_session, signed_in},
    text,
};
use crate::{Error, store};
use commons_content::{DisplayName, Email, Password, Username};
use commons_entities::{
    UserId,
    user::{UserKind, user},
};
use commons_platform::config::Registration;
use sea_orm::{ConnectionTrait, DbErr, SqlErr};

/// What somebody gives to get an account.
#[derive(Debug)]
pub struct RegisterInput {
    /// Unique name.
    pub username: String,
    /// Secret.
    pub password: String,
    /// What others read; the username when absent.
    pub display_name: Option<String>,
    /// An address, also to log in with.
    pub email: Option<String>,
}

/// Makes an account and signs it in; the first one of an instance administers it.
pub async fn register(cx: &Cx, input: RegisterInput) -> Result<SignedIn, Error> {
    let username = Username::parse(&input.username);
    count_attempt(cx, username.as_ref().ok().map(Username::as_str))?;
    if is_closed(cx, cx.platform.db.read()).await? {
        return Err(Error::RegistrationClosed);
    }
    let username = text("username", username)?;
    let password = text("password", Password::parse(&input.password))?;
    let display_name = text(
        "displayName",
        DisplayName::parse(input.display_name.as_deref().unwrap_or(&input.username)),
    )?;
    let email = input.email.as_deref().map(Email::parse).transpose();
    let email = text("email", email)?;
    let hash = cx.passwords.hash(password).await?;

    let tx = cx.platform.db.begin().await?;
    if is_closed(cx, &tx).await? {
        return Err(Error::RegistrationClosed);
    }
    let is_first = !store::has_people(&tx).await?;
    if store::username_is_taken(&tx, &username, None).await? {
        return Err(Error::UsernameTaken);
    }
    if let Some(email) = &email
        && store::email_is_taken(&tx, email).await?
    {
        return Err(Error::EmailTaken);
    }
    let row = user::Model {
        id: UserId(cx.platform.clock.new_id()),
        kind: UserKind::Person,
        username: username.into_string(),
        display_name: display_name.into_string(),
        bio: None,
        avatar_url: None,
        email: email.map(Email::into_string),
        password_hash: Some(hash),
        administrator: is_first,
        created_at: cx.platform.clock.now(),
        deleted_at: None,
        rev: 1,
    };
    let writing = cx.profiles.writing(&[row.id]).await;
    let user = store::insert_user(&tx, row).await.map_err(taken)?;
    let (session, refresh_token) = open_session(cx, &tx, &user).await?;
    tx.commit().await?;
    writing.wrote(vec![user.clone().into()]).await;
    signed_in(cx, user, session, refresh_token)
}

/// Whether nobody may register: a closed instance takes its first person only.
async fn is_closed(cx: &Cx, db: &impl ConnectionTrait) -> Result<bool, Error> {
    let closed = cx.platform.config.auth.registration == Registration::Closed;
    Ok(closed && store::has_people(db).await?)
}

/// Another registration took the name between the look and the insert.
pub(super) fn taken(error: DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => Error::UsernameTaken,
        _ => error.into(),
    }
}
