//! Users as far as guilds are concerned.

use chrono::{DateTime, Utc};
use commons_entities::{UserId, channel::guild_user};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter,
    sea_query::{Expr, OnConflict, Query},
};

/// Locks a user's row until the transaction ends, making it when it is missing, and gives since when
/// the account is erased.
///
/// Whoever counts a user's guilds to add one waits here for the others who do.
pub async fn lock_user(db: &impl ConnectionTrait, user: UserId) -> Result<Option<DateTime<Utc>>, DbErr> {
    use guild_user::Column::{ErasedAt, UserId as Id};
    // An update that changes nothing: it locks on both databases, and needs no row to be there.
    let same = OnConflict::column(Id).update_column(Id).to_owned();
    let locked = Query::insert()
        .into_table(guild_user::Entity)
        .columns([Id])
        .values_panic([user.0.into()])
        .on_conflict(same)
        .returning_col(ErasedAt)
        .to_owned();
    let row = db.query_one(&locked).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound(user.to_string()))?;
    row.try_get_by_index(0)
}

/// From now on the user joins nothing.
pub async fn erase_user(db: &impl ConnectionTrait, user: UserId, at: DateTime<Utc>) -> Result<(), DbErr> {
    lock_user(db, user).await?;
    guild_user::Entity::update_many()
        .col_expr(guild_user::Column::ErasedAt, Expr::value(at))
        .filter(guild_user::Column::UserId.eq(user))
        .exec(db)
        .await
        .map(drop)
}
