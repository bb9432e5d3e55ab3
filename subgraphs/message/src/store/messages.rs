//! Messages. A deleted one is in none of the lists.

use commons_access::ChannelSeat;
use commons_entities::{ChannelId, MessageId, UserId, message::message};
use commons_platform::{
    ApiError,
    page::{Direction, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait},
};
use std::collections::{HashMap, HashSet};

/// How many rows go into one statement: SQLite binds at most 32,766 values.
const ROWS: usize = 1_000;
/// How many subqueries go into one statement.
const CHANNELS: usize = 200;

/// A page of a channel's history in the direction of reading: one row more than the page has.
pub async fn page(
    db: &impl ConnectionTrait,
    seat: &ChannelSeat,
    args: &PageArgs,
) -> Result<Vec<message::Model>, ApiError> {
    let mut query = in_channel(seat.channel()).limit(args.size + 1);
    let from = args.key::<i64>("message")?;
    query = match args.direction {
        Direction::Forward => query.order_by_asc(message::Column::Seq),
        Direction::Backward => query.order_by_desc(message::Column::Seq),
    };
    if let Some(seq) = from {
        query = query.filter(match args.direction {
            Direction::Forward => message::Column::Seq.gt(seq),
            Direction::Backward => message::Column::Seq.lt(seq),
        });
    }
    Ok(query.all(db).await?)
}

/// Up to `before` messages before a place and up to `after` from it on, oldest first; one row more on
/// each side says whether there is more.
pub async fn around(
    db: &impl ConnectionTrait,
    seat: &ChannelSeat,
    seq: i64,
    before: u64,
    after: u64,
) -> Result<(Vec<message::Model>, Vec<message::Model>), DbErr> {
    let earlier = in_channel(seat.channel())
        .filter(message::Column::Seq.lt(seq))
        .order_by_desc(message::Column::Seq)
        .limit(before + 1)
        .all(db)
        .await?;
    let later = in_channel(seat.channel())
        .filter(message::Column::Seq.gte(seq))
        .order_by_asc(message::Column::Seq)
        .limit(after + 1)
        .all(db)
        .await?;
    Ok((earlier, later))
}

/// The newest message of each of these channels, as far as they have one. Who may read them is to be
/// settled before.
pub async fn lasts(
    db: &impl ConnectionTrait,
    channels: &[ChannelId],
) -> Result<HashMap<ChannelId, message::Model>, DbErr> {
    let mut found = HashMap::with_capacity(channels.len());
    for channels in channels.chunks(CHANNELS) {
        let newest = channels.iter().map(|channel| {
            let newest = in_channel(*channel).select_only().column(message::Column::Id);
            let newest = newest.order_by_desc(message::Column::Seq).limit(1).into_query();
            Expr::SubQuery(None, Box::new(newest.into()))
        });
        let rows = message::Entity::find()
            .filter(Expr::col((message::Entity, message::Column::Id)).is_in(newest))
            .all(db)
            .await?;
        found.extend(rows.into_iter().map(|row| (row.channel_id, row)));
    }
    Ok(found)
}

/// The pinned messages of a channel, the newest pin first.
pub async fn pinned(
    db: &impl ConnectionTrait,
    seat: &ChannelSeat,
    limit: u64,
) -> Result<Vec<message::Model>, DbErr> {
    in_channel(seat.channel())
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
        .filter(message::Column::Id.is_in(ids.iter().copied()))
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
        .filter(message::Column::Id.is_in(ids.iter().copied()))
        .filter(message::Column::DeletedAt.is_null())
        .into_tuple::<(MessageId, ChannelId)>()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}

/// When each of these authors last wrote in the channel; deleted messages count.
pub async fn last_by_authors(
    db: &impl ConnectionTrait,
    channel: ChannelId,
    authors: &HashSet<UserId>,
) -> Result<HashMap<UserId, chrono::DateTime<chrono::Utc>>, DbErr> {
    let rows = message::Entity::find()
        .select_only()
        .column(message::Column::AuthorId)
        .column_as(message::Column::CreatedAt.max(), "last")
        .filter(message::Column::ChannelId.eq(channel))
        .filter(message::Column::AuthorId.is_in(authors.iter().copied()))
        .group_by(message::Column::AuthorId)
        .into_tuple::<(UserId, chrono::DateTime<chrono::Utc>)>()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
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
