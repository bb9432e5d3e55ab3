//! What mutations take and give back, and the positions that are caught up from.

use super::types::Message;
use async_graphql::{ID, InputObject, SimpleObject};

/// A message to send.
#[derive(InputObject)]
pub struct SendMessageInput {
    /// Where to.
    pub channel_id: ID,
    /// Markdown, 1 to 4,000 characters; mention with `<@user_…>`, `<#channel_…>`, `<@&role_…>`.
    pub content: String,
    /// A word of the sender's own, at most 64 characters. Send again with the same one after a lost
    /// answer: within 24 hours it gives the first message again.
    pub nonce: Option<String>,
    /// The message it answers, in the same channel; needs READ_HISTORY.
    pub reply_to: Option<ID>,
}

/// A new content.
#[derive(InputObject)]
pub struct EditMessageInput {
    /// One of the viewer's own.
    pub message_id: ID,
    /// Markdown, 1 to 4,000 characters.
    pub content: String,
}

/// Which message.
#[derive(InputObject)]
pub struct DeleteMessageInput {
    /// The viewer's own, or any with MANAGE_MESSAGES.
    pub message_id: ID,
}

/// Which message.
#[derive(InputObject)]
pub struct PinMessageInput {
    /// In a channel with MANAGE_MESSAGES.
    pub message_id: ID,
}

/// Which message.
#[derive(InputObject)]
pub struct UnpinMessageInput {
    /// In a channel with MANAGE_MESSAGES.
    pub message_id: ID,
}

/// Which emoji on which message.
#[derive(InputObject)]
pub struct AddReactionInput {
    /// The message.
    pub message_id: ID,
    /// A Unicode emoji, or a name between colons.
    pub emoji: String,
}

/// Which emoji on which message.
#[derive(InputObject)]
pub struct RemoveReactionInput {
    /// The message.
    pub message_id: ID,
    /// The emoji that the viewer put there.
    pub emoji: String,
}

/// Which message.
#[derive(InputObject)]
pub struct ClearReactionsInput {
    /// In a channel with MANAGE_MESSAGES.
    pub message_id: ID,
}

/// Where the viewer types.
#[derive(InputObject)]
pub struct StartTypingInput {
    /// The channel.
    pub channel_id: ID,
}

/// How far a client knows a channel.
#[derive(InputObject)]
pub struct StreamPosition {
    /// The channel.
    pub channel_id: ID,
    /// The number of the last event it knows; 0 for none.
    pub after: i64,
}

/// The message as it is on the disk.
#[derive(SimpleObject)]
pub struct SendMessagePayload {
    /// The message; null when a nonce was sent again whose message has been deleted.
    pub message: Option<Message>,
}

/// The message as it is now.
#[derive(SimpleObject)]
pub struct EditMessagePayload {
    /// The message.
    pub message: Message,
}

/// The message is gone.
#[derive(SimpleObject)]
pub struct DeleteMessagePayload {
    /// Its id.
    pub message_id: ID,
}

/// The message as it is now.
#[derive(SimpleObject)]
pub struct PinMessagePayload {
    /// The message.
    pub message: Message,
}

/// The message as it is now.
#[derive(SimpleObject)]
pub struct UnpinMessagePayload {
    /// The message.
    pub message: Message,
}

/// The message as it is now.
#[derive(SimpleObject)]
pub struct AddReactionPayload {
    /// The message.
    pub message: Message,
}

/// The message as it is now.
#[derive(SimpleObject)]
pub struct RemoveReactionPayload {
    /// The message.
    pub message: Message,
}

/// The message as it is now.
#[derive(SimpleObject)]
pub struct ClearReactionsPayload {
    /// The message.
    pub message: Message,
}

/// Those who look at the channel know.
#[derive(SimpleObject)]
pub struct StartTypingPayload {
    /// How long it counts, in seconds; call again before it is over.
    pub lasts_seconds: i64,
}
