//! Who may have written past the cache: a write that Redis could not be told of before its commit.
//!
//! Redis can't know of it, and other processes may still reach Redis and read the old value there; the
//! one that wrote may die before it can say so. The database is what all of them share and what a write
//! needs anyway. So:
//!
//! - Before such a write commits, its process is marked in the table `cache_debtor`, for [`MARKED`], and
//!   the mark is renewed until every such row is removed from Redis; then it is taken away.
//! - Every process reads the table twice a second. While there is a mark, or the last reading is older
//!   than [`TRUST`], it reads no row from Redis, and what it has near from there is void.
//! - A mark that ran out is of a process that died, or stands still. Whoever sees it wipes the cache and
//!   takes the mark away.
//!
//! So an old value is read for at most [`TRUST`] after a commit, and again only when it is gone. Marking
//! costs nothing while Redis answers, and one statement when it stops to.
//!
//! On SQLite there is one process: it doubts itself, and wipes the cache when it starts.

use super::{super::Cache, rows::Rows};
use crate::db::Db;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

/// How often the table is read.
const PERIOD: Duration = Duration::from_millis(500);
/// How long a reading of the table is believed.
const TRUST: Duration = Duration::from_millis(1200);
/// How long a statement may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a mark stands.
const MARKED: Duration = Duration::from_secs(20);
/// How young a mark must be for a commit to rely on it: it may be sent 5 s later and take 5 s.
const FRESH: Duration = Duration::from_secs(5);
/// When a mark is renewed.
const RENEWED: Duration = Duration::from_secs(2);
/// When marking is given up. The transaction that waits for it began earlier and commits no more.
const GIVEN_UP: Duration = Duration::from_secs(6);

/// See the module's text.
pub(super) struct Debtors {
    /// None where nobody watches.
    db: Option<Db>,
    /// How many debts this process has.
    owing: AtomicUsize,
    mark: tokio::sync::Mutex<Mark>,
    seen: Mutex<Seen>,
    changed: Notify,
}

/// The mark of this process. Each is another one, so that a statement that is carried out late takes no
/// later mark away.
struct Mark {
    id: Uuid,
    /// Whether it may be in the table.
    placed: bool,
    /// When it was last renewed for certain.
    renewed: Option<Instant>,
    /// Marks from before that may still be in the table.
    left: Vec<Uuid>,
}

/// What was last seen.
#[derive(Default)]
struct Seen {
    /// When the table was read without a mark in it, or a process alone has wiped the cache.
    clear: Option<Instant>,
    /// When it was read.
    read: Option<Instant>,
}

/// A debt of this process; settled when it is dropped.
pub(in super::super) struct Owing(Arc<Debtors>);

impl Drop for Owing {
    fn drop(&mut self) {
        if self.0.owing.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.changed.notify_one();
        }
    }
}

