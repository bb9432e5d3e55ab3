//! Changing messages.

use super::{
    cx,
    payload::{
        AddReactionInput, AddReactionPayload, ClearReactionsInput, ClearReactionsPayload, DeleteMessageInput,
        DeleteMessagePayload, EditMessageInput, EditMessagePayload, PinMessageInput, PinMessagePayload,
        RemoveReactionInput, RemoveReactionPayload, SendMessageInput, SendMessagePayload, StartTypingInput,
        StartTypingPayload, UnpinMessageInput, UnpinMessagePayload,
    },
    types::Message,
};
use crate::service::{self, SendInput};
use async_graphql::{Context, Object, Result};
use commons_platform::graphql::parse_id;

/// What can be changed.
pub struct Mutation;

#[Object(name = "Mutation")]
impl Mutation {
    /// Sends a message. The answer comes after it is on the disk; needs SEND_MESSAGES.
    async fn send_message(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The message.")] input: SendMessageInput,
    ) -> Result<SendMessagePayload> {
        let input = SendInput {
            channel: parse_id("channelId", &input.channel_id)?,
            content: input.content,
            nonce: input.nonce,
            reply_to: input
                .reply_to
                .as_ref()
                .map(|id| parse_id("replyTo", id))
                .transpose()?,
        };
        let row = service::send(cx(context), input).await?;
        Ok(SendMessagePayload {
            message: Message::alive(row),
        })
    }

    /// Replaces the content of one of the viewer's own messages.
    async fn edit_message(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The message and its new content.")] input: EditMessageInput,
    ) -> Result<EditMessagePayload> {
        let row = service::edit(
            cx(context),
            parse_id("messageId", &input.message_id)?,
            &input.content,
        )
        .await?;
        Ok(EditMessagePayload { message: row.into() })
    }

    /// Deletes a message: one's own, or any with MANAGE_MESSAGES. Its content is gone for good.
    async fn delete_message(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The message.")] input: DeleteMessageInput,
    ) -> Result<DeleteMessagePayload> {
        service::delete(cx(context), parse_id("messageId", &input.message_id)?).await?;
        Ok(DeleteMessagePayload {
            message_id: input.message_id,
        })
    }

    /// Puts an emoji on a message; needs ADD_REACTIONS. Put again, it stays.
    async fn add_reaction(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The message and the emoji.")] input: AddReactionInput,
    ) -> Result<AddReactionPayload> {
        let id = parse_id("messageId", &input.message_id)?;
        let row = service::add_reaction(cx(context), id, &input.emoji).await?;
        Ok(AddReactionPayload { message: row.into() })
    }

    /// Takes the viewer's emoji off a message.
    async fn remove_reaction(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The message and the emoji.")] input: RemoveReactionInput,
    ) -> Result<RemoveReactionPayload> {
        let id = parse_id("messageId", &input.message_id)?;
        let row = service::remove_reaction(cx(context), id, &input.emoji).await?;
        Ok(RemoveReactionPayload { message: row.into() })
    }

    /// Takes every emoji off a message; needs MANAGE_MESSAGES.
    async fn clear_reactions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The message.")] input: ClearReactionsInput,
    ) -> Result<ClearReactionsPayload> {
        let row = service::clear_reactions(cx(context), parse_id("messageId", &input.message_id)?).await?;
        Ok(ClearReactionsPayload { message: row.into() })
    }

    /// Pins a message; needs MANAGE_MESSAGES.
    async fn pin_message(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The message.")] input: PinMessageInput,
    ) -> Result<PinMessagePayload> {
        let row = service::pin(cx(context), parse_id("messageId", &input.message_id)?).await?;
        Ok(PinMessagePayload { message: row.into() })
    }

    /// Takes a pin away; needs MANAGE_MESSAGES.
    async fn unpin_message(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The message.")] input: UnpinMessageInput,
    ) -> Result<UnpinMessagePayload> {
        let row = service::unpin(cx(context), parse_id("messageId", &input.message_id)?).await?;
        Ok(UnpinMessagePayload { message: row.into() })
    }

    /// Tells those who look at the channel that the viewer types; needs SEND_MESSAGES.
    async fn start_typing(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Where.")] input: StartTypingInput,
    ) -> Result<StartTypingPayload> {
        service::start_typing(cx(context), parse_id("channelId", &input.channel_id)?).await?;
        Ok(StartTypingPayload {
            lasts_seconds: service::TYPING_LASTS.num_seconds(),
        })
    }
}
