//! What clients see of messages.

use super::{channel::Channel, cx};
use crate::{loaders, service};
use async_graphql::{ComplexObject, Context, Enum, ID, Interface, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use commons_access::Permissions;
use commons_entities::{
    MessageId, UserId,
    message::{MessageKind as Kind, message},
};
use commons_platform::page::{Cursor, PageArgs};
use std::sync::Arc;

/// How many people a message may mention.
const MENTIONS: usize = 50;

/// Anything with an id of its own.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The id, also good for `node(id:)`."))]
pub enum Node {
    /// A message.
    Message(Message),
}

/// Somebody, filled in by the user domain.
#[derive(SimpleObject)]
#[graphql(unresolvable = "id", name = "User")]
pub struct UserRef {
    /// The id.
    #[graphql(tag = "live")]
    pub id: ID,
}

impl From<UserId> for UserRef {
    fn from(id: UserId) -> Self {
        Self {
            id: id.to_string().into(),
        }
    }
}

/// What a message is.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "Kind")]
pub enum MessageKind {
    /// Somebody's words.
    Default,
    /// The author joined.
    MemberJoined,
    /// The author left.
    MemberLeft,
    /// The author changed the topic to `content`, or cleared it.
    TopicChanged,
    /// The author renamed the channel to `content`.
    NameChanged,
    /// The author archived the channel.
    ChannelArchived,
    /// The author pinned a message.
    MessagePinned,
    /// The author added an integration, which `content` names.
    IntegrationAdded,
}

/// A message in a channel.
#[derive(Clone)]
pub struct Message(pub Arc<loaders::Message>);

impl From<message::Model> for Message {
    fn from(row: message::Model) -> Self {
        Self(Arc::new(loaders::Message(row)))
    }
}

impl Message {
    fn row(&self) -> &message::Model {
        &self.0.0
    }

    /// The message as its followers may see it: none once it is deleted.
    pub(super) fn alive(row: message::Model) -> Option<Self> {
        row.deleted_at.is_none().then(|| row.into())
    }
}

/// A message in a channel.
#[Object]
impl Message {
    /// The id, such as `message_01h2xcejqtf2nbrexx3vqjhp41`; ids sort by time.
    #[graphql(tag = "live")]
    pub async fn id(&self) -> ID {
        self.row().id.to_string().into()
    }

    /// The channel it is in.
    async fn channel(&self, context: &Context<'_>) -> Result<Option<Channel>> {
        Ok(Channel::load(cx(context), self.row().channel_id).await?)
    }

    /// Who wrote it.
    #[graphql(tag = "live")]
    async fn author(&self) -> Option<UserRef> {
        Some(self.row().author_id.into())
    }

    /// What it is.
    #[graphql(tag = "live")]
    async fn kind(&self) -> MessageKind {
        self.row().kind.into()
    }

    /// The number of the event that created it, in the channel's stream.
    #[graphql(tag = "live")]
    async fn seq(&self) -> i64 {
        self.row().seq
    }

    /// The how-many-th message of its channel it is, deleted ones counted.
    #[graphql(tag = "live")]
    async fn ordinal(&self) -> i64 {
        self.row().ordinal
    }

    /// Markdown, at most 4,000 characters; some system messages have none.
    #[graphql(tag = "live")]
    async fn content(&self) -> Option<&str> {
        self.row().content.as_deref()
    }

    /// The sender's own word, by which it knows its message again.
    #[graphql(tag = "live")]
    async fn nonce(&self) -> Option<&str> {
        self.row().nonce.as_deref()
    }

    /// When it was written.
    #[graphql(tag = "live")]
    async fn created_at(&self) -> DateTime<Utc> {
        self.row().created_at
    }

    /// When it was last edited.
    #[graphql(tag = "live")]
    async fn edited_at(&self) -> Option<DateTime<Utc>> {
        self.row().edited_at
    }

    /// When it was pinned, if it is.
    #[graphql(tag = "live")]
    async fn pinned_at(&self) -> Option<DateTime<Utc>> {
        self.row().pinned_at
    }

    /// Whether it answers another message.
    #[graphql(tag = "live")]
    async fn is_reply(&self) -> bool {
        self.row().reply_to_id.is_some()
    }

    /// The message it answers; null once that is deleted, and for who may not read history.
    async fn reply_to(&self, context: &Context<'_>) -> Result<Option<Message>> {
        let Some(target) = self.row().reply_to_id else {
            return Ok(None);
        };
        Ok(service::message(cx(context), target).await?.map(Message))
    }

    /// Those whom it mentions by name, at most 50, each once.
    #[graphql(tag = "live")]
    async fn mentions(&self) -> Vec<Option<UserRef>> {
        let Some(content) = self.row().content.as_deref() else {
            return Vec::new();
        };
        let named = commons_content::mentions(content).users;
        let ids = named.iter().filter_map(|id| id.parse::<UserId>().ok());
        ids.take(MENTIONS).map(|id| Some(id.into())).collect()
    }

    /// The emojis on it, in the order in which each came first.
    #[graphql(tag = "live")]
    async fn reactions(&self, context: &Context<'_>) -> Result<Vec<ReactionGroup>> {
        let (id, rev) = (self.row().id, self.row().rev);
        let tallies = &cx(context).load.tallies;
        let mut tally = tallies.get(&id).await.map_err(crate::Error::from)?;
        if tally.as_ref().is_none_or(|tally| tally.rev < rev) {
            // An event led here, and the counts that are kept are from before it.
            tally = tallies.get_at_least(&id, rev).await.map_err(crate::Error::from)?;
        }
        let groups = tally.map(|tally| tally.groups.clone()).unwrap_or_default();
        Ok(groups
            .into_iter()
            .map(|group| ReactionGroup::new(id, group))
            .collect())
    }

    /// Whether the viewer may edit it now.
    async fn viewer_can_edit(&self, context: &Context<'_>) -> Result<bool> {
        let cx = cx(context);
        let row = self.row();
        let is_own = cx.actor.user_if_any::<UserId>() == Some(row.author_id);
        let standing = service::standing(cx, row.channel_id).await?;
        let sends = standing.is_some_and(|standing| {
            standing.permissions().contains(Permissions::SEND_MESSAGES)
                && standing.facts().archived_at.is_none()
        });
        Ok(is_own && sends && row.kind == Kind::Default)
    }

    /// Whether the viewer may delete it now.
    async fn viewer_can_delete(&self, context: &Context<'_>) -> Result<bool> {
        let cx = cx(context);
        let row = self.row();
        let is_own = cx.actor.user_if_any::<UserId>() == Some(row.author_id);
        let standing = service::standing(cx, row.channel_id).await?;
        let manages =
            standing.is_some_and(|standing| standing.permissions().contains(Permissions::MANAGE_MESSAGES));
        Ok(is_own || manages)
    }
}

/// One emoji on a message, and who put it there.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ReactionGroup {
    /// A Unicode emoji, or a name between colons.
    #[graphql(tag = "live")]
    emoji: String,
    /// How many people.
    #[graphql(tag = "live")]
    count: i64,
    #[graphql(skip)]
    message: MessageId,
}

