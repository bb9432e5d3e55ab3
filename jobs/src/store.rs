//! Every query of the job table.

use crate::{Effect, Owner};
use chrono::{DateTime, Utc};
use commons_entities::job::job;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Select, UpdateMany,
    sea_query::{Expr, ExprTrait, LockBehavior, LockType},
};
use uuid::Uuid;

/// How many rows go into one statement: ten values each, and SQLite takes 32,766.
const ROWS: usize = 1000;

/// Adds jobs.
pub(crate) async fn insert(tx: &impl ConnectionTrait, rows: Vec<job::Model>) -> Result<(), DbErr> {
    for some in rows.chunks(ROWS) {
        let rows = some
            .iter()
            .cloned()
            .map(|row| job::ActiveModel::from(row).reset_all());
        job::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// How many jobs of an owner nobody works on and could begin now.
pub(crate) async fn count_due(
    db: &impl ConnectionTrait,
    owner: Owner,
    now: DateTime<Utc>,
) -> Result<u64, DbErr> {
    due(owner, now).count(db).await
}

/// Since when the job waits that waits longest, of those that could begin now.
pub(crate) async fn oldest_due(
    db: &impl ConnectionTrait,
    owner: Owner,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, DbErr> {
    let first = due(owner, now)
        .select_only()
        .column(job::Column::RunAt)
        .order_by_asc(job::Column::RunAt)
        .limit(1);
    first.into_tuple().one(db).await
}

/// Whether an owner has anything to do now.
pub(crate) async fn is_due(
    db: &impl ConnectionTrait,
    owner: Owner,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let first = due(owner, now).select_only().column(job::Column::Id).limit(1);
    Ok(first.into_tuple::<Uuid>().one(db).await?.is_some())
}

/// Takes the job that waited longest, as it was before; none when there is nothing to do. Jobs that
/// another transaction is just taking are passed over.
pub(crate) async fn claim(
    tx: &impl ConnectionTrait,
    owner: Owner,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<job::Model>, DbErr> {
    let next = due(owner, now)
        .order_by_asc(job::Column::RunAt)
        .order_by_asc(job::Column::Id)
        .limit(1)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    let Some(row) = next.one(tx).await? else {
        return Ok(None);
    };
    job::Entity::update_many()
        .col_expr(job::Column::ClaimedUntil, Expr::value(until))
        .col_expr(job::Column::Attempts, Expr::col(job::Column::Attempts).add(1))
        .filter(job::Column::Id.eq(row.id))
        .exec(tx)
        .await?;
    Ok(Some(row))
}

/// Removes a job; false when the claim is lost.
pub(crate) async fn remove(tx: &impl ConnectionTrait, id: Uuid, claim: DateTime<Utc>) -> Result<bool, DbErr> {
    let done = job::Entity::delete_many()
        .filter(job::Column::Id.eq(id))
        .filter(job::Column::ClaimedUntil.eq(claim))
        .exec(tx)
        .await?;
    Ok(done.rows_affected > 0)
}

/// Puts a job back behind those that wait: its step succeeded, and there is more. False when the claim
/// is lost.
pub(crate) async fn put_back(
    tx: &impl ConnectionTrait,
    id: Uuid,
    claim: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let back = release()
        .col_expr(job::Column::Attempts, Expr::value(0))
        .col_expr(job::Column::RunAt, Expr::value(now));
    held(tx, back, id, claim).await
}

/// Puts a job back for another attempt; false when the claim is lost.
pub(crate) async fn retry(
    tx: &impl ConnectionTrait,
    id: Uuid,
    claim: DateTime<Utc>,
    at: DateTime<Utc>,
    error: &str,
) -> Result<bool, DbErr> {
    let back = release()
        .col_expr(job::Column::RunAt, Expr::value(at))
        .col_expr(job::Column::LastError, Expr::value(error));
    held(tx, back, id, claim).await
}

/// Gives a job up; false when the claim is lost.
pub(crate) async fn give_up(
    tx: &impl ConnectionTrait,
    id: Uuid,
    claim: DateTime<Utc>,
    now: DateTime<Utc>,
    error: &str,
) -> Result<bool, DbErr> {
    let failed = release()
        .col_expr(job::Column::FailedAt, Expr::value(now))
        .col_expr(job::Column::LastError, Expr::value(error));
    held(tx, failed, id, claim).await
}

fn due(owner: Owner, now: DateTime<Utc>) -> Select<job::Entity> {
    let free = Condition::any()
        .add(job::Column::ClaimedUntil.is_null())
        .add(job::Column::ClaimedUntil.lte(now));
    job::Entity::find()
        .filter(job::Column::Owner.eq(owner.as_str()))
        .filter(job::Column::RunAt.lte(now))
        .filter(job::Column::FailedAt.is_null())
        .filter(job::Column::Kind.is_in(Effect::KINDS))
        .filter(free)
}

fn release() -> UpdateMany<job::Entity> {
    job::Entity::update_many().col_expr(
        job::Column::ClaimedUntil,
        Expr::value(Option::<DateTime<Utc>>::None),
    )
}

/// Changes a job that is still ours: another worker's claim ends later than ours did.
async fn held(
    tx: &impl ConnectionTrait,
    change: UpdateMany<job::Entity>,
    id: Uuid,
    claim: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let done = change
        .filter(job::Column::Id.eq(id))
        .filter(job::Column::ClaimedUntil.eq(claim))
        .exec(tx)
        .await?;
    Ok(done.rows_affected > 0)
}
