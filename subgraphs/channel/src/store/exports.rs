//! What an account's export reads.

use commons_entities::{
    GuildId, InviteId, UserId,
    channel::{guild, guild_member, invite, member_role, role},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
};
use std::collections::HashMap;

/// A membership: the guild, the member, the names of the roles they hold.
pub type Membership = (guild::Model, guild_member::Model, Vec<String>);

/// A user's memberships behind a guild, in the order of the guilds.
pub async fn memberships_after(
    db: &impl ConnectionTrait,
    user: UserId,
    after: GuildId,
    most: u64,
) -> Result<Vec<Membership>, DbErr> {
    let members = guild_member::Entity::find()
        .filter(guild_member::Column::UserId.eq(user))
        .filter(guild_member::Column::GuildId.gt(after))
        .order_by_asc(guild_member::Column::GuildId)
        .limit(most)
        .all(db)
        .await?;
    let ids: Vec<GuildId> = members.iter().map(|member| member.guild_id).collect();
    let guilds = guild::Entity::find()
        .filter(guild::Column::Id.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    let mut guilds: HashMap<GuildId, guild::Model> = guilds.into_iter().map(|row| (row.id, row)).collect();
    let of_role = member_role::Entity::belongs_to(role::Entity)
        .from(member_role::Column::RoleId)
        .to(role::Column::Id)
        .into();
    let held: Vec<(GuildId, String)> = member_role::Entity::find()
        .select_only()
        .column(member_role::Column::GuildId)
        .column(role::Column::Name)
        .join(JoinType::InnerJoin, of_role)
        .filter(member_role::Column::UserId.eq(user))
        .filter(member_role::Column::GuildId.is_in(ids))
        .order_by_desc(role::Column::Position)
        .into_tuple()
        .all(db)
        .await?;
    let mut roles: HashMap<GuildId, Vec<String>> = HashMap::new();
    for (guild, name) in held {
        roles.entry(guild).or_default().push(name);
    }
    let whole = members.into_iter().filter_map(|member| {
        let id = member.guild_id;
        Some((guilds.remove(&id)?, member, roles.remove(&id).unwrap_or_default()))
    });
    Ok(whole.collect())
}

/// The invites that a user made, behind one, in the order of their making.
pub async fn invites_after(
    db: &impl ConnectionTrait,
    user: UserId,
    after: InviteId,
    most: u64,
) -> Result<Vec<invite::Model>, DbErr> {
    invite::Entity::find()
        .filter(invite::Column::CreatorId.eq(user))
        .filter(invite::Column::Id.gt(after))
        .order_by_asc(invite::Column::Id)
        .limit(most)
        .all(db)
        .await
}
