//! Making, changing, moving, archiving and deleting channels.

use super::overwrite::OverwriteInput;
use crate::{
    graphql::{
        cx, given,
        types::{Channel, ChannelKind, Guild},
    },
    service,
};
use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use commons_entities::ChannelId;
use commons_platform::{ApiError, graphql::parse_id};

/// A new channel.
#[derive(InputObject)]
pub(super) struct CreateChannelInput {
    /// Where.
    guild_id: ID,
    /// What it is for.
    #[graphql(default_with = "ChannelKind::Text")]
    kind: ChannelKind,
    /// 1 to 100 characters.
    name: String,
    /// At most 1,024 characters.
    topic: Option<String>,
    /// The category it stands under; it gets the category's overwrites, as they are now.
    parent_id: Option<ID>,
    /// Not for everybody's eyes.
    #[graphql(default)]
    nsfw: bool,
    /// Seconds between two messages of one member, 0 to 21,600; 0 is no limit.
    #[graphql(default)]
    slowmode_seconds: i32,
    /// In place of the category's, so that a private channel is private from the start. Needs
    /// MANAGE_ROLES.
    overwrites: Option<Vec<OverwriteInput>>,
}

/// What of a channel to change; an absent field stays, null clears.
#[derive(InputObject)]
pub(super) struct UpdateChannelInput {
    /// The channel.
    channel_id: ID,
    /// 1 to 100 characters.
    name: Option<String>,
    /// At most 1,024 characters.
    topic: MaybeUndefined<String>,
    /// Not for everybody's eyes.
    nsfw: Option<bool>,
    /// Seconds between two messages of one member, 0 to 21,600; 0 is no limit.
    slowmode_seconds: Option<i32>,
    /// The category it stands under. Its overwrites are not copied.
    parent_id: MaybeUndefined<ID>,
}

/// A new order of channels.
#[derive(InputObject)]
pub(super) struct MoveChannelsInput {
    /// The guild.
    guild_id: ID,
    /// Channels in their new order, 1 to 500. They change places among themselves; all others keep
    /// theirs.
    channel_ids: Vec<ID>,
}

/// Which channel to delete.
#[derive(InputObject)]
pub(super) struct DeleteChannelInput {
    /// The channel.
    channel_id: ID,
}

/// Which channel to close.
#[derive(InputObject)]
pub(super) struct ArchiveChannelInput {
    /// The channel.
    channel_id: ID,
}

/// Which channel to open again.
#[derive(InputObject)]
pub(super) struct UnarchiveChannelInput {
    /// The channel.
    channel_id: ID,
}

/// The new channel.
#[derive(SimpleObject)]
pub(super) struct CreateChannelPayload {
    /// The channel; null when its overwrites hide it from the viewer.
    channel: Option<Channel>,
}

/// The channel as it is now.
#[derive(SimpleObject)]
pub(super) struct UpdateChannelPayload {
    /// The channel; null when the viewer may not see it any more.
    channel: Option<Channel>,
}

/// The order as it is now.
#[derive(SimpleObject)]
pub(super) struct MoveChannelsPayload {
    /// All channels of the guild that the viewer may see, by position.
    channels: Vec<Channel>,
}

/// What was deleted.
#[derive(SimpleObject)]
pub(super) struct DeleteChannelPayload {
    /// The channel that is gone.
    channel_id: ID,
    /// The guild as it is now.
    guild: Option<Guild>,
}

/// The channel as it is now.
#[derive(SimpleObject)]
pub(super) struct ArchiveChannelPayload {
    /// The channel; null when the viewer may not see it any more.
    channel: Option<Channel>,
}

/// The channel as it is now.
#[derive(SimpleObject)]
pub(super) struct UnarchiveChannelPayload {
    /// The channel; null when the viewer may not see it any more.
    channel: Option<Channel>,
}

/// Making, changing, moving, archiving and deleting channels.
#[derive(Default)]
pub(super) struct ChannelMutation;

#[Object]
impl ChannelMutation {
    /// Makes a channel at the end of the list. Needs MANAGE_CHANNELS.
    async fn create_channel(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The new channel.")] input: CreateChannelInput,
    ) -> Result<CreateChannelPayload> {
        let guild = parse_id("guildId", &input.guild_id)?;
        let overwrites = input
            .overwrites
            .map(|given| given.into_iter().map(OverwriteInput::parse).collect());
        let input = service::NewChannel {
            kind: input.kind.into(),
            name: input.name,
            topic: input.topic,
            parent: input.parent_id.map(|id| parse_id("parentId", &id)).transpose()?,
            nsfw: input.nsfw,
            slowmode_seconds: input.slowmode_seconds,
            overwrites: overwrites.transpose()?,
        };
        let channel = service::create_channel(cx(context), guild, input).await?;
        Ok(CreateChannelPayload {
            channel: channel.map(Channel),
        })
    }

    /// Changes a channel. Needs MANAGE_CHANNELS in it, and in the category it is put under.
    async fn update_channel(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateChannelInput,
    ) -> Result<UpdateChannelPayload> {
        let id = parse_id("channelId", &input.channel_id)?;
        let parent = given(input.parent_id);
        let parent = parent.map(|id| id.map(|id| parse_id::<ChannelId>("parentId", &id)).transpose());
        let change = service::ChannelChange {
            name: input.name,
            topic: given(input.topic),
            nsfw: input.nsfw,
            slowmode_seconds: input.slowmode_seconds,
            parent: parent.transpose()?,
        };
        let channel = service::update_channel(cx(context), id, change).await?;
        Ok(UpdateChannelPayload {
            channel: channel.map(Channel),
        })
    }

    /// Puts channels in order. Needs MANAGE_CHANNELS.
    async fn move_channels(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The new order.")] input: MoveChannelsInput,
    ) -> Result<MoveChannelsPayload> {
        let guild = parse_id("guildId", &input.guild_id)?;
        let order = input.channel_ids.iter().map(|id| parse_id("channelIds", id));
        let order = order.collect::<Result<Vec<_>, ApiError>>()?;
        let channels = service::move_channels(cx(context), guild, &order).await?;
        Ok(MoveChannelsPayload {
            channels: channels.into_iter().map(Channel).collect(),
        })
    }

    /// Deletes a channel for everybody. What stood under a category stands on its own from then on.
    /// Needs MANAGE_CHANNELS in it.
    async fn delete_channel(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: DeleteChannelInput,
    ) -> Result<DeleteChannelPayload> {
        let cx = cx(context);
        let guild = service::delete_channel(cx, parse_id("channelId", &input.channel_id)?).await?;
        let guild = service::guild(cx, guild).await?.map(Guild);
        Ok(DeleteChannelPayload {
            channel_id: input.channel_id,
            guild,
        })
    }

    /// Closes a channel: it can be read, and nothing can be sent. Needs MANAGE_CHANNELS in it.
    async fn archive_channel(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: ArchiveChannelInput,
    ) -> Result<ArchiveChannelPayload> {
        let channel =
            service::archive_channel(cx(context), parse_id("channelId", &input.channel_id)?).await?;
        Ok(ArchiveChannelPayload {
            channel: channel.map(Channel),
        })
    }

    /// Opens an archived channel again. Needs MANAGE_CHANNELS in it.
    async fn unarchive_channel(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: UnarchiveChannelInput,
    ) -> Result<UnarchiveChannelPayload> {
        let channel =
            service::unarchive_channel(cx(context), parse_id("channelId", &input.channel_id)?).await?;
        Ok(UnarchiveChannelPayload {
            channel: channel.map(Channel),
        })
    }
}
