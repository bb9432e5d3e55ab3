//! The statements over the log of changes: forward from a version, backward from its end, sessions alone,
//! and what is too old to matter.

use crate::{Change, Subject, rows::among};
use chrono::{DateTime, Utc};
use commons_entities::access::access_change::{Column, Entity, Model};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, LockBehavior, LockType, Query},
};

/// How many rows are read at a time.
pub(super) const PAGE: usize = 1000;

/// With which the subject of a session begins.
const SESSIONS: &str = "session:";

/// Where a reader of pages is: behind a row, none before the first page.
pub(super) type Place = Option<(i64, String)>;

/// The next rows above a version, oldest first.
pub(super) async fn after(
    db: &impl ConnectionTrait,
    version: i64,
    place: &Place,
) -> Result<Vec<Model>, DbErr> {
    forward(db, Condition::all(), version, place).await
}

/// The sessions that were revoked above a version.
pub(super) async fn sessions_above(db: &impl ConnectionTrait, version: i64) -> Result<Vec<Change>, DbErr> {
    let (mut sessions, mut place) = (Vec::new(), None);
    loop {
        let only = Condition::all().add(Column::Subject.starts_with(SESSIONS));
        let rows = forward(db, only, version, &place).await?;
        sessions.extend(rows.iter().filter_map(session));
        match rows.into_iter().nth(PAGE - 1) {
            Some(last) => place = Some((last.version, last.subject)),
            None => return Ok(sessions),
        }
    }
}

/// The sessions that were revoked since then.
pub(super) async fn sessions_since(
    db: &impl ConnectionTrait,
    since: DateTime<Utc>,
) -> Result<Vec<Change>, DbErr> {
    let mut sessions = Vec::new();
    let mut place: Place = None;
    loop {
        let upto = place.as_ref().map_or_else(Condition::all, |(version, subject)| {
            Condition::all().add(Column::Version.lte(*version)).add(
                Condition::any()
                    .add(Column::Version.lt(*version))
                    .add(Column::Subject.lt(subject.as_str())),
            )
        });
        // By version, not by time: the log has an index over versions, and both rise together.
        let rows = Entity::find()
            .filter(upto)
            .order_by_desc(Column::Version)
            .order_by_desc(Column::Subject)
            .limit(PAGE as u64)
            .all(db)
            .await?;
        for row in &rows {
            if row.at < since {
                return Ok(sessions);
            }
            sessions.extend(session(row));
        }
        match rows.into_iter().nth(PAGE - 1) {
            Some(last) => place = Some((last.version, last.subject)),
            None => return Ok(sessions),
        }
    }
}

/// Deletes sessions that did not change above a version; how many went. A row that somebody else holds
/// is left alone: whoever deletes never waits, and so is never part of a deadlock.
pub(super) async fn delete_sessions(
    tx: &impl ConnectionTrait,
    subjects: Vec<String>,
    upto: i64,
) -> Result<u64, DbErr> {
    let free = Query::select()
        .column(Column::Subject)
        .from(Entity)
        .and_where(among(tx, Column::Subject, subjects))
        .and_where(Expr::col(Column::Version).lte(upto))
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .to_owned();
    let deleted = Entity::delete_many()
        .filter(Column::Subject.in_subquery(free))
        .exec(tx)
        .await?;
    Ok(deleted.rows_affected)
}

/// Whether a row is a session's.
pub(super) fn is_session(row: &Model) -> bool {
    row.subject.starts_with(SESSIONS)
}

/// A row as a change; none for the head of the log and for what a newer version of this program writes.
pub(super) fn change(row: &Model) -> Option<Change> {
    Some(Change {
        subject: row.subject.parse().ok()?,
        version: row.version,
    })
}

fn session(row: &Model) -> Option<Change> {
    change(row).filter(|change| matches!(change.subject, Subject::Session(_)))
}

async fn forward(
    db: &impl ConnectionTrait,
    only: Condition,
    version: i64,
    place: &Place,
) -> Result<Vec<Model>, DbErr> {
    let only = match place {
        None => only.add(Column::Version.gt(version)),
        Some((version, subject)) => only.add(Column::Version.gte(*version)).add(
            Condition::any()
                .add(Column::Version.gt(*version))
                .add(Column::Subject.gt(subject.as_str())),
        ),
    };
    Entity::find()
        .filter(only)
        .order_by_asc(Column::Version)
        .order_by_asc(Column::Subject)
        .limit(PAGE as u64)
        .all(db)
        .await
}
