//! A transaction that cannot be committed late.
//!
//! The cache's tombstones are put before a commit and stand for 10 s. So a commit is sent within 5 s of
//! the beginning, and PostgreSQL gives it 5 s more: whatever a writer does, its tombstone outlives it.

use crate::telemetry::span;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement};
use std::time::Duration;
use tokio::time::Instant;

/// How long a transaction may take until its commit is sent.
const LIMIT: Duration = Duration::from_secs(5);

/// A transaction; dropped without `commit`, it rolls back.
#[derive(Debug)]
pub struct Tx {
    inner: DatabaseTransaction,
    began: Instant,
}

impl Tx {
    pub(super) fn new(inner: DatabaseTransaction) -> Self {
        Self {
            inner,
            began: Instant::now(),
        }
    }

    /// Makes everything durable and visible.
    ///
    /// # Errors
    /// [`DbErr::ConnectionAcquire`] without a commit when the transaction took more than 5 s: it is
    /// rolled back. After any other error it is unknown whether it was committed.
    pub async fn commit(self) -> Result<(), DbErr> {
        if self.began.elapsed() > LIMIT {
            self.inner.rollback().await?;
            return Err(DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout));
        }
        let (backend, sent) = (self.inner.get_database_backend(), Instant::now());
        let committed = self.inner.commit().await;
        span::commit(backend, sent.elapsed(), committed.is_err());
        committed
    }

    /// Undoes everything.
    ///
    /// # Errors
    /// When the database is gone, which undoes it as well.
    pub async fn rollback(self) -> Result<(), DbErr> {
        self.inner.rollback().await
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Tx {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.inner.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.inner.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.inner.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.inner.query_all_raw(statement).await
    }
}
