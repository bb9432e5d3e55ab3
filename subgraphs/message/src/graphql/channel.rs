//! What the message domain adds to a channel: its history and its events.

use super::{
    cx,
    event::{MessageEventPage, check_after, page_size},
    types::Message,
};
use crate::service::{self, Cx, History};
use async_graphql::{
    Context, ID, Object, Result, SimpleObject,
    connection::{Connection, Edge, EmptyFields},
};
use commons_access::ChannelStanding;
use commons_entities::ChannelId;
use commons_platform::{
    ApiError,
    graphql::parse_id,
    page::{Cursor, Direction, PageArgs},
};

/// A channel that the viewer may view.
pub struct Channel(ChannelStanding);

impl Channel {
    /// The channel, if the viewer may view it.
    pub(super) async fn load(cx: &Cx, id: ChannelId) -> Result<Option<Self>, ApiError> {
        Ok(service::standing(cx, id).await?.map(Self))
    }
}

/// What a page of history says beside its messages.
#[derive(SimpleObject)]
pub struct HistoryFields {
    /// Where the channel's stream stood before the page was read: subscribe with it as `after` and
    /// nothing is missed.
    head_seq: i64,
}

/// A page of messages, oldest first.
pub type MessageConnection = Connection<String, Message, HistoryFields, EmptyFields>;

/// A channel, as far as messages go.
#[Object]
impl Channel {
    /// The id.
    #[graphql(tag = "live")]
    async fn id(&self) -> ID {
        self.0.channel().to_string().into()
    }

    /// The channel's messages, oldest first; without arguments the newest 50. Empty for who may not
    /// read history.
    #[graphql(name = "messages")]
    async fn messages(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many from the start or behind `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(desc = "A message to stand in the middle; with `first` as the size.")] around: Option<ID>,
    ) -> Result<MessageConnection> {
        let cx = cx(context);
        let mut args = PageArgs::new(first, after.as_deref(), last, before.as_deref())?;
        let history = match around {
            Some(_) if after.is_some() || last.is_some() || before.is_some() => {
                return Err(
                    ApiError::invalid("around", "PAGE_BOTH_WAYS", "use around with first alone").into(),
                );
            }
            Some(id) => service::around(cx, &self.0, parse_id("around", &id)?, args.size).await?,
            None => {
                if first.is_none() && after.is_none() {
                    args.direction = Direction::Backward;
                }
                service::page(cx, &self.0, &args).await?
            }
        };
        Ok(connection(history))
    }

    /// What happened in the channel after an event number, at most `first` events; repair with it what
    /// a live stream may have lost.
    async fn events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The number of the last event known; 0 for none.")] after: i64,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
    ) -> Result<Option<MessageEventPage>> {
        let cx = cx(context);
        let position = (self.0.channel(), check_after("after", after)?);
        let pages = service::events(cx, &[position], page_size(first)?).await?;
        Ok(MessageEventPage::load(cx, pages).await?.pop().flatten())
    }

    /// The number of the newest event; 0 before the first.
    async fn head_seq(&self, context: &Context<'_>) -> Result<i64> {
        Ok(service::head_seq(cx(context), &self.0).await?)
    }

    /// The newest message.
    async fn last_message(&self, context: &Context<'_>) -> Result<Option<Message>> {
        Ok(service::last(cx(context), &self.0).await?.map(Message::from))
    }

    /// The pinned messages, the newest pin first; 250 at most.
    async fn pinned_messages(&self, context: &Context<'_>) -> Result<Vec<Message>> {
        let rows = service::pinned(cx(context), &self.0).await?;
        Ok(rows.into_iter().map(Message::from).collect())
    }
}

fn connection(history: History) -> MessageConnection {
    let page = history.page;
    let fields = HistoryFields {
        head_seq: history.head_seq,
    };
    let mut connection = Connection::with_additional_fields(page.has_previous, page.has_next, fields);
    connection.edges.extend(page.items.into_iter().map(|row| {
        let cursor = Cursor::encode("message", &row.seq);
        Edge::new(cursor, Message::from(row))
    }));
    connection
}
