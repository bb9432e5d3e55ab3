//! A migrated database in a temporary folder, gone with the test.

use commons_migrations::{Migrator, MigratorTrait};
use commons_platform::{config::Config, db::Db};
use tempfile::TempDir;

/// A migrated database of its own.
#[derive(Debug)]
pub struct TestDatabase {
    /// The connection.
    pub db: Db,
    /// The settings it was opened with.
    pub config: Config,
    folder: TempDir,
}

impl TestDatabase {
    /// Makes and migrates a database.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::from_toml(&format!("data_dir = {:?}", folder.path())).unwrap();
        let db = Db::connect(&config.database).await.unwrap();
        Migrator::up(db.writer(), None).await.unwrap();
        Self { db, config, folder }
    }

    /// A second connection to the same database, as another process has it.
    pub async fn reconnect(&self) -> Db {
        Db::connect(&self.config.database).await.unwrap()
    }

    /// The folder it is in.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}
