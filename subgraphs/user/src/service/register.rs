//! Making an account.

use super::{
    Cx, SignedIn, count_attempt, is_taken,
    sign_in::{open_session, signed_in},
    text,
};
use crate::{
    Error,
    store::{self, Turn},
};
use commons_content::{DisplayName, Email, Password, Username};
use commons_entities::{
    UserId,
    user::{UserKind, user},
};
use commons_platform::config::Registration;
use sea_orm::ConnectionTrait;

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
    // Until there is somebody, everybody who comes is the first: one after the other.
    if !store::has_people(&tx).await? {
        store::take_turn(&tx, Turn::FirstAccount).await?;
    }
    let is_first = !store::has_people(&tx).await?;
    if !is_first && cx.platform.config.auth.registration == Registration::Closed {
        return Err(Error::RegistrationClosed);
    }
    if store::username_is_taken(&tx, &username, None).await? {
        return Err(Error::UsernameTaken);
    }
    free_address(&tx, email.as_ref()).await?;
    let row = user::Model {
        id: UserId(cx.platform.clock.new_id()),
        kind: UserKind::Person,
        username: username.into_string(),
        display_name: display_name.into_string(),
        bio: None,
        avatar_url: None,
        email: email.clone().map(Email::into_string),
        password_hash: Some(hash),
        administrator: is_first,
        created_at: cx.platform.clock.now(),
        deleted_at: None,
        rev: 1,
    };
    let writing = cx.profiles.writing(&[row.id]).await;
    let user = match store::insert_user(&tx, row).await {
        Err(error) if is_taken(&error) => {
            tx.rollback().await?;
            writing.unchanged().await;
            return Err(taken(cx, email.as_ref()).await?);
        }
        done => done?,
    };
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

/// Refuses an address that somebody has.
pub(super) async fn free_address(tx: &impl ConnectionTrait, email: Option<&Email>) -> Result<(), Error> {
    match email {
        Some(email) if store::email_is_taken(tx, email).await? => Err(Error::EmailTaken),
        _ => Ok(()),
    }
}

/// What somebody else took between the look and the write: the address, or else the name.
pub(super) async fn taken(cx: &Cx, email: Option<&Email>) -> Result<Error, Error> {
    Ok(match free_address(cx.platform.db.read(), email).await {
        Ok(()) => Error::UsernameTaken,
        Err(taken) => taken,
    })
}
