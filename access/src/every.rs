//! The channels of a guild whatever became of them and of it: for domains that erase what was in them.

use commons_entities::{ChannelId, GuildId, channel::channel};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// Up to `limit` channels of a guild in the order of ids, from behind `after` on; also those that are
/// deleted, and those of a guild that is.
///
/// # Errors
/// When the database fails.
pub async fn every_channel(
    db: &impl ConnectionTrait,
    guild: GuildId,
    after: Option<ChannelId>,
    limit: u64,
) -> Result<Vec<ChannelId>, DbErr> {
    let mut channels = channel::Entity::find()
        .select_only()
        .column(channel::Column::Id)
        .filter(channel::Column::GuildId.eq(guild))
        .order_by_asc(channel::Column::Id)
        .limit(limit);
    if let Some(after) = after {
        channels = channels.filter(channel::Column::Id.gt(after));
    }
    channels.into_tuple().all(db).await
}
