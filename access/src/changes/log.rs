//! Reads the log of changes forward from a version, and backward from its end.

use chrono::{DateTime, Utc};
use commons_entities::{
    SessionId,
    access::access_change::{Column, Entity, Model},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::Subject;

/// How many rows are read at a time.
const PAGE: u64 = 1000;

/// Where a reader of pages is: behind a row, none before the first page.
pub(super) type Place = Option<(i64, String)>;

/// The next rows above a version, oldest first, and whether there may be more.
pub(super) async fn after(
    db: &impl ConnectionTrait,
    version: i64,
    place: &Place,
) -> Result<(Vec<Model>, bool), DbErr> {
    let from = match place {
        None => Condition::all().add(Column::Version.gt(version)),
        Some((version, subject)) => Condition::all().add(Column::Version.gte(*version)).add(
            Condition::any()
                .add(Column::Version.gt(*version))
                .add(Column::Subject.gt(subject.as_str())),
        ),
    };
    let rows = Entity::find()
        .filter(from)
        .order_by_asc(Column::Version)
        .order_by_asc(Column::Subject)
        .limit(PAGE)
        .all(db)
        .await?;
    let more = rows.len() as u64 == PAGE;
    Ok((rows, more))
}

/// The sessions that were revoked since then.
pub(super) async fn sessions_since(
    db: &impl ConnectionTrait,
    since: DateTime<Utc>,
) -> Result<Vec<SessionId>, DbErr> {
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
            .limit(PAGE)
            .all(db)
            .await?;
        for row in &rows {
            if row.at < since {
                return Ok(sessions);
            }
            if let Ok(Subject::Session(session)) = row.subject.parse() {
                sessions.push(session);
            }
        }
        match rows.into_iter().nth(PAGE as usize - 1) {
            Some(last) => place = Some((last.version, last.subject)),
            None => return Ok(sessions),
        }
    }
}
