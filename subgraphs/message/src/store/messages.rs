//! Messages. A deleted one is in none of the lists. Pages are in `page`.

use commons_access::{ChannelReader, ChannelSeat};
use commons_entities::{ChannelId, MessageId, UserId, message::message};
use commons_platform::db::among;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Select, Statement, Value,
};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// How many rows go into one statement: SQLite binds at most 32,766 values.
const ROWS: usize = 1_000;

/// The pinned messages of a channel, the newest pin first.
pub async fn pinned(
    db: &impl ConnectionTrait,
    reader: &ChannelReader,
    limit: u64,
) -> Result<Vec<message::Model>, DbErr> {
    in_channel(reader.channel())
        .filter(message::Column::PinnedAt.is_not_null())
        .order_by_desc(message::Column::PinnedAt)
        .order_by_desc(message::Column::Seq)
        .limit(limit)
        .all(db)
        .await
}

/// How many messages of a channel are pinned.
pub async fn count_pins(db: &impl ConnectionTrait, seat: &ChannelSeat) -> Result<u64, DbErr> {
    in_channel(seat.channel())
        .filter(message::Column::PinnedAt.is_not_null())
        .count(db)
        .await
}

/// A message, also a deleted one.
pub async fn find(db: &impl ConnectionTrait, id: MessageId) -> Result<Option<message::Model>, DbErr> {
    message::Entity::find_by_id(id).one(db).await
}

/// Messages by their ids, also deleted ones.
pub async fn by_ids(
    db: &impl ConnectionTrait,
    ids: &[MessageId],
) -> Result<HashMap<MessageId, message::Model>, DbErr> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = message::Entity::find()
        .filter(among(db, message::Column::Id, ids.iter().copied()))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Which of these messages are there and not deleted, with their channels.
pub async fn existing(
    db: &impl ConnectionTrait,
    ids: &HashSet<MessageId>,
) -> Result<HashMap<MessageId, ChannelId>, DbErr> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = message::Entity::find()
        .select_only()
        .columns([message::Column::Id, message::Column::ChannelId])
        .filter(among(db, message::Column::Id, ids.iter().copied()))
        .filter(message::Column::DeletedAt.is_null())
        .into_tuple::<(MessageId, ChannelId)>()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}

/// For PostgreSQL, in one statement.
const LAST_OF: &str = "
SELECT author.id, last.created_at FROM UNNEST($2::uuid[]) AS author (id) CROSS JOIN LATERAL (
    SELECT created_at FROM message WHERE channel_id = $1 AND author_id = author.id ORDER BY seq DESC LIMIT 1
) AS last";

/// When each of these authors last wrote in the channel; deleted messages count. However much they wrote,
/// one row of each is read.
pub async fn last_by_authors(
    db: &impl ConnectionTrait,
    channel: ChannelId,
    authors: &HashSet<UserId>,
) -> Result<HashMap<UserId, chrono::DateTime<chrono::Utc>>, DbErr> {
    let mut last = HashMap::with_capacity(authors.len());
    if db.get_database_backend() == DbBackend::Postgres {
        let authors: Vec<Uuid> = authors.iter().map(|author| author.0).collect();
        let values: [Value; 2] = [channel.into(), authors.into()];
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, LAST_OF, values);
        for row in db.query_all_raw(statement).await? {
            last.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        }
        return Ok(last);
    }
    for author in authors {
        let row = message::Entity::find()
            .select_only()
            .column(message::Column::CreatedAt)
            .filter(message::Column::ChannelId.eq(channel))
            .filter(message::Column::AuthorId.eq(*author))
            .order_by_desc(message::Column::Seq)
            .limit(1)
            .into_tuple::<chrono::DateTime<chrono::Utc>>()
            .one(db)
            .await?;
        last.extend(row.map(|at| (*author, at)));
    }
    Ok(last)
}

/// Adds messages. Each was proved by a seat before: see `service::send` and `service::import`.
pub async fn insert_messages(db: &impl ConnectionTrait, rows: &[message::Model]) -> Result<(), DbErr> {
    for rows in rows.chunks(ROWS) {
        let rows = rows
            .iter()
            .cloned()
            .map(|row| message::ActiveModel::from(row).reset_all());
        message::Entity::insert_many(rows)
            .exec_without_returning(db)
            .await?;
    }
    Ok(())
}

/// Replaces a message's row; its revision has been raised by the caller.
pub async fn update(db: &impl ConnectionTrait, _: &ChannelSeat, row: &message::Model) -> Result<(), DbErr> {
    message::ActiveModel::from(row.clone())
        .reset_all()
        .update(db)
        .await
        .map(|_| ())
}

/// Replaces an imported message's row, on behalf of the instance's administrator at the console.
pub async fn update_imported(db: &impl ConnectionTrait, row: &message::Model) -> Result<(), DbErr> {
    message::ActiveModel::from(row.clone())
        .reset_all()
        .update(db)
        .await
        .map(|_| ())
}

fn in_channel(channel: ChannelId) -> Select<message::Entity> {
    message::Entity::find()
        .filter(message::Column::ChannelId.eq(channel))
        .filter(message::Column::DeletedAt.is_null())
}
