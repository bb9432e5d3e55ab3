//! Accounts go: what was personal at once, what is in other domains by jobs, the name after a while.

use super::{Cx, count_attempt, lock_me, me, person, session::announce_ended};
use crate::{Error, store};
use chrono::TimeDelta;
use commons_access::{Subject, change::record, owns_any_guild};
use commons_entities::{
    UserId,
    user::{UserKind, user},
};
use commons_jobs::{Effect, Enqueued, enqueue, enqueue_at, export};
use commons_platform::db::Tx;

/// When what is to be erased is looked for once more: a session that just ended may have sent something.
const ONCE_MORE: TimeDelta = TimeDelta::minutes(1);
/// How long nobody else gets the name of a deleted account: whoever still reads it means the old one.
const NAME_KEPT: TimeDelta = TimeDelta::days(30);

/// Deletes the actor's account and its bots, and says which it was. It cannot be undone.
pub async fn delete_account(cx: &Cx, password: &str, erase_messages: bool) -> Result<UserId, Error> {
    let known = person(me(cx).await?)?;
    count_attempt(cx, Some(&known.username))?;
    let wrong = Error::WrongPassword { field: "password" };
    if !cx.passwords.fits(password, known.password_hash.clone()).await? {
        return Err(wrong);
    }
    let tx = cx.platform.db.begin().await?;
    let me = lock_me(cx, &tx).await?;
    if me.password_hash != known.password_hash {
        return Err(wrong);
    }
    let mut accounts = vec![me];
    accounts.extend(store::lock_bots_of(&tx, known.id).await?);
    bury(cx, tx, &accounts, erase_messages).await?;
    Ok(known.id)
}

/// Deletes locked accounts and ends the transaction.
pub(super) async fn bury(
    cx: &Cx,
    tx: Tx,
    accounts: &[user::Model],
    erase_messages: bool,
) -> Result<(), Error> {
    let now = cx.platform.clock.now();
    for row in accounts {
        if owns_any_guild(&tx, row.id).await? {
            return Err(Error::OwnsGuilds);
        }
    }
    let ids: Vec<UserId> = accounts.iter().map(|row| row.id).collect();
    let writing = cx.profiles.writing(&ids).await;
    let (mut gone, mut ended, mut enqueued) = (Vec::new(), Vec::new(), Enqueued::default());
    for row in accounts {
        let user = row.id;
        ended.extend(store::end_sessions(&tx, user).await?);
        if row.kind == UserKind::Bot {
            store::delete_bot(&tx, user).await?;
        }
        gone.push(store::bury(&tx, row, now).await?.into());
        let erase = Effect::EraseAccount { user, erase_messages };
        let release = Effect::ReleaseUsername { user };
        enqueued = enqueued
            .and(export::withdraw(&tx, user, now).await?)
            .and(enqueue(&tx, now, std::slice::from_ref(&erase)).await?)
            .and(enqueue_at(&tx, now, now + ONCE_MORE, &[erase]).await?)
            .and(enqueue_at(&tx, now, now + NAME_KEPT, &[release]).await?);
    }
    let subjects: Vec<Subject> = ended.iter().copied().map(Subject::Session).collect();
    let change = record(&tx, now, &subjects).await?;
    tx.commit().await?;
    writing.wrote(gone).await;
    announce_ended(cx, change, &ended).await;
    enqueued.announce(&cx.platform.bus).await;
    Ok(())
}
