//! A guild as its members see it.

use super::{AuditLogEntry, AuditLogFilter, Ban, Channel, GuildMember, Invite, Role, UserRef};
use crate::{graphql::cx, service};
use async_graphql::{Context, ID, Object, Result, connection::Connection};
use chrono::{DateTime, Utc};
use commons_access::Permission;
use commons_entities::channel::guild_ban;
use commons_platform::{graphql::parse_id, page::PageArgs};

/// A community with channels, members and roles. It exists only for its members.
pub struct Guild(pub service::Guild);

/// A community with channels, members and roles. It exists only for its members.
#[Object]
impl Guild {
    /// The id, such as `guild_01h455vb4pex5vsknk084sn02q`.
    #[graphql(tag = "live")]
    pub async fn id(&self) -> ID {
        self.0.row.id.to_string().into()
    }

    /// What it is called, 2 to 100 characters.
    #[graphql(tag = "live")]
    async fn name(&self) -> &str {
        &self.0.row.name
    }

    /// A few words about it.
    #[graphql(tag = "live")]
    async fn description(&self) -> Option<&str> {
        self.0.row.description.as_deref()
    }

    /// An `https` address of a picture.
    #[graphql(tag = "live")]
    async fn icon_url(&self) -> Option<&str> {
        self.0.row.icon_url.as_deref()
    }

    /// Who may do everything in it.
    #[graphql(tag = "live")]
    async fn owner(&self) -> Option<UserRef> {
        Some(self.0.row.owner_id.into())
    }

    /// The channels that the viewer may see, by position.
    async fn channels(&self, context: &Context<'_>) -> Result<Vec<Channel>> {
        let channels = service::channels_of(cx(context), self.0.row.id).await?;
        Ok(channels.into_iter().map(Channel).collect())
    }

    /// All roles, highest first; the last is `@everyone`.
    #[graphql(tag = "live")]
    async fn roles(&self, context: &Context<'_>) -> Result<Vec<Role>> {
        let cx = cx(context);
        let roles = service::roles_of(cx, self.0.row.id).await?;
        cx.spend(roles.len())?;
        Ok(roles.iter().cloned().map(Role).collect())
    }

    /// The members, who came first first.
    #[graphql(tag = "live")]
    async fn members(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
    ) -> Result<Connection<String, GuildMember>> {
        let args = PageArgs::forward(first, after.as_deref())?;
        let page = service::members(cx(context), &self.0, &args).await?;
        let key = |member: &service::Member| (member.row.joined_at.timestamp_millis(), member.row.user_id.0);
        Ok(page.connection("member", key, GuildMember))
    }

    /// One member; null for anybody else.
    #[graphql(tag = "live")]
    async fn member(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The user.")] user_id: ID,
    ) -> Result<Option<GuildMember>> {
        let user = parse_id("userId", &user_id)?;
        Ok(service::member(cx(context), self.0.row.id, user)
            .await?
            .map(GuildMember))
    }

    /// How many members there are.
    #[graphql(tag = "live")]
    async fn member_count(&self, context: &Context<'_>) -> Result<i32> {
        let count = service::member_count(cx(context), self.0.row.id).await?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }

    /// The invites that work now, newest first. Without MANAGE_GUILD it is null, with the error
    /// FORBIDDEN.
    async fn invites(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
    ) -> Result<Option<Connection<String, Invite>>> {
        let args = PageArgs::forward(first, after.as_deref())?;
        let page = service::invites(cx(context), &self.0, &args).await?;
        Ok(Some(page.connection("invite", |row| row.id.0, Invite)))
    }

    /// The invites of the viewer's own that work now, newest first.
    async fn viewer_invites(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
    ) -> Result<Connection<String, Invite>> {
        let args = PageArgs::forward(first, after.as_deref())?;
        let page = service::own_invites(cx(context), &self.0, &args).await?;
        Ok(page.connection("invite", |row| row.id.0, Invite))
    }

    /// Who cannot join, who was banned last first. Without BAN_MEMBERS it is null, with the error
    /// FORBIDDEN.
    async fn bans(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
    ) -> Result<Option<Connection<String, Ban>>> {
        let args = PageArgs::forward(first, after.as_deref())?;
        let page = service::bans(cx(context), &self.0, &args).await?;
        let key = |row: &guild_ban::Model| (row.created_at.timestamp_millis(), row.user_id.0);
        Ok(Some(page.connection("ban", key, Ban)))
    }

    /// Who did what in the guild, newest first. What was done in a channel that the viewer may not see
    /// is not in it; what was done in one that is deleted since is for administrators. Without
    /// VIEW_AUDIT_LOG it is null, with the error FORBIDDEN.
    async fn audit_log(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which entries; all when absent.")] filter: Option<AuditLogFilter>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
    ) -> Result<Option<Connection<String, AuditLogEntry>>> {
        let args = PageArgs::forward(first, after.as_deref())?;
        let wanted = filter.unwrap_or_default().try_into()?;
        let page = service::audit_log(cx(context), &self.0, wanted, &args).await?;
        Ok(Some(page.connection(
            "audit",
            |entry| entry.row.id.0,
            AuditLogEntry,
        )))
    }

    /// The viewer as a member.
    async fn viewer_member(&self, context: &Context<'_>) -> Result<Option<GuildMember>> {
        let member = service::member(cx(context), self.0.row.id, self.0.standing.user()).await?;
        Ok(member.map(GuildMember))
    }

    /// What the viewer may do in the guild as a whole.
    async fn viewer_permissions(&self) -> Vec<Permission> {
        self.0.standing.permissions().list()
    }

    /// When it was founded.
    #[graphql(tag = "live")]
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.row.created_at
    }
}
