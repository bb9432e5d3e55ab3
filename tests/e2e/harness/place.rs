//! Where a house keeps its data, and which programs run over it.
//!
//! Without `TEST_DATABASE_URL` the house is embedded: one process over SQLite, cache and bus inside. With
//! it, and `TEST_REDIS_URL`, it is one process over PostgreSQL and Redis. `TEST_SHAPE=separate` besides
//! makes it a process for each service, two for messages and two gateways, each with its own.

use super::process::{commons, program};
use commons_testing::database::ServerDatabase;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};
use std::{collections::BTreeMap, net::TcpListener, path::Path, process::Command};
use tempfile::TempDir;
use tokio::sync::OnceCell;

const SECRET: &str = "the secret of a house that only tests enter";

/// A house's data.
pub(crate) struct Place {
    folder: TempDir,
    database: Option<ServerDatabase>,
    redis: Option<String>,
    separate: bool,
    connection: OnceCell<DatabaseConnection>,
}

impl Place {
    /// An empty one.
    pub(super) async fn new() -> Self {
        let server = std::env::var("TEST_DATABASE_URL").ok();
        let separate = std::env::var("TEST_SHAPE").is_ok_and(|shape| shape == "separate");
        assert!(
            !separate || server.is_some(),
            "separate processes need TEST_DATABASE_URL"
        );
        Self {
            folder: TempDir::new().unwrap(),
            database: match server {
                Some(server) => Some(ServerDatabase::empty(&server).await),
                None => None,
            },
            redis: std::env::var("TEST_REDIS_URL").ok(),
            separate,
            connection: OnceCell::new(),
        }
    }

    /// An empty one for one process over SQLite.
    pub(super) fn embedded() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            database: None,
            redis: None,
            separate: false,
            connection: OnceCell::new(),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn is_embedded(&self) -> bool {
        self.database.is_none()
    }

    /// A connection of the test's own to the database.
    pub(super) async fn database(&self) -> &DatabaseConnection {
        let connection = self.connection.get_or_init(|| async {
            let file = format!("sqlite:{}?mode=ro", self.folder().join("commons.db").display());
            let url = self.database.as_ref().map_or(file, ServerDatabase::url);
            Database::connect(ConnectOptions::new(url).max_connections(1).to_owned())
                .await
                .unwrap()
        });
        connection.await
    }

    /// How many rows a table has.
    pub(super) async fn count(&self, table: &str) -> i64 {
        let db = self.database().await;
        let sql = format!("SELECT count(*) FROM {table}");
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql));
        row.await
            .unwrap()
            .expect("a count is a row")
            .try_get_by(0)
            .unwrap()
    }

    /// What every process is told of the data.
    pub(super) fn data(&self) -> BTreeMap<&'static str, String> {
        let mut data = BTreeMap::new();
        if let Some(database) = &self.database {
            data.insert("DATABASE_URL", database.url());
            data.insert("COMMONS_SECRET", SECRET.to_owned());
            // Many houses share one server.
            data.insert("COMMONS_DATABASE__READERS", "3".to_owned());
            data.insert("COMMONS_DATABASE__WRITERS", "3".to_owned());
        }
        if let Some(redis) = &self.redis {
            data.insert("REDIS_URL", redis.clone());
            data.insert("COMMONS_REDIS__NAMESPACE", self.namespace());
        }
        data
    }

    /// Nobody else's keys on the same Redis.
    fn namespace(&self) -> String {
        let name = self.folder.path().file_name().expect("a folder has a name");
        let name = name.to_string_lossy();
        name.chars().filter(char::is_ascii_alphanumeric).collect()
    }

    /// The programs in the order of their start, and whether clients connect to them.
    pub(super) async fn programs(&self) -> Vec<(Command, bool)> {
        if !self.separate {
            let mut command = commons(self.folder());
            command.envs(self.data());
            return vec![(command, true)];
        }
        let mut migrate = commons(self.folder());
        let migrated = migrate.envs(self.data()).arg("migrate").status().unwrap();
        assert!(migrated.success(), "the database is not brought up to date");
        let [user, channel, first, second] = free_ports();
        let at = |port: u16| format!("127.0.0.1:{port}");
        let service = |name: &str, port: u16| {
            let mut command = program(name, self.folder());
            command
                .envs(self.data())
                .env("COMMONS_SERVICES__LISTEN", at(port));
            command.env("COMMONS_SERVICES__USER_URL", format!("http://{}", at(user)));
            (command, false)
        };
        let gateway = |message: u16| {
            let mut command = program("gateway", self.folder());
            command.env("COMMONS_SECRET", SECRET);
            command.env("COMMONS_GATEWAY__ADMIN_LISTEN", "127.0.0.1:0");
            for (name, port) in [("USER", user), ("CHANNEL", channel), ("MESSAGE", message)] {
                command.env(
                    format!("COMMONS_SERVICES__{name}_URL"),
                    format!("http://{}", at(port)),
                );
            }
            (command, true)
        };
        vec![
            service("user-service", user),
            service("channel-service", channel),
            service("message-service", first),
            service("message-service", second),
            gateway(first),
            gateway(second),
        ]
    }
}

/// Ports that nobody listens on at the moment.
fn free_ports<const N: usize>() -> [u16; N] {
    // All are taken before the first is given back.
    let taken: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    taken.map(|listener| listener.local_addr().unwrap().port())
}
