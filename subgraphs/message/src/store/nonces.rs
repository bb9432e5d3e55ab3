//! Nonces: which message a sender's own word became, for 24 hours.

use chrono::{DateTime, Utc};
use commons_entities::{ChannelId, UserId, message::message_nonce};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, Statement,
    Value,
};
use std::collections::HashMap;

const ROWS: usize = 1_000;

/// What names a nonce.
pub type Key = (UserId, ChannelId, String);

/// The rows of these nonces, as far as there are any; one statement.
pub async fn nonces(
    db: &impl ConnectionTrait,
    keys: &[Key],
) -> Result<HashMap<Key, message_nonce::Model>, DbErr> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = message_nonce::Entity::find()
        .filter(message_nonce::Column::AuthorId.is_in(keys.iter().map(|key| key.0)))
        .filter(message_nonce::Column::ChannelId.is_in(keys.iter().map(|key| key.1)))
        .filter(message_nonce::Column::Nonce.is_in(keys.iter().map(|key| key.2.as_str())))
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| ((row.author_id, row.channel_id, row.nonce.clone()), row))
        .collect())
}

/// Adds nonces.
pub async fn insert_nonces(db: &impl ConnectionTrait, rows: Vec<message_nonce::Model>) -> Result<(), DbErr> {
    for rows in rows.chunks(ROWS) {
        let rows = rows
            .iter()
            .cloned()
            .map(|row| message_nonce::ActiveModel::from(row).reset_all());
        message_nonce::Entity::insert_many(rows)
            .exec_without_returning(db)
            .await?;
    }
    Ok(())
}

/// Forgets nonces that were used before `before`, and says how many. In steps that hold nobody up;
/// several processes may do it at once.
pub async fn forget_nonces(db: &impl ConnectionTrait, before: DateTime<Utc>) -> Result<u64, DbErr> {
    const STEP: i64 = 5_000;
    let text = match db.get_database_backend() {
        DbBackend::Postgres => {
            "DELETE FROM message_nonce WHERE ctid = ANY(ARRAY(SELECT ctid FROM message_nonce
                WHERE created_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))"
        }
        _ => {
            "DELETE FROM message_nonce WHERE (author_id, channel_id, nonce) IN (
                SELECT author_id, channel_id, nonce FROM message_nonce WHERE created_at < $1 LIMIT $2)"
        }
    };
    let mut forgotten = 0;
    loop {
        let values: [Value; 2] = [before.into(), STEP.into()];
        let step = Statement::from_sql_and_values(db.get_database_backend(), text, values);
        let done = db.execute_raw(step).await?.rows_affected();
        forgotten += done;
        if done < STEP.unsigned_abs() {
            return Ok(forgotten);
        }
    }
}
