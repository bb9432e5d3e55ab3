//! Exports of the actor's account: begun, looked at, read. What gathers them is in `work` and in the
//! other domains.

use super::{Cx, lock_me, person};
use crate::Error;
use chrono::TimeDelta;
use commons_entities::{ExportId, UserId};
use commons_jobs::export::{self, DataExport, Part, State};
use commons_platform::{
    ApiError,
    page::{Page, PageArgs},
};

/// How often somebody may ask.
const EVERY: TimeDelta = TimeDelta::days(1);

/// An export and how far it is.
#[derive(Debug, Clone)]
pub struct Export {
    /// The row.
    pub row: DataExport,
    /// How far it is.
    pub state: State,
}

/// Begins an export of the actor's account.
pub async fn export_my_data(cx: &Cx) -> Result<Export, Error> {
    let now = cx.platform.clock.now();
    let tx = cx.platform.db.begin().await?;
    let me = person(lock_me(cx, &tx).await?)?;
    if let Some(last) = export::newest(&tx, me.id).await? {
        let next = last.created_at + EVERY;
        if last.finished_at.is_none() && last.expires_at > now {
            return Err(Error::ExportRunning);
        }
        if next > now {
            let wait = (next - now).to_std().unwrap_or_default();
            return Err(ApiError::rate_limited(wait).into());
        }
    }
    let id = ExportId(cx.platform.clock.new_id());
    let (row, enqueued) = export::begin(&tx, id, me.id, now).await?;
    tx.commit().await?;
    enqueued.announce(&cx.platform.bus).await;
    Ok(Export {
        row,
        state: State::Running,
    })
}

/// An export of the actor's; none without a token, for another's, or once it expired.
pub async fn data_export(cx: &Cx, id: ExportId) -> Result<Option<Export>, Error> {
    let Some(user) = cx.actor.user_if_any::<UserId>() else {
        return Ok(None);
    };
    let (db, now) = (cx.platform.db.read(), cx.platform.clock.now());
    let Some(row) = export::find(db, id, user, now).await? else {
        return Ok(None);
    };
    let found = with_states(cx, vec![row]).await?;
    Ok(found.into_iter().next())
}

/// The exports of the actor, newest first.
pub async fn data_exports(cx: &Cx, user: UserId, args: &PageArgs) -> Result<Page<Export>, Error> {
    let (db, now) = (cx.platform.db.read(), cx.platform.clock.now());
    let rows = export::page(db, user, now, args).await?;
    Ok(Page::from_rows(args, with_states(cx, rows).await?))
}

/// The documents of an export.
pub async fn parts(cx: &Cx, export: &Export, args: &PageArgs) -> Result<Page<Part>, Error> {
    let rows = export::page_parts(cx.platform.db.read(), &export.row, args).await?;
    Ok(Page::from_rows(args, rows))
}

async fn with_states(cx: &Cx, rows: Vec<DataExport>) -> Result<Vec<Export>, Error> {
    let states = export::states(cx.platform.db.read(), &rows).await?;
    let exports = rows.into_iter().zip(states);
    Ok(exports.map(|(row, state)| Export { row, state }).collect())
}
