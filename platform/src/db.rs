//! The database: how a process connects, reads and writes.
//!
//! SQLite has one writer connection with IMMEDIATE transactions and a pool of readers over the same
//! file in WAL mode; every commit is on the disk before it returns. No query of any domain is here.

use crate::config::DatabaseConfig;
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait, sqlx,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// A write transaction; dropped without `commit`, it rolls back.
pub type Tx = DatabaseTransaction;

/// How long a request waits for the writer or for a reader before it is refused.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
const SLOW_STATEMENT: Duration = Duration::from_millis(250);

/// A connected database; cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    reader: DatabaseConnection,
    background: DatabaseConnection,
    writer: DatabaseConnection,
    queries: Arc<AtomicU64>,
}

impl Db {
    /// Connects to `sqlite:<path>`, creating the file when it is missing.
    ///
    /// # Errors
    /// When the address is of another kind, or the file cannot be opened.
    pub async fn connect(config: &DatabaseConfig) -> Result<Self, DbErr> {
        let queries = Arc::new(AtomicU64::new(0));
        let mut writer = open(&config.url, 1).await?;
        let mut reader = open(&config.url, config.readers).await?;
        let background = reader.clone();
        for connection in [&mut writer, &mut reader] {
            let queries = queries.clone();
            connection.set_metric_callback(move |info| {
                queries.fetch_add(1, Ordering::Relaxed);
                metrics::histogram!("commons_sql_seconds").record(info.elapsed.as_secs_f64());
            });
        }
        Ok(Self {
            reader,
            background,
            writer,
            queries,
        })
    }

    /// The connection for statements outside a write transaction.
    pub fn read(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// The same connections for what runs by itself every now and then, and is in no count.
    pub fn background(&self) -> &DatabaseConnection {
        &self.background
    }

    /// Begins a transaction that may write; waits its turn, 5 s at most.
    ///
    /// # Errors
    /// When the turn does not come in time, or the database is gone.
    pub async fn begin(&self) -> Result<Tx, DbErr> {
        self.writer
            .begin_with_options(TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            })
            .await
    }

    /// Begins a read-only transaction: all its statements see one state of the database.
    ///
    /// # Errors
    /// When no reader is free in time, or the database is gone.
    pub async fn snapshot(&self) -> Result<Tx, DbErr> {
        self.reader
            .begin_with_options(TransactionOptions {
                access_mode: Some(AccessMode::ReadOnly),
                sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
                ..TransactionOptions::default()
            })
            .await
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
        self.writer.execute_unprepared("ANALYZE").await.map(|_| ())
    }

    /// Closes every connection; what was committed stays.
    ///
    /// # Errors
    /// When a connection does not close.
    pub async fn close(self) -> Result<(), DbErr> {
        self.reader.close().await?;
        self.writer.close().await
    }
}

async fn open(url: &str, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .sqlx_logging_level(log::LevelFilter::Debug)
        .sqlx_slow_statements_logging_settings(log::LevelFilter::Warn, SLOW_STATEMENT)
        .map_sqlx_sqlite_opts(|sqlite| {
            use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
            sqlite
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(ACQUIRE_TIMEOUT)
                .pragma("cache_size", "-8000")
                .pragma("temp_store", "memory")
                // What is deleted is overwritten, not only unlinked.
                .pragma("secure_delete", "on")
                .optimize_on_close(true, None)
        });
    Database::connect(options).await
}
