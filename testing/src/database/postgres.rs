//! Databases of tests on a PostgreSQL server: copies of one that this process migrated, each gone with
//! its test.

use commons_migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use std::{sync::mpsc, thread};
use tokio::sync::{Mutex, OnceCell};

/// A database on a server, gone when this is dropped.
#[derive(Debug)]
pub struct ServerDatabase {
    server: String,
    name: String,
}

impl ServerDatabase {
    /// A copy of the migrated database.
    pub async fn migrated(server: &str) -> Self {
        // Two copies of one template at a time refuse each other.
        static TURN: Mutex<()> = Mutex::const_new(());
        let template = template(server).await;
        let _turn = TURN.lock().await;
        Self::create(server, &format!("TEMPLATE {template}")).await
    }

    /// One without tables.
    pub async fn empty(server: &str) -> Self {
        Self::create(server, "").await
    }

    async fn create(server: &str, from: &str) -> Self {
        let name = fresh_name();
        let admin = connect(server).await;
        run(&admin, &format!("CREATE DATABASE {name} {from}")).await;
        admin.close().await.unwrap();
        Self {
            server: server.to_owned(),
            name,
        }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        at(&self.server, &self.name)
    }
}

impl Drop for ServerDatabase {
    fn drop(&mut self) {
        // Whoever is left over is cut off; the server goes away soon, so an error harms nobody.
        let _gone = janitor().send((self.server.clone(), self.name.clone()));
    }
}

/// Removes databases on a thread of its own: a test's runtime ends before its database does.
fn janitor() -> mpsc::Sender<(String, String)> {
    static JANITOR: std::sync::OnceLock<mpsc::Sender<(String, String)>> = std::sync::OnceLock::new();
    JANITOR
        .get_or_init(|| {
            let (tell, names) = mpsc::channel::<(String, String)>();
            thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.unwrap();
                for (server, name) in names {
                    runtime.block_on(async {
                        let admin = connect(&server).await;
                        let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                        let _left_behind = admin.execute_unprepared(&drop).await;
                        let _closed = admin.close().await;
                    });
                }
            });
            tell
        })
        .clone()
}

/// The database that this process migrated once.
async fn template(server: &str) -> &'static str {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            let name = fresh_name();
            let admin = connect(server).await;
            run(&admin, &format!("CREATE DATABASE {name}")).await;
            admin.close().await.unwrap();
            let database = connect(&at(server, &name)).await;
            Migrator::up(&database, None).await.unwrap();
            database.close().await.unwrap();
            name
        })
        .await
}

#[expect(
    clippy::disallowed_methods,
    reason = "a database's name is no id of a row, and no clock is there yet"
)]
fn fresh_name() -> String {
    format!("test_{}", uuid::Uuid::new_v4().simple())
}

fn at(server: &str, name: &str) -> String {
    let (base, _) = server.rsplit_once('/').expect("the address names a database");
    format!("{base}/{name}")
}

async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.unwrap()
}

async fn run(admin: &DatabaseConnection, sql: &str) {
    admin.execute_unprepared(sql).await.unwrap();
}
