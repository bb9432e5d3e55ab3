//! Erasing: whole channels, and what one person wrote, in steps of bounded size.
//!
//! On behalf of the instance: nobody's permission is asked. Each step runs under the lock of its
//! channel's stream.

use chrono::{DateTime, Utc};
use commons_entities::{
    ChannelId, MessageId, UserId,
    message::{message, message_import, message_nonce, reaction},
};
use commons_platform::db::among;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Statement, Value,
    sea_query::{Expr, ExprTrait},
};

/// Removes up to `limit` messages of a channel with all that hangs on them, and says which.
pub async fn erase_some_of_channel(
    db: &impl ConnectionTrait,
    channel: ChannelId,
    limit: u64,
) -> Result<Vec<MessageId>, DbErr> {
    let ids: Vec<MessageId> = message::Entity::find()
        .select_only()
        .column(message::Column::Id)
        .filter(message::Column::ChannelId.eq(channel))
        .order_by_asc(message::Column::Seq)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await?;
    if ids.is_empty() {
        return Ok(ids);
    }
    let used = message::Entity::find()
        .select_only()
        .columns([
            message::Column::AuthorId,
            message::Column::ChannelId,
            message::Column::Nonce,
        ])
        .filter(among(db, message::Column::Id, ids.iter().copied()))
        .filter(message::Column::Nonce.is_not_null())
        .into_query();
    let nonce = Expr::tuple([
        Expr::col(message_nonce::Column::AuthorId),
        Expr::col(message_nonce::Column::ChannelId),
        Expr::col(message_nonce::Column::Nonce),
    ]);
    message_nonce::Entity::delete_many()
        .filter(nonce.in_subquery(used))
        .exec(db)
        .await?;
    message_import::Entity::delete_many()
        .filter(among(db, message_import::Column::MessageId, ids.iter().copied()))
        .exec(db)
        .await?;
    delete_reactions(db, &ids).await?;
    message::Entity::delete_many()
        .filter(among(db, message::Column::Id, ids.iter().copied()))
        .exec(db)
        .await?;
    Ok(ids)
}

/// Up to `limit` messages of an author in a channel that are not deleted, from a time on.
pub async fn of_author(
    db: &impl ConnectionTrait,
    channel: ChannelId,
    author: UserId,
    since: Option<DateTime<Utc>>,
    limit: u64,
) -> Result<Vec<message::Model>, DbErr> {
    let mut found = message::Entity::find()
        .filter(message::Column::ChannelId.eq(channel))
        .filter(message::Column::AuthorId.eq(author))
        .filter(message::Column::DeletedAt.is_null())
        .order_by_desc(message::Column::Seq)
        .limit(limit);
    if let Some(since) = since {
        found = found.filter(message::Column::CreatedAt.gte(since));
    }
    found.all(db).await
}

/// Up to `limit` messages of an author in a channel that are not deleted, behind a place, oldest first.
pub async fn of_author_after(
    db: &impl ConnectionTrait,
    channel: ChannelId,
    author: UserId,
    seq: i64,
    limit: u64,
) -> Result<Vec<message::Model>, DbErr> {
    message::Entity::find()
        .filter(message::Column::ChannelId.eq(channel))
        .filter(message::Column::AuthorId.eq(author))
        .filter(message::Column::Seq.gt(seq))
        .filter(message::Column::DeletedAt.is_null())
        .order_by_asc(message::Column::Seq)
        .limit(limit)
        .all(db)
        .await
}

/// One of these channels in which an author has messages that are not deleted, from a time on.
pub async fn channel_with_author(
    db: &impl ConnectionTrait,
    channels: &[ChannelId],
    author: UserId,
    since: DateTime<Utc>,
) -> Result<Option<ChannelId>, DbErr> {
    message::Entity::find()
        .select_only()
        .column(message::Column::ChannelId)
        .filter(among(db, message::Column::ChannelId, channels.iter().copied()))
        .filter(message::Column::AuthorId.eq(author))
        .filter(message::Column::DeletedAt.is_null())
        .filter(message::Column::CreatedAt.gte(since))
        .limit(1)
        .into_tuple()
        .one(db)
        .await
}

