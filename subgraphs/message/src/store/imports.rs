//! Which message an imported one became.

use commons_entities::{ChannelId, MessageId, message::message_import};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};
use std::collections::HashMap;

const ROWS: usize = 1_000;

/// Which of these were imported into the channel before.
pub async fn imported(
    db: &impl ConnectionTrait,
    channel: ChannelId,
    external_ids: &[&str],
) -> Result<HashMap<String, MessageId>, DbErr> {
    let mut found = HashMap::new();
    for ids in external_ids.chunks(ROWS) {
        let rows = message_import::Entity::find()
            .filter(message_import::Column::ChannelId.eq(channel))
            .filter(message_import::Column::ExternalId.is_in(ids.iter().copied()))
            .all(db)
            .await?;
        found.extend(rows.into_iter().map(|row| (row.external_id, row.message_id)));
    }
    Ok(found)
}

/// The message that an imported one became.
pub async fn imported_message(
    db: &impl ConnectionTrait,
    channel: ChannelId,
    external_id: &str,
) -> Result<Option<MessageId>, DbErr> {
    let row = message_import::Entity::find_by_id((channel, external_id.to_owned()))
        .one(db)
        .await?;
    Ok(row.map(|row| row.message_id))
}

/// Notes which messages imported ones became.
pub async fn remember_imports(
    db: &impl ConnectionTrait,
    rows: Vec<message_import::Model>,
) -> Result<(), DbErr> {
    for rows in rows.chunks(ROWS) {
        let rows = rows
            .iter()
            .cloned()
            .map(|row| message_import::ActiveModel::from(row).reset_all());
        message_import::Entity::insert_many(rows)
            .exec_without_returning(db)
            .await?;
    }
    Ok(())
}
