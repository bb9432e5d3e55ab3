//! Sessions and their refresh tokens.

use chrono::{DateTime, Utc};
use commons_entities::{
    SessionId, UserId,
    user::{refresh_token, session},
};
use commons_platform::{
    ApiError,
    page::{Direction, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Select,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

/// Adds a session.
pub async fn insert_session(db: &impl ConnectionTrait, row: session::Model) -> Result<session::Model, DbErr> {
    session::ActiveModel::from(row).reset_all().insert(db).await
}

/// Adds a refresh token.
pub async fn insert_token(db: &impl ConnectionTrait, row: refresh_token::Model) -> Result<(), DbErr> {
    refresh_token::Entity::insert(refresh_token::ActiveModel::from(row).reset_all())
        .exec_without_returning(db)
        .await
        .map(|_| ())
}

/// A session that is neither revoked nor over.
pub async fn live_session(
    db: &impl ConnectionTrait,
    id: SessionId,
    now: DateTime<Utc>,
) -> Result<Option<session::Model>, DbErr> {
    live(id, now).one(db).await
}

/// A session that is neither revoked nor over, locked until the transaction ends.
pub async fn lock_live_session(
    db: &impl ConnectionTrait,
    id: SessionId,
    now: DateTime<Utc>,
) -> Result<Option<session::Model>, DbErr> {
    live(id, now).lock_exclusive().one(db).await
}

fn live(id: SessionId, now: DateTime<Utc>) -> Select<session::Entity> {
    session::Entity::find_by_id(id)
        .filter(session::Column::RevokedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(now))
}

/// Every session of a user that is still kept, oldest first.
pub async fn all_sessions(db: &impl ConnectionTrait, user: UserId) -> Result<Vec<session::Model>, DbErr> {
    session::Entity::find()
        .filter(session::Column::UserId.eq(user))
        .order_by_asc(session::Column::Id)
        .all(db)
        .await
}

/// Removes all sessions of a user with their tokens, and says which were not revoked yet.
pub async fn end_sessions(db: &impl ConnectionTrait, user: UserId) -> Result<Vec<SessionId>, DbErr> {
    let ids = session::Entity::find()
        .select_only()
        .column(session::Column::Id)
        .filter(session::Column::UserId.eq(user))
        .filter(session::Column::RevokedAt.is_null())
        .into_tuple::<SessionId>()
        .all(db)
        .await?;
    session::Entity::delete_many()
        .filter(session::Column::UserId.eq(user))
        .exec(db)
        .await?;
    Ok(ids)
}

/// A token by its hash.
pub async fn token(db: &impl ConnectionTrait, hash: &[u8]) -> Result<Option<refresh_token::Model>, DbErr> {
    refresh_token::Entity::find_by_id(hash.to_vec()).one(db).await
}

/// Removes the tokens of a session that were given out before a time.
pub async fn delete_old_tokens(
    db: &impl ConnectionTrait,
    session: SessionId,
    before: DateTime<Utc>,
) -> Result<(), DbErr> {
    refresh_token::Entity::delete_many()
        .filter(refresh_token::Column::SessionId.eq(session))
        .filter(refresh_token::Column::IssuedAt.lt(before))
        .exec(db)
        .await
        .map(|_| ())
}

/// Marks a token as used and gives it as it was before; none when it is unknown. Its session must be
/// locked, or two who use it at once both see it unused.
pub async fn use_token(
    db: &impl ConnectionTrait,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<refresh_token::Model>, DbErr> {
    let Some(row) = token(db, hash).await? else {
        return Ok(None);
    };
    if row.used_at.is_none() {
        refresh_token::Entity::update_many()
            .col_expr(refresh_token::Column::UsedAt, Expr::value(now))
            .filter(refresh_token::Column::Hash.eq(hash.to_vec()))
            .exec(db)
            .await?;
    }
    Ok(Some(row))
}

/// Notes that a session was seen and prolongs it.
pub async fn touch_session(
    db: &impl ConnectionTrait,
    id: SessionId,
    address: String,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), DbErr> {
    session::Entity::update_many()
        .col_expr(session::Column::LastSeenAt, Expr::value(now))
        .col_expr(session::Column::ExpiresAt, Expr::value(expires_at))
        .col_expr(session::Column::Address, Expr::value(address))
        .col_expr(session::Column::Rev, Expr::col(session::Column::Rev).add(1))
        .filter(session::Column::Id.eq(id))
        .exec(db)
        .await
        .map(|_| ())
}

/// Ends a live session of a user; false when there is none.
pub async fn revoke_session(
    db: &impl ConnectionTrait,
    user: UserId,
    id: SessionId,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let done = revoke(now)
        .filter(session::Column::UserId.eq(user))
        .filter(session::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(done.rows_affected > 0)
}

/// Ends all live sessions of a user but one, and says which.
pub async fn revoke_other_sessions(
    db: &impl ConnectionTrait,
    user: UserId,
    but: SessionId,
    now: DateTime<Utc>,
) -> Result<Vec<SessionId>, DbErr> {
    let others = session::Column::UserId.eq(user).and(session::Column::Id.ne(but));
    let ids = session::Entity::find()
        .select_only()
        .column(session::Column::Id)
        .filter(others.clone())
        .filter(session::Column::RevokedAt.is_null())
        .into_tuple::<SessionId>()
        .all(db)
        .await?;
    revoke(now).filter(others).exec(db).await?;
    Ok(ids)
}

fn revoke(now: DateTime<Utc>) -> sea_orm::UpdateMany<session::Entity> {
    session::Entity::update_many()
        .col_expr(session::Column::RevokedAt, Expr::value(now))
        .col_expr(session::Column::Rev, Expr::col(session::Column::Rev).add(1))
        .filter(session::Column::RevokedAt.is_null())
}

/// Removes sessions of a user that are over or were revoked, with their tokens.
pub async fn delete_expired(
    db: &impl ConnectionTrait,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    session::Entity::delete_many()
        .filter(session::Column::UserId.eq(user))
        .filter(
            session::Column::ExpiresAt
                .lte(now)
                .or(session::Column::RevokedAt.is_not_null()),
        )
        .exec(db)
        .await
        .map(|_| ())
}

/// The live sessions of a user, newest first: one row more than the page has.
pub async fn page_sessions(
    db: &impl ConnectionTrait,
    user: UserId,
    now: DateTime<Utc>,
    args: &PageArgs,
) -> Result<Vec<session::Model>, ApiError> {
    let mut query = session::Entity::find()
        .filter(session::Column::UserId.eq(user))
        .filter(session::Column::RevokedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(now))
        .limit(args.size + 1);
    query = match args.direction {
        Direction::Forward => query.order_by_desc(session::Column::Id),
        Direction::Backward => query.order_by_asc(session::Column::Id),
    };
    if let Some(key) = args.key::<Uuid>("session")? {
        let key = SessionId(key);
        query = query.filter(match args.direction {
            Direction::Forward => session::Column::Id.lt(key),
            Direction::Backward => session::Column::Id.gt(key),
        });
    }
    Ok(query.all(db).await?)
}
