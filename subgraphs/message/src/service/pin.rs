//! Pinning, by whoever manages messages.

use super::{
    Cx, MAX_PINS,
    change::{Changed, change},
};
use crate::{Error, events, store};
use commons_access::Permission;
use commons_entities::{MessageId, message::message};

/// Pins a message. Pinned again, it stays where it is.
pub async fn pin(cx: &Cx, id: MessageId) -> Result<message::Model, Error> {
    let now = cx.platform.clock.now();
    change(
        cx,
        id,
        |standing, _| Ok(standing.require(Permission::ManageMessages)?),
        async |tx, seat, mut row, _| {
            if row.pinned_at.is_some() {
                return Ok(None);
            }
            if store::count_pins(tx, seat).await? >= MAX_PINS {
                return Err(Error::TooManyPins);
            }
            row.pinned_at = Some(now);
            Ok(Some(Changed::new(row, events::PINNED)))
        },
    )
    .await
}

/// Takes a pin away.
pub async fn unpin(cx: &Cx, id: MessageId) -> Result<message::Model, Error> {
    change(
        cx,
        id,
        |standing, _| Ok(standing.require(Permission::ManageMessages)?),
        async |_, _, mut row, _| {
            if row.pinned_at.take().is_none() {
                return Ok(None);
            }
            Ok(Some(Changed::new(row, events::UNPINNED)))
        },
    )
    .await
}
