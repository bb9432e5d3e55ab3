//! What a channel's stream says of messages.
//!
//! An event names the message and the revision it left; a body is never in it. `CHANNEL_CHANGED` is
//! written by the channel domain and shown here, since it is the channel's own stream.

use chrono::{DateTime, Utc};
use commons_entities::{UserId, message::message};
use commons_streams::NewEvent;
use serde_json::{Value, json};

/// A message was sent.
pub const CREATED: &str = "MESSAGE_CREATED";
/// Its content changed.
pub const UPDATED: &str = "MESSAGE_UPDATED";
/// It was deleted.
pub const DELETED: &str = "MESSAGE_DELETED";
/// Somebody reacted; data has the emoji.
pub const REACTION_ADDED: &str = "REACTION_ADDED";
/// Somebody took a reaction back; data has the emoji.
pub const REACTION_REMOVED: &str = "REACTION_REMOVED";
/// All reactions were taken away.
pub const REACTIONS_CLEARED: &str = "REACTIONS_CLEARED";
/// It was pinned.
pub const PINNED: &str = "MESSAGE_PINNED";
/// It is no longer pinned.
pub const UNPINNED: &str = "MESSAGE_UNPINNED";
/// The channel itself changed.
pub const CHANNEL_CHANGED: &str = "CHANNEL_CHANGED";

/// Whether an event of this kind is shown with its message.
pub fn shows_message(kind: &str) -> bool {
    !matches!(kind, DELETED | CHANNEL_CHANGED)
}

/// An event about a message as it is now.
pub fn about(
    row: &message::Model,
    kind: &'static str,
    actor: Option<UserId>,
    data: Option<Value>,
    at: DateTime<Utc>,
) -> NewEvent {
    NewEvent {
        stream: row.channel_id.0,
        kind,
        subject: row.id.0,
        rev: row.rev,
        data,
        actor: actor.map(|user| user.0),
        at,
    }
}

/// The data of a reaction's event.
pub fn emoji(emoji: &str) -> Value {
    json!({ "emoji": emoji })
}