impl ReactionGroup {
    fn new(message: MessageId, group: loaders::Group) -> Self {
        Self {
            emoji: group.emoji,
            count: group.count,
            message,
        }
    }
}

#[ComplexObject]
impl ReactionGroup {
    /// Whether the viewer is one of them.
    async fn viewer_has_reacted(&self, context: &Context<'_>) -> Result<bool> {
        let own = cx(context).load.own_reactions.get(self.message).await;
        Ok(own.transpose()?.is_some_and(|own| own.contains(&self.emoji)))
    }

    /// The people, in the order in which they reacted.
    async fn users(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
    ) -> Result<ReactionUserConnection> {
        let args = PageArgs::forward(first, after.as_deref())?;
        let page = service::reacting(cx(context), self.message, &self.emoji, &args).await?;
        let edges: Vec<ReactionUserEdge> = page
            .items
            .into_iter()
            .map(|(user, seq)| ReactionUserEdge {
                cursor: Cursor::encode("reaction", &(seq, user.0)),
                node: Some(user.into()),
            })
            .collect();
        let page_info = async_graphql::connection::PageInfo {
            has_previous_page: page.has_previous,
            has_next_page: page.has_next,
            start_cursor: edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: edges.last().map(|edge| edge.cursor.clone()),
        };
        Ok(ReactionUserConnection {
            edges,
            page_info,
            total_count: self.count,
        })
    }
}

/// The people behind an emoji.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ReactionUserConnection {
    /// The people with their places.
    edges: Vec<ReactionUserEdge>,
    /// Whether there are more.
    page_info: async_graphql::connection::PageInfo,
    /// How many there are in all.
    total_count: i64,
}

#[ComplexObject]
impl ReactionUserConnection {
    /// The people.
    async fn nodes(&self) -> Vec<Option<UserRef>> {
        self.edges
            .iter()
            .map(|edge| edge.node.as_ref().map(|user| UserRef { id: user.id.clone() }))
            .collect()
    }
}

/// Somebody behind an emoji.
#[derive(SimpleObject)]
pub struct ReactionUserEdge {
    /// The place in the list.
    cursor: String,
    /// Who.
    node: Option<UserRef>,
}
