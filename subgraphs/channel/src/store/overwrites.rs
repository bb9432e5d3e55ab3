//! What channels allow and deny roles and members.

use super::channels::touch_channels;
use crate::service::Target;
use commons_access::ChannelSeat;
use commons_entities::{
    ChannelId, GuildId, UserId,
    channel::{OverwriteTarget, channel, permission_overwrite},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, JoinType, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait, sea_query::OnConflict,
};
use std::collections::HashMap;

/// The overwrites of channels: roles first.
pub async fn overwrites_of(
    db: &impl ConnectionTrait,
    channels: &[ChannelId],
) -> Result<HashMap<ChannelId, Vec<permission_overwrite::Model>>, DbErr> {
    let rows = permission_overwrite::Entity::find()
        .filter(permission_overwrite::Column::ChannelId.is_in(channels.iter().copied()))
        .order_by_desc(permission_overwrite::Column::TargetKind)
        .order_by_asc(permission_overwrite::Column::TargetId)
        .all(db)
        .await?;
    let mut lists: HashMap<ChannelId, Vec<_>> = HashMap::new();
    for row in rows {
        lists.entry(row.channel_id).or_default().push(row);
    }
    Ok(lists)
}

/// What a channel says of a role or a member.
pub async fn overwrite(
    db: &impl ConnectionTrait,
    channel: ChannelId,
    target: Target,
) -> Result<Option<permission_overwrite::Model>, DbErr> {
    let (kind, id) = target.columns();
    permission_overwrite::Entity::find_by_id((channel, kind, id))
        .one(db)
        .await
}

/// How many overwrites a channel has.
pub async fn overwrite_count(db: &impl ConnectionTrait, channel: ChannelId) -> Result<u64, DbErr> {
    permission_overwrite::Entity::find()
        .filter(permission_overwrite::Column::ChannelId.eq(channel))
        .count(db)
        .await
}

/// Adds overwrites.
pub async fn insert_overwrites(
    db: &impl ConnectionTrait,
    rows: Vec<permission_overwrite::Model>,
) -> Result<(), DbErr> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = rows
        .into_iter()
        .map(|row| permission_overwrite::ActiveModel::from(row).reset_all());
    permission_overwrite::Entity::insert_many(rows)
        .exec_without_returning(db)
        .await
        .map(|_| ())
}

/// Gives one channel the overwrites of another.
pub async fn copy_overwrites(db: &impl ConnectionTrait, from: ChannelId, to: ChannelId) -> Result<(), DbErr> {
    let rows = overwrites_of(db, &[from])
        .await?
        .remove(&from)
        .unwrap_or_default();
    let rows = rows.into_iter().map(|row| permission_overwrite::Model {
        channel_id: to,
        ..row
    });
    insert_overwrites(db, rows.collect()).await
}

/// Sets an overwrite of the seat's channel, and gives the channel.
pub async fn put_overwrite(
    db: &impl ConnectionTrait,
    seat: &ChannelSeat,
    row: permission_overwrite::Model,
) -> Result<channel::Model, DbErr> {
    debug_assert_eq!(seat.channel(), row.channel_id, "the proof is for another channel");
    use permission_overwrite::Column::{Allow, ChannelId, Deny, TargetId, TargetKind};
    let key = OnConflict::columns([ChannelId, TargetKind, TargetId])
        .update_columns([Allow, Deny])
        .to_owned();
    permission_overwrite::Entity::insert(permission_overwrite::ActiveModel::from(row).reset_all())
        .on_conflict(key)
        .exec_without_returning(db)
        .await?;
    touched(db, seat).await
}

/// Removes an overwrite of the seat's channel, and gives the channel.
pub async fn delete_overwrite(
    db: &impl ConnectionTrait,
    seat: &ChannelSeat,
    target: Target,
) -> Result<channel::Model, DbErr> {
    let (kind, id) = target.columns();
    permission_overwrite::Entity::delete_by_id((seat.channel(), kind, id))
        .exec(db)
        .await?;
    touched(db, seat).await
}

/// The channels, of those that are not deleted, that say something of a role or a member, each with its
/// guild.
pub async fn channels_with_overwrite_of(
    db: &impl ConnectionTrait,
    target: Target,
) -> Result<Vec<(GuildId, ChannelId)>, DbErr> {
    let (kind, id) = target.columns();
    let of_channel = permission_overwrite::Entity::belongs_to(channel::Entity)
        .from(permission_overwrite::Column::ChannelId)
        .to(channel::Column::Id)
        .into();
    permission_overwrite::Entity::find()
        .select_only()
        .column(channel::Column::GuildId)
        .column(permission_overwrite::Column::ChannelId)
        .join(JoinType::InnerJoin, of_channel)
        .filter(permission_overwrite::Column::TargetKind.eq(kind))
        .filter(permission_overwrite::Column::TargetId.eq(id))
        .filter(channel::Column::DeletedAt.is_null())
        .order_by_asc(channel::Column::GuildId)
        .order_by_asc(channel::Column::Id)
        .into_tuple()
        .all(db)
        .await
}

/// Removes all that channels say of a member, and gives these channels as they are then.
pub async fn delete_overwrites_of(
    db: &impl ConnectionTrait,
    user: UserId,
    channels: &[ChannelId],
) -> Result<Vec<channel::Model>, DbErr> {
    permission_overwrite::Entity::delete_many()
        .filter(permission_overwrite::Column::TargetKind.eq(OverwriteTarget::Member))
        .filter(permission_overwrite::Column::TargetId.eq(user.0))
        .filter(permission_overwrite::Column::ChannelId.is_in(channels.iter().copied()))
        .exec(db)
        .await?;
    touch_channels(db, channels).await
}

/// Removes all that the channels of a guild, deleted ones too, say of a member.
pub async fn delete_overwrites_in(
    db: &impl ConnectionTrait,
    guild: GuildId,
    user: UserId,
) -> Result<(), DbErr> {
    let of_guild = channel::Entity::find()
        .select_only()
        .column(channel::Column::Id)
        .filter(channel::Column::GuildId.eq(guild))
        .into_query();
    permission_overwrite::Entity::delete_many()
        .filter(permission_overwrite::Column::TargetKind.eq(OverwriteTarget::Member))
        .filter(permission_overwrite::Column::TargetId.eq(user.0))
        .filter(permission_overwrite::Column::ChannelId.in_subquery(of_guild))
        .exec(db)
        .await
        .map(drop)
}

/// Removes what is left about a member in channels that are deleted.
pub async fn delete_overwrites_left(db: &impl ConnectionTrait, user: UserId) -> Result<(), DbErr> {
    permission_overwrite::Entity::delete_many()
        .filter(permission_overwrite::Column::TargetKind.eq(OverwriteTarget::Member))
        .filter(permission_overwrite::Column::TargetId.eq(user.0))
        .exec(db)
        .await
        .map(drop)
}

async fn touched(db: &impl ConnectionTrait, seat: &ChannelSeat) -> Result<channel::Model, DbErr> {
    let rows = touch_channels(db, &[seat.channel()]).await?;
    rows.into_iter()
        .next()
        .ok_or_else(|| DbErr::RecordNotFound(seat.channel().to_string()))
}
