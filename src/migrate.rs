//! Bringing the database's schema up to date, one process at a time.

use anyhow::Context;
use commons_migrations::{Migrator, MigratorTrait};
use commons_platform::{config::Config, db};

/// Any number that nobody else locks.
const LOCK: i64 = 0x0063_6f6d_6d6f_6e73;

/// Runs the migrations that the database has not seen; a second process waits for the first.
///
/// They may take longer than a request may, so they have a connection of their own.
///
/// # Errors
/// When the database cannot be reached, is newer than this program, or a migration fails.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    let connection = db::unbounded(&config.database).await.context("database")?;
    db::lock_alone(&connection, LOCK)
        .await
        .context("the lock for migrations")?;
    Migrator::up(&connection, None)
        .await
        .context("the database cannot be brought up to date")?;
    connection.close().await.context("database")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_ask_for_the_last_migration() {
        let last = Migrator::migrations()
            .last()
            .map(|migration| migration.name().to_owned());
        assert_eq!(last.as_deref(), Some(db::SCHEMA));
    }
}
