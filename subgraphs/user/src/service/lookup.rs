//! Finding accounts.

use super::{Cx, me};
use crate::{Error, loaders::Profile, store};
use commons_entities::{UserId, user::user};
use commons_platform::{auth::Actor, page::MAX_SIZE};
use std::sync::Arc;

/// The actor's own account; none without a token.
pub async fn viewer(cx: &Cx) -> Result<Option<user::Model>, Error> {
    match cx.actor.user_if_any::<UserId>() {
        None => Ok(None),
        Some(_) => me(cx).await.map(Some),
    }
}

/// Whether anybody has registered yet.
pub async fn has_people(cx: &Cx) -> Result<bool, Error> {
    Ok(store::has_people(cx.platform.db.read()).await?)
}

/// An account by id, seen by anybody who is signed in.
pub async fn user(cx: &Cx, id: UserId) -> Result<Option<Arc<Profile>>, Error> {
    if cx.actor.user_if_any::<UserId>().is_none() {
        return Ok(None);
    }
    Ok(cx.load.profiles.get(&id).await?)
}

/// An account that another domain refers to, such as a message's author: seen by anybody who is signed
/// in, and by an audience, which sees it for many of them.
pub async fn referred(cx: &Cx, id: UserId) -> Result<Option<Arc<Profile>>, Error> {
    match cx.actor {
        Actor::Anonymous => Ok(None),
        Actor::User { .. } | Actor::Audience { .. } => Ok(cx.load.profiles.get(&id).await?),
    }
}

/// An account by username, seen by anybody who is signed in.
pub async fn by_name(cx: &Cx, username: &str) -> Result<Option<Arc<Profile>>, Error> {
    if cx.actor.user_if_any::<UserId>().is_none() {
        return Ok(None);
    }
    let row = store::by_username(cx.platform.db.read(), &username.trim().to_lowercase()).await?;
    Ok(row
        .filter(|row| row.deleted_at.is_none())
        .map(|row| Arc::new(row.into())))
}

/// Accounts by their ids, in the order of the ids.
pub async fn users(cx: &Cx, ids: &[UserId]) -> Result<Vec<Option<Arc<Profile>>>, Error> {
    cx.actor.user::<UserId>()?;
    if u64::try_from(ids.len()).map_or(true, |count| count > MAX_SIZE) {
        return Err(Error::TooManyIds);
    }
    let found = cx.profiles.get_many(ids).await?;
    Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
}
