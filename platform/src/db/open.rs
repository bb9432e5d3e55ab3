//! How connections are made: what each kind of database is told before its first statement.

use crate::config::DatabaseConfig;
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr, sqlx};
use std::time::Duration;

/// How long a request waits for a connection before it is refused.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
const SLOW_STATEMENT: Duration = Duration::from_millis(250);
/// A connection that rested this long is asked whether it lives before it is used.
const RESTED: Duration = Duration::from_secs(1);

/// What PostgreSQL is told for each connection. A process that stops in the middle of a transaction
/// holds its locks no longer than `idle_in_transaction_session_timeout`; with the limit of [`super::Tx`]
/// no transaction outlives the tombstones of the cache.
const POSTGRES: [(&str, &str); 6] = [
    ("synchronous_commit", "on"),
    ("statement_timeout", "5s"),
    ("lock_timeout", "4s"),
    ("idle_in_transaction_session_timeout", "3s"),
    // A planner's compiler costs more than our statements.
    ("jit", "off"),
    ("tcp_keepalives_idle", "5"),
];

/// The connections that write: one on SQLite.
pub(super) async fn writers(config: &DatabaseConfig) -> Result<DatabaseConnection, DbErr> {
    let count = if is_sqlite(&config.url) { 1 } else { config.writers };
    open(&config.url, count).await
}

/// The connections that read.
pub(super) async fn readers(url: &str, count: u32) -> Result<DatabaseConnection, DbErr> {
    open(url, count).await
}

fn is_sqlite(url: &str) -> bool {
    url.starts_with("sqlite:")
}

async fn open(url: &str, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .sqlx_logging_level(log::LevelFilter::Debug)
        .sqlx_slow_statements_logging_settings(log::LevelFilter::Warn, SLOW_STATEMENT)
        .map_sqlx_postgres_opts(|postgres| postgres.application_name("commons").options(POSTGRES))
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
    if is_sqlite(url) {
        options.test_before_acquire(false);
    } else {
        options.test_before_acquire_if_idle_for(RESTED);
    }
    Database::connect(options).await
}
