//! Founding, changing and deleting guilds.

use crate::{
    graphql::{cx, given, types::Guild},
    service,
};
use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use commons_platform::graphql::parse_id;

/// A new guild.
#[derive(InputObject)]
pub(super) struct CreateGuildInput {
    /// 2 to 100 characters.
    name: String,
    /// At most 500 characters.
    description: Option<String>,
    /// An `https` address of a picture.
    icon_url: Option<String>,
}

/// What of a guild to change; an absent field stays, null clears.
#[derive(InputObject)]
pub(super) struct UpdateGuildInput {
    /// The guild.
    guild_id: ID,
    /// 2 to 100 characters.
    name: Option<String>,
    /// At most 500 characters.
    description: MaybeUndefined<String>,
    /// An `https` address of a picture.
    icon_url: MaybeUndefined<String>,
}

/// To whom a guild goes.
#[derive(InputObject)]
pub(super) struct TransferGuildInput {
    /// A guild of the viewer's own.
    guild_id: ID,
    /// A member of it.
    user_id: ID,
}

/// Which guild to delete.
#[derive(InputObject)]
pub(super) struct DeleteGuildInput {
    /// A guild of the viewer's own.
    guild_id: ID,
}

/// The new guild.
#[derive(SimpleObject)]
pub(super) struct CreateGuildPayload {
    /// The guild, with a channel to talk in.
    guild: Guild,
}

/// The guild as it is now.
#[derive(SimpleObject)]
pub(super) struct UpdateGuildPayload {
    /// The guild.
    guild: Guild,
}

/// The guild as it is now.
#[derive(SimpleObject)]
pub(super) struct TransferGuildPayload {
    /// The guild with its new owner.
    guild: Guild,
}

/// What is gone.
#[derive(SimpleObject)]
pub(super) struct DeleteGuildPayload {
    /// The guild that is not there any more.
    guild_id: ID,
}

/// Founding and changing guilds.
#[derive(Default)]
pub(super) struct GuildMutation;

#[Object]
impl GuildMutation {
    /// Founds a guild: the viewer owns it, and it has a channel `general`.
    async fn create_guild(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The new guild.")] input: CreateGuildInput,
    ) -> Result<CreateGuildPayload> {
        let input = service::NewGuild {
            name: input.name,
            description: input.description,
            icon_url: input.icon_url,
        };
        let guild = service::create_guild(cx(context), input).await?;
        Ok(CreateGuildPayload { guild: Guild(guild) })
    }

    /// Changes what a guild is called and how it looks. Needs MANAGE_GUILD.
    async fn update_guild(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateGuildInput,
    ) -> Result<UpdateGuildPayload> {
        let id = parse_id("guildId", &input.guild_id)?;
        let change = service::GuildChange {
            name: input.name,
            description: given(input.description),
            icon_url: given(input.icon_url),
        };
        let guild = service::update_guild(cx(context), id, change).await?;
        Ok(UpdateGuildPayload { guild: Guild(guild) })
    }

    /// Gives the viewer's guild to another member.
    async fn transfer_guild(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "To whom.")] input: TransferGuildInput,
    ) -> Result<TransferGuildPayload> {
        let id = parse_id("guildId", &input.guild_id)?;
        let to = parse_id("userId", &input.user_id)?;
        let guild = service::transfer_guild(cx(context), id, to).await?;
        Ok(TransferGuildPayload { guild: Guild(guild) })
    }

    /// Deletes the viewer's guild with all that is in it. It is gone at once for everybody, and nobody
    /// brings it back.
    async fn delete_guild(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: DeleteGuildInput,
    ) -> Result<DeleteGuildPayload> {
        service::delete_guild(cx(context), parse_id("guildId", &input.guild_id)?).await?;
        Ok(DeleteGuildPayload {
            guild_id: input.guild_id,
        })
    }
}
