//! Reading guilds, channels and invites.

use super::{
    cx, entity,
    types::{Channel, Guild, Invite, InvitePreview, PermissionExplanation, Role, explanations},
};
use crate::service;
use async_graphql::{Context, ID, Object, Result, connection::Connection};
use commons_platform::{graphql::parse_id, page::PageArgs};

/// What can be read.
pub struct Query;

/// What can be read.
#[Object(name = "Query")]
impl Query {
    /// A guild that the viewer is in; null otherwise.
    async fn guild(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id.")] id: ID,
    ) -> Result<Option<Guild>> {
        Ok(service::guild(cx(context), parse_id("id", &id)?)
            .await?
            .map(Guild))
    }

    /// A channel that the viewer may see; null otherwise.
    async fn channel(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id.")] id: ID,
    ) -> Result<Option<Channel>> {
        Ok(service::channel(cx(context), parse_id("id", &id)?)
            .await?
            .map(Channel))
    }

    /// The viewer's guilds, in the order of their founding.
    async fn guilds(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
    ) -> Result<Connection<String, Guild>> {
        let args = PageArgs::forward(first, after.as_deref())?;
        let page = service::guilds(cx(context), &args).await?;
        Ok(page.connection("guild", |guild| guild.row.id.0, Guild))
    }

    /// Where an invite leads; null when it does not work, whatever the reason. Asks for no token.
    async fn invite(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The code that was passed on.")] code: String,
    ) -> Result<Option<InvitePreview>> {
        Ok(service::preview(cx(context), &code).await?.map(InvitePreview))
    }

    /// Why a member may or may not do each thing in a channel: for the viewer themself, and with
    /// MANAGE_ROLES for every member of the guild. Null for a channel that the viewer may not see, and
    /// for who is no member.
    async fn explain_permissions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Who.")] user_id: ID,
        #[graphql(desc = "Where.")] channel_id: ID,
    ) -> Result<Option<Vec<PermissionExplanation>>> {
        let user = parse_id("userId", &user_id)?;
        let channel = parse_id("channelId", &channel_id)?;
        let explained = service::explain(cx(context), channel, user).await?;
        Ok(explained.map(explanations))
    }

    #[graphql(entity)]
    async fn find_guild(&self, context: &Context<'_>, id: ID) -> Result<Option<Guild>> {
        entity::guild(cx(context), &id).await
    }

    #[graphql(entity)]
    async fn find_channel(&self, context: &Context<'_>, id: ID) -> Result<Option<Channel>> {
        entity::channel(cx(context), &id).await
    }

    #[graphql(entity)]
    async fn find_role(&self, context: &Context<'_>, id: ID) -> Result<Option<Role>> {
        entity::role(cx(context), &id).await
    }

    #[graphql(entity)]
    async fn find_invite(&self, context: &Context<'_>, id: ID) -> Result<Option<Invite>> {
        entity::invite(cx(context), &id).await
    }
}
