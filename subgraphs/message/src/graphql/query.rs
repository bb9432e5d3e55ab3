//! Reading messages.

use super::{
    channel::Channel,
    cx,
    event::{MessageEventPage, check_after, page_size},
    payload::StreamPosition,
    types::Message,
};
use crate::service;
use async_graphql::{Context, ID, Object, Result};
use commons_entities::ChannelId;
use commons_platform::{ApiError, graphql::parse_id};

/// What can be read.
pub struct Query;

#[Object(name = "Query")]
impl Query {
    /// A message by its id; null when it is deleted or the viewer may not read it.
    async fn message(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id.")] id: ID,
    ) -> Result<Option<Message>> {
        let found = service::message(cx(context), parse_id("id", &id)?).await?;
        Ok(found.map(Message))
    }

    /// What happened in many channels at once since the positions a client knows, in their order; null
    /// for a channel that the viewer may not view. At most 50 channels.
    async fn channel_events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A position for each channel.")] positions: Vec<StreamPosition>,
        #[graphql(desc = "How many events of each channel, 1 to 100; 50 when absent.")] first: Option<i32>,
    ) -> Result<Vec<Option<MessageEventPage>>> {
        let cx = cx(context);
        let first = page_size(first)?;
        let positions = positions
            .iter()
            .map(|position| {
                let channel: ChannelId = parse_id("positions", &position.channel_id)?;
                Ok((channel, check_after("positions", position.after)?))
            })
            .collect::<Result<Vec<_>, ApiError>>()?;
        let pages = service::events(cx, &positions, first).await?;
        MessageEventPage::load(cx, pages).await
    }

    #[graphql(entity)]
    async fn find_message(&self, context: &Context<'_>, id: ID) -> Result<Option<Message>> {
        super::entity::message(cx(context), &id).await
    }

    #[graphql(entity)]
    async fn find_channel(&self, context: &Context<'_>, id: ID) -> Result<Option<Channel>> {
        super::entity::channel(cx(context), &id).await
    }
}
