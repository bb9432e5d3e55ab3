//! This domain's share of an account's export: what they wrote, and their reactions.

use super::MessageService;
use crate::{Error, store};
use commons_entities::{ChannelId, ExportId, MessageId, UserId, message::message};
use commons_jobs::{
    Owner, Progress,
    export::{Document, Share},
};
use commons_platform::db::Tx;
use sea_orm::ActiveEnum;
use serde_json::{Value, json};
use uuid::Uuid;

/// How many messages a step reads: of the longest, less than two megabytes.
const MESSAGES: u64 = 100;
/// How many reactions.
const REACTIONS: u64 = 500;

/// Writes the next piece of the share. The cursor is the list and the last row that was written:
/// `messages:<channel>:<seq>`, then `reactions:<message>:<emoji>`.
pub(super) async fn step(
    service: &MessageService,
    export: ExportId,
    user: UserId,
) -> Result<Progress, Error> {
    let tx = service.platform.db.begin().await?;
    let Some(share) = Share::take(&tx, export, Owner::Message).await? else {
        return Ok(Progress::Done);
    };
    let cursor = share.cursor().unwrap_or("messages::").to_owned();
    let mut parts = cursor.splitn(3, ':');
    let mut part = || parts.next().unwrap_or_default();
    let (list, first, second) = (part(), part(), part());
    let first = Uuid::try_parse(first).ok();
    let (documents, next) = match list {
        "messages" => {
            let place = first.map(|channel| (ChannelId(channel), second.parse().unwrap_or_default()));
            let rows = messages(&tx, user, place).await?;
            let next = match rows.last() {
                Some(row) => format!("messages:{}:{}", row.channel_id.0, row.seq),
                None => "reactions::".to_owned(),
            };
            let items = rows.into_iter().map(item);
            (Document::pack("messages", items), Some(next))
        }
        "reactions" => {
            let place = first.map(|message| (MessageId(message), second));
            let rows = store::reactions_of(&tx, user, place, REACTIONS).await?;
            let next = rows
                .last()
                .map(|row| format!("reactions:{}:{}", row.message_id.0, row.emoji));
            let items = rows.into_iter().map(|row| {
                json!({
                    "messageId": row.message_id.to_string(),
                    "emoji": row.emoji,
                    "createdAt": row.created_at,
                })
            });
            (Document::pack("reactions", items), next)
        }
        // A later version began this share with a list that is not known here.
        _ => (Vec::new(), None),
    };
    Ok(share.step(tx, documents, next).await?)
}

/// The next messages behind a place, all of one channel; none at the end.
async fn messages(
    tx: &Tx,
    user: UserId,
    place: Option<(ChannelId, i64)>,
) -> Result<Vec<message::Model>, Error> {
    if let Some((channel, seq)) = place {
        let rows = store::of_author_after(tx, channel, user, seq, MESSAGES).await?;
        if !rows.is_empty() {
            return Ok(rows);
        }
    }
    let after = place.map(|(channel, _)| channel);
    match store::next_channel_of_author(tx, user, after).await? {
        Some(channel) => Ok(store::of_author_after(tx, channel, user, 0, MESSAGES).await?),
        None => Ok(Vec::new()),
    }
}

fn item(row: message::Model) -> Value {
    json!({
        "id": row.id.to_string(),
        "channelId": row.channel_id.to_string(),
        "kind": row.kind.to_value(),
        "content": row.content,
        "replyTo": row.reply_to_id.map(|id| id.to_string()),
        "createdAt": row.created_at,
        "editedAt": row.edited_at,
        "pinnedAt": row.pinned_at,
    })
}