/// The first channel, in the order of ids and from behind `after` on, in which an author has messages
/// that are not deleted. It leaps from channel to channel through an index: there is none by author.
pub async fn next_channel_of_author(
    db: &impl ConnectionTrait,
    author: UserId,
    after: Option<ChannelId>,
) -> Result<Option<ChannelId>, DbErr> {
    const LEAPS: &str = "
        WITH RECURSIVE leap (id) AS (
            SELECT * FROM (SELECT channel_id FROM message WHERE channel_id > $1
                ORDER BY channel_id LIMIT 1) AS first
            UNION ALL
            SELECT (SELECT channel_id FROM message WHERE channel_id > leap.id ORDER BY channel_id LIMIT 1)
            FROM leap WHERE leap.id IS NOT NULL
        )
        SELECT leap.id FROM leap WHERE EXISTS (SELECT 1 FROM message
            WHERE channel_id = leap.id AND author_id = $2 AND deleted_at IS NULL)
        LIMIT 1";
    let after: Value = after.map_or(uuid::Uuid::nil(), |id| id.0).into();
    let leaps = Statement::from_sql_and_values(db.get_database_backend(), LEAPS, [after, author.into()]);
    let row = db.query_one_raw(leaps).await?;
    row.map(|row| row.try_get_by_index(0)).transpose()
}

/// Deletes messages as their author does: the rows stay, without a body.
pub async fn delete_messages(
    db: &impl ConnectionTrait,
    ids: &[MessageId],
    at: DateTime<Utc>,
) -> Result<(), DbErr> {
    delete_reactions(db, ids).await?;
    message::Entity::update_many()
        .col_expr(message::Column::Content, Expr::value(Option::<String>::None))
        .col_expr(
            message::Column::PinnedAt,
            Expr::value(Option::<DateTime<Utc>>::None),
        )
        .col_expr(message::Column::DeletedAt, Expr::value(at))
        .col_expr(message::Column::Rev, Expr::col(message::Column::Rev).add(1))
        .filter(among(db, message::Column::Id, ids.iter().copied()))
        .exec(db)
        .await
        .map(|_| ())
}

/// Up to `limit` reactions of somebody, from behind a place on, in the order of messages.
pub async fn reactions_of(
    db: &impl ConnectionTrait,
    user: UserId,
    after: Option<(MessageId, &str)>,
    limit: u64,
) -> Result<Vec<reaction::Model>, DbErr> {
    let mut found = reaction::Entity::find()
        .filter(reaction::Column::UserId.eq(user))
        .order_by_asc(reaction::Column::MessageId)
        .order_by_asc(reaction::Column::Emoji)
        .limit(limit);
    if let Some((message, emoji)) = after {
        let place = [
            Expr::col(reaction::Column::MessageId),
            Expr::col(reaction::Column::Emoji),
        ];
        let after = [Expr::value(message), Expr::value(emoji)];
        found = found.filter(Expr::tuple(place).gt(Expr::tuple(after)));
    }
    found.all(db).await
}

/// Takes somebody's reactions off these messages, whose revisions rise.
pub async fn erase_reactions(
    db: &impl ConnectionTrait,
    user: UserId,
    messages: &[MessageId],
) -> Result<Vec<reaction::Model>, DbErr> {
    let of_user = || {
        reaction::Entity::find()
            .filter(among(db, reaction::Column::MessageId, messages.iter().copied()))
            .filter(reaction::Column::UserId.eq(user))
    };
    let gone = of_user().all(db).await?;
    reaction::Entity::delete_many()
        .filter(among(db, reaction::Column::MessageId, messages.iter().copied()))
        .filter(reaction::Column::UserId.eq(user))
        .exec(db)
        .await?;
    message::Entity::update_many()
        .col_expr(message::Column::Rev, Expr::col(message::Column::Rev).add(1))
        .filter(among(
            db,
            message::Column::Id,
            gone.iter().map(|row| row.message_id),
        ))
        .exec(db)
        .await?;
    Ok(gone)
}

async fn delete_reactions(db: &impl ConnectionTrait, messages: &[MessageId]) -> Result<(), DbErr> {
    reaction::Entity::delete_many()
        .filter(among(db, reaction::Column::MessageId, messages.iter().copied()))
        .exec(db)
        .await
        .map(|_| ())
}