impl Debtors {
    pub(super) fn new(db: Option<Db>) -> Self {
        Self {
            db,
            owing: AtomicUsize::new(0),
            mark: tokio::sync::Mutex::new(Mark {
                id: Uuid::from_u128(rand::random()),
                placed: false,
                renewed: None,
                left: Vec::new(),
            }),
            seen: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Whether no process is known to have written past the cache.
    pub(super) fn none(&self) -> bool {
        let Some(db) = &self.db else { return true };
        let clear = self.seen().clear;
        self.owing.load(Ordering::Acquire) == 0
            && clear.is_some_and(|at| !db.is_postgres() || at.elapsed() < TRUST)
    }

    /// Notes a debt, and returns when a commit may rely on that.
    pub(super) async fn owe(debtors: &Arc<Self>) -> Option<Arc<Owing>> {
        let db = debtors.db.as_ref()?;
        debtors.owing.fetch_add(1, Ordering::AcqRel);
        let owing = Some(Arc::new(Owing(debtors.clone())));
        let begun = Instant::now();
        while db.is_postgres() && begun.elapsed() < GIVEN_UP {
            let mut mark = debtors.mark.lock().await;
            if mark.renewed.is_some_and(|at| at.elapsed() < FRESH) || debtors.renew(db, &mut mark).await {
                break;
            }
            drop(mark);
            sleep(PATIENCE / 10).await;
        }
        owing
    }

    async fn renew(&self, db: &Db, mark: &mut Mark) -> bool {
        let now = Instant::now();
        let until = format!("clock_timestamp() + interval '{} seconds'", MARKED.as_secs());
        let sql = format!(
            "INSERT INTO cache_debtor (mark, until) VALUES ($1, {until}) \
             ON CONFLICT (mark) DO UPDATE SET until = {until}"
        );
        mark.placed = true;
        let renewed = self.run(db, &sql, mark.id).await;
        if renewed {
            mark.renewed = Some(now);
        }
        renewed
    }

    /// Renews the mark of this process, or takes it away when nothing is owed.
    async fn tend(&self, db: &Db) {
        let mut mark = self.mark.lock().await;
        if mark.placed && self.owing.load(Ordering::Acquire) == 0 {
            let over = std::mem::replace(&mut mark.id, Uuid::from_u128(rand::random()));
            mark.left.push(over);
            (mark.placed, mark.renewed) = (false, None);
        } else if mark.placed && mark.renewed.is_none_or(|at| at.elapsed() >= RENEWED) {
            self.renew(db, &mut mark).await;
        }
        while let Some(over) = mark.left.last() {
            if !self
                .run(db, "DELETE FROM cache_debtor WHERE mark = $1", *over)
                .await
            {
                break;
            }
            mark.left.pop();
        }
    }

    async fn run(&self, db: &Db, sql: &str, mark: Uuid) -> bool {
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [mark.into()]);
        let ran = timeout(PATIENCE, db.background().execute_raw(statement)).await;
        ran.is_ok_and(|ran| ran.is_ok())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Nothing under this lock can panic.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches until it is dropped.
pub(super) async fn watch(debtors: Arc<Debtors>, rows: Arc<Rows>, doubt: impl Fn()) {
    let Some(db) = &debtors.db else { return };
    if !db.is_postgres() {
        while rows.wipe().await.is_err() {
            sleep(PERIOD).await;
        }
        debtors.seen().clear = Some(Instant::now());
        return;
    }
    loop {
        debtors.tend(db).await;
        let began = Instant::now();
        if let Ok(Ok(marks)) = timeout(PATIENCE, marks(db)).await {
            if note(&mut debtors.seen(), began, marks.is_empty()) {
                doubt();
            }
            for (mark, over) in marks {
                if over && rows.wipe().await.is_ok() {
                    tracing::warn!("the cache is wiped for a process that may have written past it");
                    let forget = "DELETE FROM cache_debtor WHERE mark = $1 AND until < clock_timestamp()";
                    debtors.run(db, forget, mark).await;
                }
            }
        }
        // Whatever changed here shows in the table.
        let _or_period = timeout(PERIOD, debtors.changed.notified()).await;
    }
}

/// Notes a reading of the table. True when rows from the cache may be old: a mark is new, or there may
/// have been one unseen.
fn note(seen: &mut Seen, began: Instant, clear: bool) -> bool {
    let gap = seen.read.is_none_or(|read| began.duration_since(read) >= TRUST);
    let doubt = gap || (!clear && seen.clear == seen.read);
    seen.read = Some(began);
    if clear {
        seen.clear = Some(began);
    } else {
        seen.clear = None;
    }
    doubt
}

/// All marks, and whether they ran out.
async fn marks(db: &Db) -> Result<Vec<(Uuid, bool)>, DbErr> {
    let sql = "SELECT mark, until < clock_timestamp() FROM cache_debtor";
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let rows = db.background().query_all_raw(statement).await?;
    rows.iter()
        .map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_mark_and_a_gap_are_doubts() {
        let (mut seen, start) = (Seen::default(), Instant::now());
        let at = |n: u32| start + PERIOD * n;
        assert!(note(&mut seen, at(0), true), "nobody looked before");
        assert!(!note(&mut seen, at(1), true));
        assert!(note(&mut seen, at(2), false), "a mark");
        assert!(!note(&mut seen, at(3), false), "the same one");
        assert!(!note(&mut seen, at(4), true));
        assert!(note(&mut seen, at(7), true), "one may have come and gone");
    }
}
