//! Which channel an imported one became.

use commons_entities::{ChannelId, GuildId, channel::channel_import};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};
use std::collections::HashMap;

/// All channels of a source that were imported into a guild before.
pub async fn imported_channels(
    db: &impl ConnectionTrait,
    guild: GuildId,
    source: &str,
) -> Result<HashMap<String, ChannelId>, DbErr> {
    let rows = channel_import::Entity::find()
        .filter(channel_import::Column::GuildId.eq(guild))
        .filter(channel_import::Column::Source.eq(source))
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.external_id, row.channel_id))
        .collect())
}

/// Notes which channel an imported one became.
pub async fn remember_channel(db: &impl ConnectionTrait, row: channel_import::Model) -> Result<(), DbErr> {
    channel_import::Entity::insert(channel_import::ActiveModel::from(row).reset_all())
        .exec_without_returning(db)
        .await
        .map(|_| ())
}
