//! Which message an imported one became.

use commons_entities::{ChannelId, MessageId, message::message_import};
use commons_platform::db::among;
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
            .filter(among(db, message_import::Column::ExternalId, ids.iter().copied()))
            .all(db)
            .await?;
        found.extend(rows.into_iter().map(|row| (row.external_id, row.message_id)));
    }
    Ok(found)
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
