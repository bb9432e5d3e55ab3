//! What clients see of a channel's stream.

use super::{
    channel::Channel,
    types::{Message, UserRef},
};
use crate::{
    events,
    service::{self, Cx, Live},
};
use async_graphql::{ID, Interface, Result, SimpleObject};
use chrono::{DateTime, Utc};
use commons_entities::{ChannelId, MessageId, UserId};
use commons_platform::{ApiError, page::PageArgs};
use commons_streams::{Delivery, Event, log};
use std::sync::Arc;

/// Something that happened in a channel. Numbers are dense: after 7 comes 8.
#[derive(Interface)]
#[graphql(
    field(name = "seq", ty = "&i64", desc = "Its number in the channel's stream."),
    field(name = "at", ty = "&DateTime<Utc>", desc = "When it happened.")
)]
pub enum MessageEvent {
    /// A message was sent.
    Created(MessageCreated),
    /// A message was edited.
    Updated(MessageUpdated),
    /// A message was deleted.
    Deleted(MessageDeleted),
    /// Somebody reacted.
    ReactionAdded(ReactionAdded),
    /// Somebody took a reaction back.
    ReactionRemoved(ReactionRemoved),
    /// All reactions were taken away.
    ReactionsCleared(ReactionsCleared),
    /// A message was pinned.
    Pinned(MessagePinned),
    /// A pin was taken away.
    Unpinned(MessageUnpinned),
    /// The channel itself changed.
    ChannelChanged(ChannelChanged),
    /// Where the stream stands: always the first of a subscription.
    Head(StreamHead),
    /// The position is too old or unknown.
    Reset(StreamReset),
}

macro_rules! about_messages {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(SimpleObject)]
        pub struct $name {
            /// Its number in the channel's stream.
            #[graphql(tag = "live")]
            seq: i64,
            /// When it happened.
            #[graphql(tag = "live")]
            at: DateTime<Utc>,
            /// The message.
            #[graphql(tag = "live")]
            message_id: ID,
            $($(#[$field_doc])* #[graphql(tag = "live")] $field: $type,)*
        }
    )*};
}

about_messages! {
    /// A message was sent.
    MessageCreated {
        /// The message as it is now; null once it is deleted, and when it is from before the viewer
        /// followed and they may not read history.
        message: Option<Message>,
    }
    /// A message was edited.
    MessageUpdated {
        /// The message as it is now; null once it is deleted, and when it is from before the viewer
        /// followed and they may not read history.
        message: Option<Message>,
    }
    /// A message was deleted; nothing of it is left but its id.
    MessageDeleted {}
    /// Somebody put an emoji on a message.
    ReactionAdded {
        /// The message as it is now; null once it is deleted, and when it is from before the viewer
        /// followed and they may not read history.
        message: Option<Message>,
        /// Who.
        user: Option<UserRef>,
        /// The emoji.
        emoji: String,
    }
    /// Somebody took an emoji off a message.
    ReactionRemoved {
        /// The message as it is now; null once it is deleted, and when it is from before the viewer
        /// followed and they may not read history.
        message: Option<Message>,
        /// Who.
        user: Option<UserRef>,
        /// The emoji.
        emoji: String,
    }
    /// All emojis were taken off a message.
    ReactionsCleared {
        /// The message as it is now; null once it is deleted, and when it is from before the viewer
        /// followed and they may not read history.
        message: Option<Message>,
    }
    /// A message was pinned.
    MessagePinned {
        /// The message as it is now; null once it is deleted, and when it is from before the viewer
        /// followed and they may not read history.
        message: Option<Message>,
        /// Who pinned it.
        user: Option<UserRef>,
    }
    /// A message is no longer pinned.
    MessageUnpinned {
        /// The message as it is now; null once it is deleted, and when it is from before the viewer
        /// followed and they may not read history.
        message: Option<Message>,
        /// Who took the pin away.
        user: Option<UserRef>,
    }
}

/// The channel itself changed: name, topic, slow mode, archive.
#[derive(SimpleObject)]
pub struct ChannelChanged {
    /// Its number in the channel's stream.
    #[graphql(tag = "live")]
    seq: i64,
    /// When it happened.
    #[graphql(tag = "live")]
    at: DateTime<Utc>,
    /// The channel as it is now.
    channel: Option<Channel>,
}

/// Where the stream stands when a subscription begins. With `after` the events up to there come next:
/// it is not a position to resume from.
#[derive(SimpleObject)]
pub struct StreamHead {
    /// The number of the newest event; 0 before the first.
    #[graphql(tag = "live")]
    seq: i64,
    /// When it was read.
    #[graphql(tag = "live")]
    at: DateTime<Utc>,
}

/// The position given is below what is kept, or above the head: load the channel anew and go on from
/// here.
#[derive(SimpleObject)]
pub struct StreamReset {
    /// The number after which events go on.
    #[graphql(tag = "live")]
    seq: i64,
    /// When it was read.
    #[graphql(tag = "live")]
    at: DateTime<Utc>,
}

/// A piece of a channel's stream.
#[derive(SimpleObject)]
pub struct MessageEventPage {
    /// The channel.
    channel: Option<Channel>,
    /// The events, in order.
    nodes: Vec<MessageEvent>,
    /// There are events after these: ask again with the last number.
    has_more: bool,
    /// The number of the newest event.
    head_seq: i64,
    /// The position is too old or unknown: load the channel anew and go on from `headSeq`.
    reset: bool,
}

