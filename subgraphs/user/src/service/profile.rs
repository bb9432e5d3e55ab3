//! What the actor changes of their own account.

use super::{Cx, count_attempt, lock_me, me, person, session::announce_ended, text};
use crate::{Error, store};
use commons_access::{Subject, change::record};
use commons_content::{Bio, DisplayName, HttpsUrl, Password};
use commons_entities::{SessionId, UserId, user::user};
use commons_platform::ApiError;

/// What of a profile is changed; an inner none clears.
#[derive(Debug, Default)]
pub struct ProfileInput {
    /// What others read.
    pub display_name: Option<String>,
    /// A few words.
    pub bio: Option<Option<String>>,
    /// A picture.
    pub avatar_url: Option<Option<String>>,
}

/// Changes the actor's profile.
pub async fn update_profile(cx: &Cx, input: ProfileInput) -> Result<user::Model, Error> {
    let id: UserId = cx.actor.user()?;
    let change = store::ProfileChange {
        display_name: text(
            "displayName",
            input.display_name.as_deref().map(DisplayName::parse).transpose(),
        )?,
        bio: text("bio", cleared(input.bio.as_ref(), Bio::parse))?,
        avatar_url: text("avatarUrl", cleared(input.avatar_url.as_ref(), HttpsUrl::parse))?,
    };
    let tx = cx.platform.db.begin().await?;
    let row = store::lock(&tx, id).await?;
    let row = row.filter(|row| row.deleted_at.is_none());
    let row = row.ok_or_else(ApiError::unauthenticated)?;
    let writing = cx.profiles.writing(&[id]).await;
    let row = store::update_profile(&tx, &row, change).await?;
    tx.commit().await?;
    writing.wrote(vec![row.clone().into()]).await;
    Ok(row)
}

/// Replaces the actor's password and ends all other sessions.
pub async fn change_password(cx: &Cx, current: &str, next: &str) -> Result<(), Error> {
    let user = person(me(cx).await?)?;
    count_attempt(cx, Some(&user.username))?;
    let next = text("newPassword", Password::parse(next))?;
    let wrong = Error::WrongPassword {
        field: "currentPassword",
    };
    if !cx.passwords.fits(current, user.password_hash.clone()).await? {
        return Err(wrong);
    }
    let hash = cx.passwords.hash(next).await?;
    let now = cx.platform.clock.now();
    let this: SessionId = cx.actor.session()?;
    let tx = cx.platform.db.begin().await?;
    lock_me(cx, &tx).await?;
    let writing = cx.profiles.writing(&[user.id]).await;
    // Of two changes at once the first counts: the second knew the password of before.
    if !store::set_password(&tx, user.id, user.password_hash, hash).await? {
        writing.unchanged().await;
        return Err(wrong);
    }
    let ended = store::revoke_other_sessions(&tx, user.id, this, now).await?;
    let subjects: Vec<Subject> = ended.iter().copied().map(Subject::Session).collect();
    let change = record(&tx, now, &subjects).await?;
    let row = store::by_id(&tx, user.id)
        .await?
        .ok_or_else(ApiError::unauthenticated)?;
    tx.commit().await?;
    writing.wrote(vec![row.into()]).await;
    announce_ended(cx, change, &ended).await;
    Ok(())
}

/// A field that may be absent, cleared or set.
fn cleared<T, E>(
    given: Option<&Option<String>>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<Option<T>>, E> {
    given
        .map(|value| value.as_deref().map(&parse).transpose())
        .transpose()
}
