//! The database: how a process connects, reads and writes.
//!
//! Two kinds behind one type. SQLite: one writer connection with IMMEDIATE transactions and a pool of
//! readers over the same file in WAL mode. PostgreSQL: a pool that reads and a pool that writes, so that
//! neither starves the other. Every commit is on the disk before it returns. No query of any domain is
//! here.

mod among;
mod open;
mod schema;
mod trouble;
mod tx;

pub use among::among;
pub use open::{lock_alone, try_lock_alone, unbounded};
pub use schema::{SCHEMA, SchemaError};
pub use sea_orm::DatabaseConnection;
pub use trouble::Trouble;
pub use tx::Tx;

use crate::{
    config::DatabaseConfig,
    telemetry::{
        metric::{self, Measured},
        span,
    },
};
use sea_orm::{
    AccessMode, ConnectionTrait, DbBackend, DbErr, IsolationLevel, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// A connected database; cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    reader: DatabaseConnection,
    background: DatabaseConnection,
    writer: DatabaseConnection,
    replica: DatabaseConnection,
    queries: Arc<AtomicU64>,
    _measured: Measured,
}

impl Db {
    /// Connects to `sqlite:<path>`, creating the file when it is missing, or to `postgres://…`.
    ///
    /// # Errors
    /// When the address is of another kind, or the database cannot be opened.
    pub async fn connect(config: &DatabaseConfig) -> Result<Self, DbErr> {
        let queries = Arc::new(AtomicU64::new(0));
        let mut writer = open::writers(config).await?;
        let mut reader = open::readers(&config.url, config.readers).await?;
        let mut replica = match config.replica_url.as_str() {
            "" => None,
            url => Some(open::readers(url, config.readers).await?),
        };
        let background = reader.clone();
        for connection in [&mut writer, &mut reader].into_iter().chain(&mut replica) {
            let queries = queries.clone();
            connection.set_metric_callback(move |info| {
                queries.fetch_add(1, Ordering::Relaxed);
                metric::statement(info.elapsed, info.failed);
                span::sql(info);
            });
        }
        let pools = [("write", writer.clone()), ("read", reader.clone())];
        let measured = metric::when_read(move || {
            for (name, pool) in &pools {
                let (size, idle) = open::used(pool);
                metric::connections(name, size, idle);
            }
        });
        Ok(Self {
            replica: replica.unwrap_or_else(|| reader.clone()),
            reader,
            background,
            writer,
            queries,
            _measured: measured,
        })
    }

    /// Whether this is PostgreSQL; SQLite otherwise.
    pub fn is_postgres(&self) -> bool {
        self.reader.get_database_backend() == DbBackend::Postgres
    }

    /// The connection for statements outside a write transaction.
    pub fn read(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// The same connections for what runs by itself every now and then, and is in no count.
    pub fn background(&self) -> &DatabaseConnection {
        &self.background
    }

    /// A read replica where one is set, else the readers: for search and feeds alone, which may be a
    /// moment old. Whatever must be true reads elsewhere.
    pub fn replica(&self) -> &DatabaseConnection {
        &self.replica
    }

    /// Begins a transaction that may write; waits for a connection, 5 s at most.
    ///
    /// On SQLite it excludes every other writer. On PostgreSQL it does not: its first statement must
    /// lock what it is about to decide on.
    ///
    /// # Errors
    /// When no connection is free in time, or the database is gone.
    pub async fn begin(&self) -> Result<Tx, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(Tx::new(self.writer.begin_with_options(options).await?))
    }

    /// Begins a read-only transaction: all its statements see one state of the database.
    ///
    /// # Errors
    /// When no reader is free in time, or the database is gone.
    pub async fn snapshot(&self) -> Result<Tx, DbErr> {
        let options = TransactionOptions {
            access_mode: Some(AccessMode::ReadOnly),
            isolation_level: self.is_postgres().then_some(IsolationLevel::RepeatableRead),
            sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
        };
        Ok(Tx::new(self.reader.begin_with_options(options).await?))
    }

    /// The connection that migrations run on.
    pub fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// How many statements ran since the start; tests compare it before and after.
    pub fn query_count(&self) -> u64 {
        self.queries.load(Ordering::Relaxed)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> bool {
        self.reader.ping().await.is_ok()
    }

    /// Renews what the planner knows of the data; for after a bulk load.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn analyze(&self) -> Result<(), DbErr> {
        let analyze = match self.is_postgres() {
            // Longer than any request may take; the setting ends with the statement.
            true => "SET LOCAL statement_timeout = '5min'; ANALYZE",
            false => "ANALYZE",
        };
        self.writer.execute_unprepared(analyze).await.map(|_| ())
    }

    /// Closes every connection; what was committed stays.
    ///
    /// # Errors
    /// When a connection does not close.
    pub async fn close(self) -> Result<(), DbErr> {
        self.replica.close().await?;
        self.reader.close().await?;
        self.writer.close().await
    }
}
