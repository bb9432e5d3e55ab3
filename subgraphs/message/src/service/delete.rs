//! Deleting: by the author, or by whoever manages messages. The body is gone at once.

use super::{
    Cx,
    change::{Changed, change},
};
use crate::{Error, events, store};
use commons_access::Permission;
use commons_entities::{MessageId, message::message};

/// Deletes a message. Its row stays, without a body, for the log and for its replies.
pub async fn delete(cx: &Cx, id: MessageId) -> Result<message::Model, Error> {
    let now = cx.platform.clock.now();
    change(
        cx,
        id,
        |standing, row| {
            let needed = match standing.user() == Some(row.author_id) {
                true => Permission::ViewChannel,
                false => Permission::ManageMessages,
            };
            Ok(standing.require(needed)?)
        },
        async |tx, seat, mut row, _| {
            store::delete_all(tx, seat, row.id).await?;
            row.content = None;
            row.pinned_at = None;
            row.deleted_at = Some(now);
            Ok(Some(Changed::new(row, events::DELETED)))
        },
    )
    .await
}
