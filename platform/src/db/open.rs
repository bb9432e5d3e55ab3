//! How connections are made: what each kind of database is told before its first statement.

use crate::config::DatabaseConfig;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement, sqlx,
};
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

/// One connection whose statements may take as long as they need: for migrations.
///
/// # Errors
/// When the database cannot be reached.
pub async fn unbounded(config: &DatabaseConfig) -> Result<DatabaseConnection, DbErr> {
    if is_sqlite(&config.url) {
        return open(&config.url, 1).await;
    }
    let mut options = ConnectOptions::new(&config.url);
    options
        .max_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .sqlx_logging_level(log::LevelFilter::Debug);
    Database::connect(options).await
}

/// Waits until no other connection has the lock of this number, and takes it until the connection is
/// closed. SQLite has no such locks and needs none: one process has the file.
///
/// # Errors
/// When the database fails.
pub async fn lock_alone(connection: &DatabaseConnection, number: i64) -> Result<(), DbErr> {
    if connection.get_database_backend() == DbBackend::Postgres {
        let lock = format!("SELECT pg_advisory_lock({number})");
        connection.execute_unprepared(&lock).await?;
    }
    Ok(())
}

/// The same without waiting: false when another connection has the lock.
///
/// # Errors
/// When the database fails.
pub async fn try_lock_alone(connection: &DatabaseConnection, number: i64) -> Result<bool, DbErr> {
    if connection.get_database_backend() != DbBackend::Postgres {
        return Ok(true);
    }
    let lock = Statement::from_string(
        DbBackend::Postgres,
        format!("SELECT pg_try_advisory_lock({number})"),
    );
    let row = connection.query_one_raw(lock).await?;
    row.map_or(Ok(false), |row| row.try_get_by(0))
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

/// How many connections a pool has, and how many of them rest.
pub(super) fn used(pool: &DatabaseConnection) -> (u32, usize) {
    match pool.get_database_backend() {
        DbBackend::Postgres => {
            let pool = pool.get_postgres_connection_pool();
            (pool.size(), pool.num_idle())
        }
        _ => {
            let pool = pool.get_sqlite_connection_pool();
            (pool.size(), pool.num_idle())
        }
    }
}
