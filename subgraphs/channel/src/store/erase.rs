//! Erasing a guild, and an account's traces, in steps of bounded size.
//!
//! Of a guild the ids stay, its own and its channels': another domain finds by them what is its own to
//! erase, whichever of them begins first.

use commons_entities::{
    ChannelId, GuildId, UserId,
    channel::{
        audit_entry, channel, channel_import, guild, guild_ban, guild_member, guild_timeout, invite,
        member_role, permission_overwrite, role,
    },
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

/// How many rows of a table go in one step, about.
const ROWS: u64 = 500;

/// Erases some of what is in a deleted guild; false once there is nothing left.
pub async fn erase_some_of_guild(db: &impl ConnectionTrait, guild: GuildId) -> Result<bool, DbErr> {
    Ok(some::<member_role::Entity>(
        db,
        guild,
        member_role::Column::GuildId,
        member_role::Column::UserId,
    )
    .await?
        || some::<guild_member::Entity>(
            db,
            guild,
            guild_member::Column::GuildId,
            guild_member::Column::UserId,
        )
        .await?
        || some::<guild_timeout::Entity>(
            db,
            guild,
            guild_timeout::Column::GuildId,
            guild_timeout::Column::UserId,
        )
        .await?
        || some::<guild_ban::Entity>(db, guild, guild_ban::Column::GuildId, guild_ban::Column::UserId)
            .await?
        || some::<invite::Entity>(db, guild, invite::Column::GuildId, invite::Column::Id).await?
        || some::<audit_entry::Entity>(db, guild, audit_entry::Column::GuildId, audit_entry::Column::Id)
            .await?
        || some::<channel_import::Entity>(
            db,
            guild,
            channel_import::Column::GuildId,
            channel_import::Column::ChannelId,
        )
        .await?
        || one_channels_overwrites(db, guild).await?
        || some::<role::Entity>(db, guild, role::Column::GuildId, role::Column::Id).await?
        || empty_some_channels(db, guild).await?
        || empty_guild(db, guild).await?)
}

/// Removes some rows of a guild; false when it has none.
async fn some<E: EntityTrait>(
    db: &impl ConnectionTrait,
    guild: GuildId,
    of: E::Column,
    key: E::Column,
) -> Result<bool, DbErr> {
    let keys: Vec<Uuid> = E::find()
        .select_only()
        .column(key)
        .filter(of.eq(guild))
        .order_by_asc(key)
        .limit(ROWS)
        .into_tuple()
        .all(db)
        .await?;
    if keys.is_empty() {
        return Ok(false);
    }
    E::delete_many()
        .filter(of.eq(guild))
        .filter(key.is_in(keys))
        .exec(db)
        .await?;
    Ok(true)
}

async fn one_channels_overwrites(db: &impl ConnectionTrait, guild: GuildId) -> Result<bool, DbErr> {
    let of_channel = permission_overwrite::Entity::belongs_to(channel::Entity)
        .from(permission_overwrite::Column::ChannelId)
        .to(channel::Column::Id)
        .into();
    let next: Option<ChannelId> = permission_overwrite::Entity::find()
        .select_only()
        .column(permission_overwrite::Column::ChannelId)
        .join(JoinType::InnerJoin, of_channel)
        .filter(channel::Column::GuildId.eq(guild))
        .limit(1)
        .into_tuple()
        .one(db)
        .await?;
    let Some(next) = next else { return Ok(false) };
    permission_overwrite::Entity::delete_many()
        .filter(permission_overwrite::Column::ChannelId.eq(next))
        .exec(db)
        .await?;
    Ok(true)
}

/// What is said of channels goes; a channel without a name is done.
async fn empty_some_channels(db: &impl ConnectionTrait, guild: GuildId) -> Result<bool, DbErr> {
    use channel::Column::{GuildId, Id, Name, ParentId, Rev, Topic};
    let ids: Vec<ChannelId> = channel::Entity::find()
        .select_only()
        .column(Id)
        .filter(GuildId.eq(guild))
        .filter(Name.ne(""))
        .limit(ROWS)
        .into_tuple()
        .all(db)
        .await?;
    if ids.is_empty() {
        return Ok(false);
    }
    channel::Entity::update_many()
        .col_expr(Name, Expr::value(""))
        .col_expr(Topic, Expr::value(Option::<String>::None))
        .col_expr(ParentId, Expr::value(Option::<Uuid>::None))
        .col_expr(Rev, Expr::col(Rev).add(1))
        .filter(Id.is_in(ids))
        .exec(db)
        .await?;
    Ok(true)
}

async fn empty_guild(db: &impl ConnectionTrait, id: GuildId) -> Result<bool, DbErr> {
    use guild::Column::{Description, IconUrl, Id, Name, OwnerId, Rev};
    let done = guild::Entity::update_many()
        .col_expr(Name, Expr::value(""))
        .col_expr(Description, Expr::value(Option::<String>::None))
        .col_expr(IconUrl, Expr::value(Option::<String>::None))
        .col_expr(OwnerId, Expr::value(Uuid::nil()))
        .col_expr(Rev, Expr::col(Rev).add(1))
        .filter(Id.eq(id))
        .filter(Name.ne(""))
        .exec(db)
        .await?;
    Ok(done.rows_affected > 0)
}

/// Who has the highest rank in a guild besides one, and among equals came first.
pub async fn highest_member(
    db: &impl ConnectionTrait,
    guild: GuildId,
    besides: UserId,
) -> Result<Option<UserId>, DbErr> {
    let of_role = member_role::Entity::belongs_to(role::Entity)
        .from(member_role::Column::RoleId)
        .to(role::Column::Id)
        .into();
    let of_member = member_role::Entity::belongs_to(guild_member::Entity)
        .from((member_role::Column::GuildId, member_role::Column::UserId))
        .to((guild_member::Column::GuildId, guild_member::Column::UserId))
        .into();
    let ranked = member_role::Entity::find()
        .select_only()
        .column(member_role::Column::UserId)
        .join(JoinType::InnerJoin, of_role)
        .join(JoinType::InnerJoin, of_member)
        .filter(member_role::Column::GuildId.eq(guild))
        .filter(member_role::Column::UserId.ne(besides))
        .order_by_desc(role::Column::Position)
        .order_by_asc(guild_member::Column::JoinedAt)
        .order_by_asc(member_role::Column::UserId)
        .limit(1)
        .into_tuple()
        .one(db)
        .await?;
    if ranked.is_some() {
        return Ok(ranked);
    }
    guild_member::Entity::find()
        .select_only()
        .column(guild_member::Column::UserId)
        .filter(guild_member::Column::GuildId.eq(guild))
        .filter(guild_member::Column::UserId.ne(besides))
        .order_by_asc(guild_member::Column::JoinedAt)
        .order_by_asc(guild_member::Column::UserId)
        .limit(1)
        .into_tuple()
        .one(db)
        .await
}

/// Removes what is kept of somebody in guilds that they are not in.
pub async fn forget_user_in_guilds(db: &impl ConnectionTrait, user: UserId) -> Result<(), DbErr> {
    guild_ban::Entity::delete_many()
        .filter(guild_ban::Column::UserId.eq(user))
        .exec(db)
        .await?;
    guild_timeout::Entity::delete_many()
        .filter(guild_timeout::Column::UserId.eq(user))
        .exec(db)
        .await
        .map(drop)
}
