//! A migrated database of a test's own, gone with the test: SQLite in a temporary folder, or, where
//! `TEST_DATABASE_URL` names a PostgreSQL server, a database there.

mod postgres;

pub use postgres::ServerDatabase;

use commons_migrations::{Migrator, MigratorTrait};
use commons_platform::{config::Config, db::Db};
use tempfile::TempDir;

/// The address of the PostgreSQL server that tests make their databases on.
pub const DATABASE_URL: &str = "TEST_DATABASE_URL";

/// A migrated database of its own.
#[derive(Debug)]
pub struct TestDatabase {
    /// The connection.
    pub db: Db,
    /// The settings it was opened with.
    pub config: Config,
    folder: TempDir,
    /// Removes the database; after the connection, in this order.
    _cloned: Option<ServerDatabase>,
}

impl TestDatabase {
    /// Makes and migrates a database.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cloned = match std::env::var(DATABASE_URL) {
            Ok(server) => Some(ServerDatabase::migrated(&server).await),
            Err(_) => None,
        };
        let url = cloned.as_ref().map(ServerDatabase::url).unwrap_or_default();
        let settings = format!("data_dir = {:?}\n[database]\nurl = {url:?}", folder.path());
        let mut config = Config::from_toml(&settings).unwrap();
        if let Some(redis) = crate::redis::own().await {
            config.redis = redis;
        }
        let db = Db::connect(&config.database).await.unwrap();
        if cloned.is_none() {
            Migrator::up(db.writer(), None).await.unwrap();
        }
        Self {
            db,
            config,
            folder,
            _cloned: cloned,
        }
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
