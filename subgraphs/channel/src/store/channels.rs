//! Channels. A deleted one is a row that no function here finds.

use chrono::{DateTime, Utc};
use commons_access::{ChannelSeat, GuildSeat};
use commons_content::{ChannelName, Topic};
use commons_entities::{ChannelId, GuildId, channel::channel};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Select, Set,
};
use std::collections::HashMap;

/// Adds a channel.
pub async fn insert_channel(db: &impl ConnectionTrait, row: channel::Model) -> Result<(), DbErr> {
    channel::Entity::insert(channel::ActiveModel::from(row).reset_all())
        .exec_without_returning(db)
        .await
        .map(|_| ())
}

/// The channels of guilds with their revisions, by position.
pub async fn channel_ids_of(
    db: &impl ConnectionTrait,
    guilds: &[GuildId],
) -> Result<HashMap<GuildId, Vec<(ChannelId, i64)>>, DbErr> {
    let rows: Vec<(GuildId, ChannelId, i64)> = live()
        .select_only()
        .columns([
            channel::Column::GuildId,
            channel::Column::Id,
            channel::Column::Rev,
        ])
        .filter(channel::Column::GuildId.is_in(guilds.iter().copied()))
        .order_by_asc(channel::Column::Position)
        .order_by_asc(channel::Column::Id)
        .into_tuple()
        .all(db)
        .await?;
    let mut lists: HashMap<GuildId, Vec<(ChannelId, i64)>> = HashMap::new();
    for (guild, id, rev) in rows {
        lists.entry(guild).or_default().push((id, rev));
    }
    Ok(lists)
}

/// How long a guild's list is, and where its next channel goes.
#[derive(Debug, Clone, Copy)]
pub struct ChannelList {
    /// How many channels.
    pub count: u64,
    /// Behind the last.
    pub next_position: i32,
}

/// The list of a guild.
pub async fn channel_list(db: &impl ConnectionTrait, guild: GuildId) -> Result<ChannelList, DbErr> {
    let (count, last): (i64, Option<i32>) = live()
        .select_only()
        .column_as(channel::Column::Id.count(), "channels")
        .column_as(channel::Column::Position.max(), "last")
        .filter(channel::Column::GuildId.eq(guild))
        .into_tuple()
        .one(db)
        .await?
        .unwrap_or_default();
    Ok(ChannelList {
        count: u64::try_from(count).unwrap_or_default(),
        next_position: last.map_or(0, |last| last + 1),
    })
}

/// Channels by their ids.
pub async fn channels_by_id(
    db: &impl ConnectionTrait,
    ids: &[ChannelId],
) -> Result<Vec<channel::Model>, DbErr> {
    live()
        .filter(channel::Column::Id.is_in(ids.iter().copied()))
        .all(db)
        .await
}

/// What of a channel is changed; an inner none clears.
#[derive(Debug, Default)]
pub struct ChannelChange {
    /// What it is called.
    pub name: Option<ChannelName>,
    /// What is talked about in it.
    pub topic: Option<Option<Topic>>,
    /// Not for everybody's eyes.
    pub nsfw: Option<bool>,
    /// Seconds between two messages of one member.
    pub slowmode_seconds: Option<i32>,
    /// The category it stands under.
    pub parent: Option<Option<ChannelId>>,
}

/// Changes the seat's channel.
pub async fn update_channel(
    db: &impl ConnectionTrait,
    seat: &ChannelSeat,
    change: ChannelChange,
) -> Result<channel::Model, DbErr> {
    let mut next = next_revision(by_id(db, seat.channel()).await?);
    if let Some(name) = change.name {
        next.name = Set(name.into_string());
    }
    if let Some(topic) = change.topic {
        next.topic = Set(topic.map(Topic::into_string).filter(|topic| !topic.is_empty()));
    }
    if let Some(nsfw) = change.nsfw {
        next.nsfw = Set(nsfw);
    }
    if let Some(seconds) = change.slowmode_seconds {
        next.slowmode_seconds = Set(seconds);
    }
    if let Some(parent) = change.parent {
        next.parent_id = Set(parent);
    }
    next.update(db).await
}

/// Puts a channel at another place of the seat's guild.
pub async fn place_channel(
    db: &impl ConnectionTrait,
    seat: &GuildSeat,
    row: channel::Model,
    position: i32,
) -> Result<channel::Model, DbErr> {
    debug_assert_eq!(seat.guild(), row.guild_id, "the proof is for another guild");
    let mut next = next_revision(row);
    next.position = Set(position);
    next.update(db).await
}

/// Closes the seat's channel, or opens it again.
pub async fn set_archived(
    db: &impl ConnectionTrait,
    seat: &ChannelSeat,
    at: Option<DateTime<Utc>>,
) -> Result<channel::Model, DbErr> {
    let mut next = next_revision(by_id(db, seat.channel()).await?);
    next.archived_at = Set(at);
    next.update(db).await
}

/// Closes an imported channel; none when it is closed or gone already.
pub async fn archive_imported(
    db: &impl ConnectionTrait,
    guild: GuildId,
    id: ChannelId,
    at: DateTime<Utc>,
) -> Result<Option<channel::Model>, DbErr> {
    let row = live()
        .filter(channel::Column::Id.eq(id))
        .filter(channel::Column::GuildId.eq(guild))
        .one(db)
        .await?;
    let Some(row) = row.filter(|row| row.archived_at.is_none()) else {
        return Ok(None);
    };
    let mut next = next_revision(row);
    next.archived_at = Set(Some(at));
    next.update(db).await.map(Some)
}

/// Deletes the seat's channel; the row stays for those who refer to it.
pub async fn delete_channel(
    db: &impl ConnectionTrait,
    seat: &ChannelSeat,
    at: DateTime<Utc>,
) -> Result<channel::Model, DbErr> {
    let mut next = next_revision(by_id(db, seat.channel()).await?);
    next.deleted_at = Set(Some(at));
    next.update(db).await
}

/// Takes all channels out from under the seat's channel.
pub async fn orphan_channels(
    db: &impl ConnectionTrait,
    seat: &ChannelSeat,
) -> Result<Vec<channel::Model>, DbErr> {
    let children = live()
        .filter(channel::Column::ParentId.eq(seat.channel()))
        .all(db)
        .await?;
    let mut orphans = Vec::with_capacity(children.len());
    for child in children {
        let mut next = next_revision(child);
        next.parent_id = Set(None);
        orphans.push(next.update(db).await?);
    }
    Ok(orphans)
}

/// Raises channels' revisions, for what changed about them in other rows.
pub(super) async fn touch_channels(
    db: &impl ConnectionTrait,
    ids: &[ChannelId],
) -> Result<Vec<channel::Model>, DbErr> {
    let mut touched = Vec::with_capacity(ids.len());
    for row in channels_by_id(db, ids).await? {
        touched.push(next_revision(row).update(db).await?);
    }
    Ok(touched)
}

fn live() -> Select<channel::Entity> {
    channel::Entity::find().filter(channel::Column::DeletedAt.is_null())
}

async fn by_id(db: &impl ConnectionTrait, id: ChannelId) -> Result<channel::Model, DbErr> {
    let row = live().filter(channel::Column::Id.eq(id)).one(db).await?;
    row.ok_or_else(|| DbErr::RecordNotFound(id.to_string()))
}

fn next_revision(row: channel::Model) -> channel::ActiveModel {
    let rev = row.rev + 1;
    let mut next = channel::ActiveModel::from(row);
    next.rev = Set(rev);
    next
}
