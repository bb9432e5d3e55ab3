//! New tokens for an old one: rotation, a short grace for lost answers, and reuse.

use super::{
    Cx, SignedIn,
    session::announce_ended,
    sign_in::{SESSION_LIFETIME, give_token, signed_in},
};
use crate::{Error, store};
use chrono::TimeDelta;
use commons_access::{Subject, change::record};
use commons_platform::secret::token_hash;

/// A used token still works for this long: the answer to its first use may have been lost.
const GRACE: TimeDelta = TimeDelta::seconds(10);

/// Exchanges a refresh token. One that was used longer than ten seconds ago ends its session.
pub async fn refresh(cx: &Cx, token: &str) -> Result<SignedIn, Error> {
    let hash = token_hash(token);
    // Who has a token is counted by its session, since many people may share an address; who has
    // none is counted by the address, and never gets to the one connection that writes.
    let Some(known) = store::token(cx.platform.db.read(), &hash).await? else {
        cx.sign_ins.check(&format!("refresh:{}", cx.origin.network()))?;
        return Err(Error::RefreshTokenInvalid);
    };
    cx.sign_ins.check(&format!("refresh:{}", known.session_id))?;
    let now = cx.platform.clock.now();
    let tx = cx.platform.db.begin().await?;
    // Under the session's lock, of two who come with one token the second sees that it is used, and
    // whoever comes after the session's end sees that.
    let session = store::lock_live_session(&tx, known.session_id, now).await?;
    let mut session = session.ok_or(Error::RefreshTokenInvalid)?;
    let used = store::use_token(&tx, &hash, now).await?;
    let used = used.ok_or(Error::RefreshTokenInvalid)?;
    if used.used_at.is_some_and(|at| now - at > GRACE) {
        store::revoke_session(&tx, session.user_id, session.id, now).await?;
        let change = record(&tx, now, &[Subject::Session(session.id)]).await?;
        tx.commit().await?;
        announce_ended(cx, change, &[session.id]).await;
        tracing::warn!(session = %session.id, "a used refresh token came back; the session is ended");
        return Err(Error::RefreshTokenReused);
    }
    let user = store::by_id(&tx, session.user_id).await?;
    let user = user
        .filter(|user| user.deleted_at.is_none())
        .ok_or(Error::RefreshTokenInvalid)?;
    let address = cx.origin.address.to_string();
    session.last_seen_at = now;
    session.expires_at = now + SESSION_LIFETIME;
    session.address = Some(address.clone());
    store::touch_session(&tx, session.id, address, now, session.expires_at).await?;
    store::delete_old_tokens(&tx, session.id, now - SESSION_LIFETIME).await?;
    let refresh_token = give_token(&tx, session.id, now).await?;
    tx.commit().await?;
    signed_in(cx, user, session, refresh_token)
}
