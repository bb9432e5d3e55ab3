//! Making, changing, moving and deleting roles.

use crate::{
    graphql::{
        cx, given,
        types::{Guild, Role},
    },
    service,
};
use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use commons_access::Permission;
use commons_platform::{ApiError, graphql::parse_id};

/// A new role.
#[derive(InputObject)]
pub(super) struct CreateRoleInput {
    /// Where.
    guild_id: ID,
    /// 1 to 100 characters.
    name: String,
    /// What those who hold it may do; only what the viewer may do too.
    #[graphql(default)]
    permissions: Vec<Permission>,
    /// 0xRRGGBB.
    color: Option<i32>,
    /// Its members are listed apart.
    #[graphql(default)]
    hoist: bool,
    /// Anybody may mention it.
    #[graphql(default)]
    mentionable: bool,
}

/// What of a role to change; an absent field stays, null clears.
#[derive(InputObject)]
pub(super) struct UpdateRoleInput {
    /// The role; of `@everyone` only the permissions and whether it is mentionable can change.
    role_id: ID,
    /// 1 to 100 characters.
    name: Option<String>,
    /// All that those who hold it may do; nothing may be added that the viewer may not do.
    permissions: Option<Vec<Permission>>,
    /// 0xRRGGBB.
    color: MaybeUndefined<i32>,
    /// Its members are listed apart.
    hoist: Option<bool>,
    /// Anybody may mention it.
    mentionable: Option<bool>,
}

/// A new order of roles.
#[derive(InputObject)]
pub(super) struct MoveRolesInput {
    /// The guild.
    guild_id: ID,
    /// Roles in their new order, highest first, 1 to 250. They change places among themselves; all
    /// others keep theirs.
    role_ids: Vec<ID>,
}

/// Which role to delete.
#[derive(InputObject)]
pub(super) struct DeleteRoleInput {
    /// The role.
    role_id: ID,
}

/// The new role.
#[derive(SimpleObject)]
pub(super) struct CreateRolePayload {
    /// The role, the lowest above `@everyone`.
    role: Role,
}

/// The role as it is now.
#[derive(SimpleObject)]
pub(super) struct UpdateRolePayload {
    /// The role.
    role: Role,
}

/// The order as it is now.
#[derive(SimpleObject)]
pub(super) struct MoveRolesPayload {
    /// The guild with its roles.
    guild: Guild,
}

/// What was deleted.
#[derive(SimpleObject)]
pub(super) struct DeleteRolePayload {
    /// The role that is gone.
    role_id: ID,
    /// The guild as it is now.
    guild: Guild,
}

/// Making, changing, moving and deleting roles.
#[derive(Default)]
pub(super) struct RoleMutation;

#[Object]
impl RoleMutation {
    /// Makes a role, the lowest above `@everyone`. Needs MANAGE_ROLES and a role of one's own.
    async fn create_role(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The new role.")] input: CreateRoleInput,
    ) -> Result<CreateRolePayload> {
        let guild = parse_id("guildId", &input.guild_id)?;
        let input = service::RoleChange {
            name: Some(input.name),
            permissions: Some(input.permissions.into_iter().collect()),
            color: Some(input.color),
            hoist: Some(input.hoist),
            mentionable: Some(input.mentionable),
        };
        let role = service::create_role(cx(context), guild, input).await?;
        Ok(CreateRolePayload { role: Role(role) })
    }

    /// Changes a role below the viewer's own. Needs MANAGE_ROLES.
    async fn update_role(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateRoleInput,
    ) -> Result<UpdateRolePayload> {
        let id = parse_id("roleId", &input.role_id)?;
        let change = service::RoleChange {
            name: input.name,
            permissions: input
                .permissions
                .map(|permissions| permissions.into_iter().collect()),
            color: given(input.color),
            hoist: input.hoist,
            mentionable: input.mentionable,
        };
        let role = service::update_role(cx(context), id, change).await?;
        Ok(UpdateRolePayload { role: Role(role) })
    }

    /// Puts roles below the viewer's own in order. Needs MANAGE_ROLES.
    async fn move_roles(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The new order.")] input: MoveRolesInput,
    ) -> Result<MoveRolesPayload> {
        let guild = parse_id("guildId", &input.guild_id)?;
        let order = input.role_ids.iter().map(|id| parse_id("roleIds", id));
        let order = order.collect::<Result<Vec<_>, ApiError>>()?;
        let guild = service::move_roles(cx(context), guild, &order).await?;
        Ok(MoveRolesPayload { guild: Guild(guild) })
    }

    /// Deletes a role below the viewer's own. Needs MANAGE_ROLES.
    async fn delete_role(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: DeleteRoleInput,
    ) -> Result<DeleteRolePayload> {
        let guild = service::delete_role(cx(context), parse_id("roleId", &input.role_id)?).await?;
        Ok(DeleteRolePayload {
            role_id: input.role_id,
            guild: Guild(guild),
        })
    }
}