impl MessageEventPage {
    /// Pages with their messages, which are one load; none where the channel is hidden.
    pub(super) async fn load(cx: &Arc<Cx>, pages: Vec<Option<log::Page>>) -> Result<Vec<Option<Self>>> {
        let events = pages.iter().flatten().flat_map(|page| &page.events);
        let messages = service::messages_of(cx, events).await?;
        let load = async |page: log::Page| {
            let mut nodes = Vec::with_capacity(page.events.len());
            for event in &page.events {
                let message = messages.get(&MessageId(event.subject)).cloned();
                let message = message.filter(|row| row.0.deleted_at.is_none()).map(Message);
                nodes.extend(MessageEvent::new(event, message, channel_of(cx, event).await?));
            }
            Ok::<_, ApiError>(Self {
                channel: Channel::load(cx, ChannelId(page.stream)).await?,
                nodes,
                has_more: page.has_more,
                head_seq: page.head.seq,
                reset: page.reset,
            })
        };
        let load = async |page: Option<log::Page>| match page {
            Some(page) => load(page).await.map(Some),
            None => Ok(None),
        };
        Ok(futures_util::future::try_join_all(pages.into_iter().map(load)).await?)
    }
}

impl MessageEvent {
    /// A delivery of a live stream, with the message as the event left it or newer.
    pub(super) async fn live(cx: &Cx, live: Live) -> Result<Option<Self>, ApiError> {
        let at = cx.platform.clock.now();
        match live.delivery {
            Delivery::Head(seq) => Ok(Some(Self::Head(StreamHead { seq, at }))),
            Delivery::Reset { head } => Ok(Some(Self::Reset(StreamReset { seq: head, at }))),
            Delivery::Event(event) => {
                let message = match event.kind.as_ref() {
                    events::DELETED | events::CHANNEL_CHANGED => None,
                    _ => {
                        cx.load
                            .messages
                            .get_at_least(&MessageId(event.subject), event.rev)
                            .await?
                    }
                };
                let message = message
                    .filter(|row| row.0.deleted_at.is_none() && row.0.seq > live.hidden_upto)
                    .map(Message);
                let channel = channel_of(cx, &event).await?;
                Ok(Self::new(&event, message, channel))
            }
        }
    }

    /// An event with its message; none for a kind that this version does not show.
    fn new(event: &Event, message: Option<Message>, channel: Option<Channel>) -> Option<Self> {
        let (seq, at) = (event.seq, event.at);
        let message_id = || ID::from(MessageId(event.subject).to_string());
        let user = || event.actor.map(|user| UserId(user).into());
        let emoji = || {
            let emoji = event.data.as_ref().and_then(|data| data["emoji"].as_str());
            emoji.unwrap_or_default().to_owned()
        };
        Some(match event.kind.as_ref() {
            events::CREATED => Self::Created(MessageCreated {
                seq,
                at,
                message_id: message_id(),
                message,
            }),
            events::UPDATED => Self::Updated(MessageUpdated {
                seq,
                at,
                message_id: message_id(),
                message,
            }),
            events::DELETED => Self::Deleted(MessageDeleted {
                seq,
                at,
                message_id: message_id(),
            }),
            events::REACTION_ADDED => Self::ReactionAdded(ReactionAdded {
                seq,
                at,
                message_id: message_id(),
                message,
                user: user(),
                emoji: emoji(),
            }),
            events::REACTION_REMOVED => Self::ReactionRemoved(ReactionRemoved {
                seq,
                at,
                message_id: message_id(),
                message,
                user: user(),
                emoji: emoji(),
            }),
            events::REACTIONS_CLEARED => Self::ReactionsCleared(ReactionsCleared {
                seq,
                at,
                message_id: message_id(),
                message,
            }),
            events::PINNED => Self::Pinned(MessagePinned {
                seq,
                at,
                message_id: message_id(),
                message,
                user: user(),
            }),
            events::UNPINNED => Self::Unpinned(MessageUnpinned {
                seq,
                at,
                message_id: message_id(),
                message,
                user: user(),
            }),
            events::CHANNEL_CHANGED => Self::ChannelChanged(ChannelChanged { seq, at, channel }),
            other => {
                tracing::error!(kind = other, seq, "an event of an unknown kind is not shown");
                return None;
            }
        })
    }
}

/// The channel, for the one kind of event that shows it.
async fn channel_of(cx: &Cx, event: &Event) -> Result<Option<Channel>, ApiError> {
    match event.kind.as_ref() {
        events::CHANNEL_CHANGED => Channel::load(cx, ChannelId(event.stream)).await,
        _ => Ok(None),
    }
}

/// An event number that a client gave.
pub(super) fn check_after(field: &'static str, after: i64) -> Result<i64, ApiError> {
    match after {
        0.. => Ok(after),
        _ => Err(ApiError::invalid(
            field,
            "AFTER_NEGATIVE",
            "an event number is 0 or more",
        )),
    }
}

/// How many events a client asks for.
pub(super) fn page_size(first: Option<i32>) -> Result<u32, ApiError> {
    let args = PageArgs::forward(first, None)?;
    Ok(u32::try_from(args.size).expect("a page is small"))
}
