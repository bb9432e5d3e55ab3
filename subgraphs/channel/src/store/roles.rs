//! Roles.

use super::channels::touch_channels;
use crate::loaders::RoleRow;
use commons_access::{GuildSeat, Permissions};
use commons_content::RoleName;
use commons_entities::{
    ChannelId, GuildId, RoleId,
    channel::{OverwriteTarget, channel, member_role, permission_overwrite, role},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, Set,
    sea_query::{Expr, ExprTrait},
};
use std::{collections::HashMap, sync::Arc};

/// Adds a role.
pub async fn insert_role(db: &impl ConnectionTrait, row: role::Model) -> Result<(), DbErr> {
    role::Entity::insert(role::ActiveModel::from(row).reset_all())
        .exec_without_returning(db)
        .await
        .map(|_| ())
}

/// The roles of guilds, highest first.
pub async fn roles_of(
    db: &impl ConnectionTrait,
    guilds: &[GuildId],
) -> Result<HashMap<GuildId, Vec<Arc<RoleRow>>>, DbErr> {
    let rows = role::Entity::find()
        .filter(role::Column::GuildId.is_in(guilds.iter().copied()))
        .order_by_desc(role::Column::Position)
        .order_by_desc(role::Column::Id)
        .all(db)
        .await?;
    let mut lists: HashMap<GuildId, Vec<Arc<RoleRow>>> = HashMap::new();
    for row in rows {
        lists
            .entry(row.guild_id)
            .or_default()
            .push(Arc::new(RoleRow(row)));
    }
    Ok(lists)
}

/// All roles of one guild.
pub async fn all_roles(db: &impl ConnectionTrait, guild: GuildId) -> Result<Vec<role::Model>, DbErr> {
    role::Entity::find()
        .filter(role::Column::GuildId.eq(guild))
        .all(db)
        .await
}

/// A role of a guild.
pub async fn role_in(
    db: &impl ConnectionTrait,
    guild: GuildId,
    id: RoleId,
) -> Result<Option<role::Model>, DbErr> {
    role::Entity::find_by_id(id)
        .filter(role::Column::GuildId.eq(guild))
        .one(db)
        .await
}

/// Moves all roles of the seat's guild but `@everyone` one up, and gives them.
pub async fn make_room_for_role(
    db: &impl ConnectionTrait,
    seat: &GuildSeat,
) -> Result<Vec<role::Model>, DbErr> {
    let above = role::Column::GuildId
        .eq(seat.guild())
        .and(role::Column::Position.gt(0));
    role::Entity::update_many()
        .col_expr(role::Column::Position, Expr::col(role::Column::Position).add(1))
        .col_expr(role::Column::Rev, Expr::col(role::Column::Rev).add(1))
        .filter(above.clone())
        .exec(db)
        .await?;
    role::Entity::find().filter(above).all(db).await
}

/// What of a role is changed; an inner none clears.
#[derive(Debug, Default)]
pub struct RoleChange {
    /// What it is called.
    pub name: Option<RoleName>,
    /// What those who hold it may do.
    pub permissions: Option<Permissions>,
    /// 0xRRGGBB.
    pub color: Option<Option<i32>>,
    /// Its members are listed apart.
    pub hoist: Option<bool>,
    /// Anybody may mention it.
    pub mentionable: Option<bool>,
}

/// Changes a role of the seat's guild.
pub async fn update_role(
    db: &impl ConnectionTrait,
    seat: &GuildSeat,
    row: role::Model,
    change: RoleChange,
) -> Result<role::Model, DbErr> {
    debug_assert_eq!(seat.guild(), row.guild_id, "the proof is for another guild");
    let mut next = next_revision(row);
    if let Some(name) = change.name {
        next.name = Set(name.into_string());
    }
    if let Some(permissions) = change.permissions {
        next.permissions = Set(permissions.to_row());
    }
    if let Some(color) = change.color {
        next.color = Set(color);
    }
    if let Some(hoist) = change.hoist {
        next.hoist = Set(hoist);
    }
    if let Some(mentionable) = change.mentionable {
        next.mentionable = Set(mentionable);
    }
    next.update(db).await
}

/// Puts a role at another place of the seat's guild.
pub async fn place_role(
    db: &impl ConnectionTrait,
    seat: &GuildSeat,
    row: role::Model,
    position: i32,
) -> Result<role::Model, DbErr> {
    debug_assert_eq!(seat.guild(), row.guild_id, "the proof is for another guild");
    let mut next = next_revision(row);
    next.position = Set(position);
    next.update(db).await
}

/// Deletes a role of the seat's guild with all that refers to it, and gives the channels whose
/// overwrites it took along.
pub async fn delete_role(
    db: &impl ConnectionTrait,
    seat: &GuildSeat,
    row: &role::Model,
    channels: &[ChannelId],
) -> Result<Vec<channel::Model>, DbErr> {
    debug_assert_eq!(seat.guild(), row.guild_id, "the proof is for another guild");
    member_role::Entity::delete_many()
        .filter(member_role::Column::RoleId.eq(row.id))
        .exec(db)
        .await?;
    permission_overwrite::Entity::delete_many()
        .filter(permission_overwrite::Column::TargetKind.eq(OverwriteTarget::Role))
        .filter(permission_overwrite::Column::TargetId.eq(row.id.0))
        .exec(db)
        .await?;
    role::Entity::delete_by_id(row.id).exec(db).await?;
    touch_channels(db, channels).await
}

fn next_revision(row: role::Model) -> role::ActiveModel {
    let rev = row.rev + 1;
    let mut next = role::ActiveModel::from(row);
    next.rev = Set(rev);
    next
}
