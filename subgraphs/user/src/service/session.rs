//! The sessions of the actor: listed, ended one by one or all but this one.

use super::{Cx, lock_me};
use crate::{Error, store};
use commons_access::{Recorded, Subject, change::record};
use commons_entities::{SessionId, UserId, user::session};
use commons_platform::{
    ApiError,
    page::{Page, PageArgs},
};

/// The live sessions of the actor, or of whom this very request signed in; newest first.
pub async fn page(cx: &Cx, user: UserId, args: &PageArgs) -> Result<Page<session::Model>, Error> {
    let rows = store::page_sessions(cx.platform.db.read(), user, cx.platform.clock.now(), args).await?;
    Ok(Page::from_rows(args, rows))
}

/// Ends the session of this very token.
pub async fn logout(cx: &Cx) -> Result<SessionId, Error> {
    let session: SessionId = cx.actor.session()?;
    revoke(cx, session).await?;
    Ok(session)
}

/// Ends one session of the actor. Its tokens stop passing before this returns.
pub async fn revoke(cx: &Cx, session: SessionId) -> Result<(), Error> {
    let user: UserId = cx.actor.user()?;
    let now = cx.platform.clock.now();
    let tx = cx.platform.db.begin().await?;
    if !store::revoke_session(&tx, user, session, now).await? {
        return Err(ApiError::not_found().into());
    }
    let change = record(&tx, now, &[Subject::Session(session)]).await?;
    tx.commit().await?;
    announce_ended(cx, change, &[session]).await;
    Ok(())
}

/// Ends every session of the actor but this one, and says which.
pub async fn revoke_others(cx: &Cx) -> Result<Vec<SessionId>, Error> {
    let (user, session): (UserId, SessionId) = (cx.actor.user()?, cx.actor.session()?);
    let now = cx.platform.clock.now();
    let tx = cx.platform.db.begin().await?;
    lock_me(cx, &tx).await?;
    let ended = store::revoke_other_sessions(&tx, user, session, now).await?;
    let subjects: Vec<Subject> = ended.iter().copied().map(Subject::Session).collect();
    let change = record(&tx, now, &subjects).await?;
    tx.commit().await?;
    announce_ended(cx, change, &ended).await;
    Ok(ended)
}

/// Makes ended sessions known: to this process at once, to others by the bus.
pub(super) async fn announce_ended(cx: &Cx, change: Recorded, ended: &[SessionId]) {
    for session in ended {
        cx.platform.tokens.revoke_session(session.0);
    }
    cx.changes.announce(change).await;
}
