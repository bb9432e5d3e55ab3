//! What happens to members.

use crate::{
    graphql::{
        cx, given,
        types::{GuildMember, UserRef},
    },
    service,
};
use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use commons_entities::UserId;
use commons_platform::graphql::parse_id;

/// Which role goes to whom.
#[derive(InputObject)]
pub(super) struct AssignRoleInput {
    /// The role.
    role_id: ID,
    /// A member of the role's guild.
    user_id: ID,
}

/// Which role is taken from whom.
#[derive(InputObject)]
pub(super) struct UnassignRoleInput {
    /// The role.
    role_id: ID,
    /// A member of the role's guild.
    user_id: ID,
}

/// What of a member to change; an absent field stays, null clears.
#[derive(InputObject)]
pub(super) struct UpdateMemberInput {
    /// The guild.
    guild_id: ID,
    /// The member.
    user_id: ID,
    /// What this guild calls them, 1 to 64 characters.
    nickname: MaybeUndefined<String>,
}

/// Which guild to leave.
#[derive(InputObject)]
pub(super) struct LeaveGuildInput {
    /// The guild.
    guild_id: ID,
}

/// Whom to remove.
#[derive(InputObject)]
pub(super) struct KickMemberInput {
    /// The guild.
    guild_id: ID,
    /// The member.
    user_id: ID,
    /// Why, 1 to 500 characters; shown in the audit log.
    reason: Option<String>,
}

/// The member as they are now.
#[derive(SimpleObject)]
pub(super) struct AssignRolePayload {
    /// The member.
    member: GuildMember,
}

/// The member as they are now.
#[derive(SimpleObject)]
pub(super) struct UnassignRolePayload {
    /// The member.
    member: GuildMember,
}

/// The member as they are now.
#[derive(SimpleObject)]
pub(super) struct UpdateMemberPayload {
    /// The member.
    member: GuildMember,
}

/// What was left.
#[derive(SimpleObject)]
pub(super) struct LeaveGuildPayload {
    /// The guild that the viewer is not in any more.
    guild_id: ID,
}

/// Who was removed.
#[derive(SimpleObject)]
pub(super) struct KickMemberPayload {
    /// The user who is not a member any more.
    user: Option<UserRef>,
}

/// What happens to members.
#[derive(Default)]
pub(super) struct MemberMutation;

#[Object]
impl MemberMutation {
    /// Gives a member a role. Needs MANAGE_ROLES, all that the role may do, and a rank above the role
    /// and the member.
    async fn assign_role(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which role to whom.")] input: AssignRoleInput,
    ) -> Result<AssignRolePayload> {
        let role = parse_id("roleId", &input.role_id)?;
        let user = parse_id("userId", &input.user_id)?;
        let member = service::assign_role(cx(context), role, user).await?;
        Ok(AssignRolePayload {
            member: GuildMember(member),
        })
    }

    /// Takes a role from a member. Needs MANAGE_ROLES and a rank above the role and the member.
    async fn unassign_role(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which role from whom.")] input: UnassignRoleInput,
    ) -> Result<UnassignRolePayload> {
        let role = parse_id("roleId", &input.role_id)?;
        let user = parse_id("userId", &input.user_id)?;
        let member = service::unassign_role(cx(context), role, user).await?;
        Ok(UnassignRolePayload {
            member: GuildMember(member),
        })
    }

    /// Changes a nickname: one's own with CHANGE_NICKNAME, that of a member below with
    /// MANAGE_NICKNAMES.
    async fn update_member(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateMemberInput,
    ) -> Result<UpdateMemberPayload> {
        let guild = parse_id("guildId", &input.guild_id)?;
        let user = parse_id("userId", &input.user_id)?;
        let member = service::update_member(cx(context), guild, user, given(input.nickname)).await?;
        Ok(UpdateMemberPayload {
            member: GuildMember(member),
        })
    }

    /// Leaves a guild. Its owner cannot.
    async fn leave_guild(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: LeaveGuildInput,
    ) -> Result<LeaveGuildPayload> {
        service::leave_guild(cx(context), parse_id("guildId", &input.guild_id)?).await?;
        Ok(LeaveGuildPayload {
            guild_id: input.guild_id,
        })
    }

    /// Removes a member below the viewer, who may come back with an invite. Needs KICK_MEMBERS.
    async fn kick_member(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whom.")] input: KickMemberInput,
    ) -> Result<KickMemberPayload> {
        let guild = parse_id("guildId", &input.guild_id)?;
        let user: UserId = parse_id("userId", &input.user_id)?;
        service::kick_member(cx(context), guild, user, input.reason).await?;
        Ok(KickMemberPayload {
            user: Some(user.into()),
        })
    }
}
