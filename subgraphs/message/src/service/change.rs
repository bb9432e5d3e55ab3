//! What every change of one message has in common: prove, lock, look, change, tell.

use super::Cx;
use crate::{Error, events, loaders::Message, store};
use commons_access::{ChannelSeat, ChannelStanding, Permissions};
use commons_entities::{MessageId, UserId, message::message};
use commons_platform::{ApiError, db::Tx};
use commons_streams::log::{self, Want};
use serde_json::Value;

/// What a change does to a message, and what the stream says of it.
pub(super) struct Changed {
    /// The row as it is to be; its revision is raised by the frame.
    pub(super) row: message::Model,
    /// The event's kind.
    pub(super) kind: &'static str,
    /// The event's data.
    pub(super) data: Option<Value>,
}

impl Changed {
    pub(super) fn new(row: message::Model, kind: &'static str) -> Self {
        Self {
            row,
            kind,
            data: None,
        }
    }

    pub(super) fn with(row: message::Model, kind: &'static str, data: Value) -> Self {
        Self {
            row,
            kind,
            data: Some(data),
        }
    }
}

/// Changes one message that the actor may see: their own, or any where they read history.
///
/// `permit` says by which permission the actor may do this to this message; it is asked outside the
/// transaction, and the proof it gives is checked again inside. `apply` changes what hangs on the
/// message and says what the message becomes, or nothing when it is that already. It is given the
/// number of the event.
pub(super) async fn change(
    cx: &Cx,
    id: MessageId,
    permit: impl Fn(ChannelStanding, &message::Model) -> Result<ChannelSeat, Error>,
    apply: impl AsyncFnOnce(&Tx, &ChannelSeat, message::Model, i64) -> Result<Option<Changed>, Error>,
) -> Result<message::Model, Error> {
    let actor: UserId = cx.actor.user()?;
    let seen = alive(store::find(cx.platform.db.read(), id).await?)?;
    let standing = cx.access.channel(&cx.actor, seen.channel_id).await?;
    visible(standing.permissions(), actor, &seen)?;
    let seat = permit(standing, &seen)?;
    cx.sends.check(&format!("change:{actor}"))?;

    let now = cx.platform.clock.now();
    let tx = cx.platform.db.begin().await?;
    let stream = seen.channel_id.0;
    let mut locked = log::lock_waiting(&tx, &[stream]).await?;
    let mut proofs = commons_access::revalidate(&tx, &[&seat], now).await?;
    let seat = proofs.pop().ok_or_else(ApiError::not_found)??;
    let row = alive(store::find(&tx, id).await?)?;
    visible(seat.permissions(), actor, &row)?;
    let reserved = locked.reserve(&[Want {
        stream,
        events: 1,
        ordinals: 0,
    }])?;
    let seq = reserved
        .of(stream)
        .map(|range| range.first_seq)
        .ok_or_else(ApiError::not_found)?;
    let Some(Changed { mut row, kind, data }) = apply(&tx, &seat, row.clone(), seq).await? else {
        tx.rollback().await?;
        return Ok(row);
    };
    row.rev += 1;
    store::update(&tx, &seat, &row).await?;
    let event = events::about(&row, kind, Some(actor), data, now);
    let stored = log::write(&tx, reserved, vec![(seq, event)]).await?;
    // Only what will be committed is announced to the caches: a refusal costs nobody a cached row.
    let messages = cx.messages.writing(&[id]).await;
    let tallies = cx.tallies.writing(&[id]).await;
    tx.commit().await?;
    messages.wrote(vec![Message(row.clone())]).await;
    // The counts are read anew by whoever wants them.
    tallies.removed(&[id]).await;
    cx.streams.announce(&stored);
    Ok(row)
}

/// Who may not read history knows of no message but their own.
fn visible(permissions: Permissions, actor: UserId, row: &message::Model) -> Result<(), Error> {
    let readable = permissions.contains(Permissions::READ_HISTORY) || row.author_id == actor;
    Ok(readable.then_some(()).ok_or_else(ApiError::not_found)?)
}

fn alive(row: Option<message::Model>) -> Result<message::Model, Error> {
    Ok(row
        .filter(|row| row.deleted_at.is_none())
        .ok_or_else(ApiError::not_found)?)
}
