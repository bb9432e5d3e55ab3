//! Bans and time-outs.

use crate::{
    graphql::{
        cx,
        types::{Ban, GuildMember, UserRef},
    },
    service,
};
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use commons_entities::UserId;
use commons_platform::graphql::parse_id;

/// Whom to ban, and what goes with them.
#[derive(InputObject)]
pub(super) struct BanMemberInput {
    /// The guild.
    guild_id: ID,
    /// A member, or anybody who is none.
    user_id: ID,
    /// Why, 1 to 500 characters; shown with the ban and in the audit log.
    reason: Option<String>,
    /// Delete what they wrote in the guild since then, at most 7 days back. Nothing is deleted when
    /// absent.
    delete_messages_since: Option<DateTime<Utc>>,
}

/// Whose ban to lift.
#[derive(InputObject)]
pub(super) struct UnbanMemberInput {
    /// The guild.
    guild_id: ID,
    /// Who is banned.
    user_id: ID,
    /// Why, 1 to 500 characters; shown in the audit log.
    reason: Option<String>,
}

/// Whom to silence, and for how long.
#[derive(InputObject)]
pub(super) struct TimeoutMemberInput {
    /// The guild.
    guild_id: ID,
    /// The member.
    user_id: ID,
    /// Until then they may only view and read history: in the future, in 28 days at most. Null, or
    /// absent, ends the time-out.
    until: Option<DateTime<Utc>>,
    /// Why, 1 to 500 characters; shown in the audit log.
    reason: Option<String>,
}

/// The ban.
#[derive(SimpleObject)]
pub(super) struct BanMemberPayload {
    /// The ban as it is now.
    ban: Ban,
}

/// Who may come back.
#[derive(SimpleObject)]
pub(super) struct UnbanMemberPayload {
    /// Who is not banned any more.
    user: Option<UserRef>,
}

/// The member as they are now.
#[derive(SimpleObject)]
pub(super) struct TimeoutMemberPayload {
    /// The member.
    member: GuildMember,
}

/// Bans and time-outs.
#[derive(Default)]
pub(super) struct ModerationMutation;

#[Object]
impl ModerationMutation {
    /// Bans somebody: a member below the viewer, who is removed, or anybody who is none. They join by
    /// no invite until the ban is lifted. Whoever is banned already gets the new reason. Needs
    /// BAN_MEMBERS.
    async fn ban_member(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whom.")] input: BanMemberInput,
    ) -> Result<BanMemberPayload> {
        let guild = parse_id("guildId", &input.guild_id)?;
        let ban = service::NewBan {
            user: parse_id("userId", &input.user_id)?,
            reason: input.reason,
            delete_messages_since: input.delete_messages_since,
        };
        let ban = service::ban_member(cx(context), guild, ban).await?;
        Ok(BanMemberPayload { ban: Ban(ban) })
    }

    /// Lifts a ban: they may join again. NOT_FOUND for who is not banned. Needs BAN_MEMBERS.
    async fn unban_member(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose.")] input: UnbanMemberInput,
    ) -> Result<UnbanMemberPayload> {
        let guild = parse_id("guildId", &input.guild_id)?;
        let user: UserId = parse_id("userId", &input.user_id)?;
        service::unban_member(cx(context), guild, user, input.reason).await?;
        Ok(UnbanMemberPayload {
            user: Some(user.into()),
        })
    }

    /// Lays a time-out on a member below the viewer, or ends it. It ends by itself, and goes on for who
    /// leaves and comes back. The owner and administrators cannot have one. Needs TIMEOUT_MEMBERS.
    async fn timeout_member(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whom, and until when.")] input: TimeoutMemberInput,
    ) -> Result<TimeoutMemberPayload> {
        let guild = parse_id("guildId", &input.guild_id)?;
        let user = parse_id("userId", &input.user_id)?;
        let member = service::timeout_member(cx(context), guild, user, input.until, input.reason).await?;
        Ok(TimeoutMemberPayload {
            member: GuildMember(member),
        })
    }
}
