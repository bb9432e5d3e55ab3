//! Editing: only by the author, who must still be allowed to send.

use super::{
    Cx,
    change::{Changed, change},
    text,
};
use crate::{Error, events};
use commons_access::Permission;
use commons_content::MessageBody;
use commons_entities::{
    MessageId,
    message::{MessageKind, message},
};

/// Replaces a message's content. The same content again changes nothing.
pub async fn edit(cx: &Cx, id: MessageId, content: &str) -> Result<message::Model, Error> {
    let body = text("content", MessageBody::parse(content))?;
    let now = cx.platform.clock.now();
    change(
        cx,
        id,
        |standing, row| {
            if standing.user() != Some(row.author_id) {
                return Err(Error::NotAuthor);
            }
            if row.kind != MessageKind::Default {
                return Err(Error::NotEditable);
            }
            Ok(standing.require(Permission::SendMessages)?)
        },
        async |_, seat, mut row, _| {
            if seat.facts().archived_at.is_some() {
                return Err(Error::Archived);
            }
            if row.content.as_deref() == Some(body.as_str()) {
                return Ok(None);
            }
            row.content = Some(body.as_str().to_owned());
            row.edited_at = Some(now);
            Ok(Some(Changed::new(row, events::UPDATED)))
        },
    )
    .await
}
