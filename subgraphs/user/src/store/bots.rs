//! Bots: what belongs to an account that is one.

use chrono::{DateTime, Utc};
use commons_entities::{
    SessionId, UserId,
    user::{bot, user},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, Select, sea_query::Expr,
};

/// Adds a bot.
pub async fn insert_bot(db: &impl ConnectionTrait, row: bot::Model) -> Result<(), DbErr> {
    bot::Entity::insert(bot::ActiveModel::from(row).reset_all())
        .exec_without_returning(db)
        .await
        .map(|_| ())
}

/// A bot by the hash of its token.
pub async fn bot_by_token(db: &impl ConnectionTrait, hash: &[u8]) -> Result<Option<bot::Model>, DbErr> {
    bot::Entity::find()
        .filter(bot::Column::TokenHash.eq(hash.to_vec()))
        .one(db)
        .await
}

/// A bot of somebody.
pub async fn own_bot(
    db: &impl ConnectionTrait,
    owner: UserId,
    bot: UserId,
) -> Result<Option<bot::Model>, DbErr> {
    bot::Entity::find_by_id(bot)
        .filter(bot::Column::OwnerId.eq(owner))
        .one(db)
        .await
}

/// How many bots somebody has.
pub async fn count_bots(db: &impl ConnectionTrait, owner: UserId) -> Result<u64, DbErr> {
    bot::Entity::find()
        .filter(bot::Column::OwnerId.eq(owner))
        .count(db)
        .await
}

/// The accounts of somebody's bots, oldest first.
pub async fn bots_of(db: &impl ConnectionTrait, owner: UserId) -> Result<Vec<user::Model>, DbErr> {
    accounts(owner).all(db).await
}

/// As [`bots_of`], locked until the transaction ends.
pub async fn lock_bots_of(db: &impl ConnectionTrait, owner: UserId) -> Result<Vec<user::Model>, DbErr> {
    accounts(owner).lock_exclusive().all(db).await
}

fn accounts(owner: UserId) -> Select<user::Entity> {
    let ids = bot::Entity::find()
        .select_only()
        .column(bot::Column::UserId)
        .filter(bot::Column::OwnerId.eq(owner))
        .into_query();
    user::Entity::find()
        .filter(user::Column::Id.in_subquery(ids))
        .order_by_asc(user::Column::Id)
}

/// Gives a bot another token; the session of the one before is over.
pub async fn set_bot_token(
    db: &impl ConnectionTrait,
    bot: UserId,
    hash: Vec<u8>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    bot::Entity::update_many()
        .col_expr(bot::Column::TokenHash, Expr::value(hash))
        .col_expr(bot::Column::TokenAt, Expr::value(now))
        .col_expr(bot::Column::SessionId, Expr::value(Option::<uuid::Uuid>::None))
        .filter(bot::Column::UserId.eq(bot))
        .exec(db)
        .await
        .map(|_| ())
}

/// Notes the session of a bot.
pub async fn set_bot_session(
    db: &impl ConnectionTrait,
    bot: UserId,
    session: SessionId,
) -> Result<(), DbErr> {
    bot::Entity::update_many()
        .col_expr(bot::Column::SessionId, Expr::value(session))
        .filter(bot::Column::UserId.eq(bot))
        .exec(db)
        .await
        .map(|_| ())
}

/// Removes what belongs to a bot; its account stays.
pub async fn delete_bot(db: &impl ConnectionTrait, bot: UserId) -> Result<(), DbErr> {
    bot::Entity::delete_by_id(bot).exec(db).await.map(|_| ())
}
