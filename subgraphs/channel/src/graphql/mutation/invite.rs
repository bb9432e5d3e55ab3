//! Ways into a guild.

use crate::{
    graphql::{
        cx,
        types::{Guild, GuildMember, Invite},
    },
    service,
};
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use commons_platform::graphql::parse_id;

/// A new invite.
#[derive(InputObject)]
pub(super) struct CreateInviteInput {
    /// Where it leads.
    guild_id: ID,
    /// The channel that opens first.
    channel_id: Option<ID>,
    /// How long it works, 1 second to 365 days; without end when absent.
    max_age_seconds: Option<i32>,
    /// How often it works, 1 to 10,000; without end when absent.
    max_uses: Option<i32>,
}

/// Which invite to take back.
#[derive(InputObject)]
pub(super) struct RevokeInviteInput {
    /// The invite.
    invite_id: ID,
}

/// Which invite to follow.
#[derive(InputObject)]
pub(super) struct AcceptInviteInput {
    /// The code that was passed on.
    code: String,
}

/// The new invite.
#[derive(SimpleObject)]
pub(super) struct CreateInvitePayload {
    /// The invite.
    invite: Invite,
}

/// The invite as it is now.
#[derive(SimpleObject)]
pub(super) struct RevokeInvitePayload {
    /// The invite, which does not work any more.
    invite: Invite,
}

/// Where the viewer is now.
#[derive(SimpleObject)]
pub(super) struct AcceptInvitePayload {
    /// The guild.
    guild: Guild,
    /// The viewer as its member.
    member: GuildMember,
}

/// Ways into a guild.
#[derive(Default)]
pub(super) struct InviteMutation;

#[Object]
impl InviteMutation {
    /// Makes an invite. Needs CREATE_INVITE.
    async fn create_invite(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The new invite.")] input: CreateInviteInput,
    ) -> Result<CreateInvitePayload> {
        let guild = parse_id("guildId", &input.guild_id)?;
        let input = service::NewInvite {
            channel: input
                .channel_id
                .map(|id| parse_id("channelId", &id))
                .transpose()?,
            max_age_seconds: input.max_age_seconds,
            max_uses: input.max_uses,
        };
        let invite = service::create_invite(cx(context), guild, input).await?;
        Ok(CreateInvitePayload {
            invite: Invite(invite),
        })
    }

    /// Takes an invite back: one of the viewer's own, or, with MANAGE_GUILD, any of the guild.
    async fn revoke_invite(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: RevokeInviteInput,
    ) -> Result<RevokeInvitePayload> {
        let invite = service::revoke_invite(cx(context), parse_id("inviteId", &input.invite_id)?).await?;
        Ok(RevokeInvitePayload {
            invite: Invite(invite),
        })
    }

    /// Joins a guild. Who is in it already stays, and uses nothing up.
    async fn accept_invite(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which invite.")] input: AcceptInviteInput,
    ) -> Result<AcceptInvitePayload> {
        let (guild, member) = service::accept_invite(cx(context), &input.code).await?;
        Ok(AcceptInvitePayload {
            guild: Guild(guild),
            member: GuildMember(member),
        })
    }
}
