//! Reading exports: by their owner alone, until they expire.

use chrono::{DateTime, Utc};
use commons_entities::{
    ExportId, UserId,
    job::{ShareState, data_export, data_export_part, data_export_share},
};
use commons_platform::{
    ApiError,
    page::{Direction, PageArgs},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::ExprTrait,
};
use uuid::Uuid;

/// The list that cursors of [`page`] belong to.
pub const EXPORT_LIST: &str = "export";
/// The list that cursors of [`page_parts`] belong to; a key is the owner and the number.
pub const PARTS_LIST: &str = "export-part";

/// How far an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Being gathered.
    Running,
    /// All there.
    Ready,
    /// Something could not be gathered; what is there can be read.
    Incomplete,
}

/// An export of an account.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &impl ConnectionTrait,
    id: ExportId,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Option<data_export::Model>, DbErr> {
    data_export::Entity::find_by_id(id)
        .filter(data_export::Column::UserId.eq(user))
        .filter(data_export::Column::ExpiresAt.gt(now))
        .one(db)
        .await
}

/// The newest export of an account.
///
/// # Errors
/// When the database fails.
pub async fn newest(db: &impl ConnectionTrait, user: UserId) -> Result<Option<data_export::Model>, DbErr> {
    data_export::Entity::find()
        .filter(data_export::Column::UserId.eq(user))
        .order_by_desc(data_export::Column::Id)
        .one(db)
        .await
}

/// The exports of an account, newest first: one row more than the page has.
///
/// # Errors
/// When the cursor is of another list, or the database fails.
pub async fn page(
    db: &impl ConnectionTrait,
    user: UserId,
    now: DateTime<Utc>,
    args: &PageArgs,
) -> Result<Vec<data_export::Model>, ApiError> {
    let mut query = data_export::Entity::find()
        .filter(data_export::Column::UserId.eq(user))
        .filter(data_export::Column::ExpiresAt.gt(now))
        .limit(args.size + 1);
    query = match args.direction {
        Direction::Forward => query.order_by_desc(data_export::Column::Id),
        Direction::Backward => query.order_by_asc(data_export::Column::Id),
    };
    if let Some(key) = args.key::<Uuid>(EXPORT_LIST)? {
        let key = ExportId(key);
        query = query.filter(match args.direction {
            Direction::Forward => data_export::Column::Id.lt(key),
            Direction::Backward => data_export::Column::Id.gt(key),
        });
    }
    Ok(query.all(db).await?)
}

/// How far exports are, in their order: one statement for a page of them.
///
/// # Errors
/// When the database fails.
pub async fn states(db: &impl ConnectionTrait, exports: &[data_export::Model]) -> Result<Vec<State>, DbErr> {
    let failed: Vec<ExportId> = data_export_share::Entity::find()
        .select_only()
        .column(data_export_share::Column::ExportId)
        .filter(data_export_share::Column::ExportId.is_in(exports.iter().map(|export| export.id)))
        .filter(data_export_share::Column::State.eq(ShareState::Failed))
        .into_tuple()
        .all(db)
        .await?;
    let state = |export: &data_export::Model| match export.finished_at {
        None => State::Running,
        Some(_) if failed.contains(&export.id) => State::Incomplete,
        Some(_) => State::Ready,
    };
    Ok(exports.iter().map(state).collect())
}

/// The documents of a finished export in their order, forward: one row more than the page has. While it
/// is being gathered there are none, so that no page misses what is written behind its reader.
///
/// # Errors
/// When the cursor is of another list, or the database fails.
pub async fn page_parts(
    db: &impl ConnectionTrait,
    export: &data_export::Model,
    args: &PageArgs,
) -> Result<Vec<data_export_part::Model>, ApiError> {
    use data_export_part::Column;
    let mut query = data_export_part::Entity::find()
        .filter(Column::ExportId.eq(export.id))
        .order_by_asc(Column::Owner)
        .order_by_asc(Column::Number)
        .limit(args.size + 1);
    if let Some((owner, number)) = args.key::<(String, i64)>(PARTS_LIST)? {
        let further = Column::Owner.eq(owner.as_str()).and(Column::Number.gt(number));
        query = query.filter(Column::Owner.gt(owner.as_str()).or(further));
    }
    if export.finished_at.is_none() {
        return Ok(Vec::new());
    }
    Ok(query.all(db).await?)
}
