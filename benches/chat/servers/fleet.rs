//! A process for each service and a gateway, over PostgreSQL and Redis, and the CPU time of each.

use crate::process::{self, family, ready};
use anyhow::{Context, ensure};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};
use std::{
    net::TcpListener,
    ops::Sub,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

const SECRET: &str = "the secret of an instance that is measured";

/// CPU time used so far, or during a time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cpu {
    pub(crate) gateway: Duration,
    pub(crate) services: Duration,
    /// The server with all it has started, `pgbench`'s connections too.
    pub(crate) postgres: Duration,
    /// This process, which makes the load.
    pub(crate) load: Duration,
}

impl Sub for Cpu {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            gateway: self.gateway.saturating_sub(before.gateway),
            services: self.services.saturating_sub(before.services),
            postgres: self.postgres.saturating_sub(before.postgres),
            load: self.load.saturating_sub(before.load),
        }
    }
}

impl std::ops::AddAssign for Cpu {
    fn add_assign(&mut self, other: Self) {
        self.gateway += other.gateway;
        self.services += other.services;
        self.postgres += other.postgres;
        self.load += other.load;
    }
}

/// What runs; killed when dropped.
pub(crate) struct Fleet {
    /// The gateway's address, `http://127.0.0.1:…`.
    pub(crate) base: String,
    /// A connection of the measurement's own.
    pub(crate) db: DatabaseConnection,
    gateway: Running,
    services: Vec<Running>,
    postmaster: u32,
}

/// A process that ends with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Fails when it has ended, which is as good.
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

impl Fleet {
    /// Migrates an empty database and starts everything over it.
    ///
    /// # Errors
    /// When a program is missing or one is not ready within 30 s.
    pub(crate) async fn start(folder: &Path, database: &str, redis: &str) -> anyhow::Result<Self> {
        let migrated = program("commons", folder, database, redis)?
            .arg("migrate")
            .status()?;
        ensure!(migrated.success(), "commons migrate: {migrated}");
        let [user, channel, message, gateway, admin] = free_ports()?;
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let at = |port: u16| format!("127.0.0.1:{port}");
        let mut services = Vec::new();
        for (name, port) in [
            ("user-service", user),
            ("channel-service", channel),
            ("message-service", message),
        ] {
            let mut service = program(name, folder, database, redis)?;
            service
                .env("COMMONS_SERVICES__LISTEN", at(port))
                .env("COMMONS_SERVICES__USER_URL", url(user));
            services.push(Running(service.spawn()?));
        }
        let mut command = program("gateway", folder, database, redis)?;
        command
            .env("COMMONS_GATEWAY__LISTEN", at(gateway))
            .env("COMMONS_GATEWAY__ADMIN_LISTEN", at(admin))
            .env("COMMONS_SERVICES__USER_URL", url(user))
            .env("COMMONS_SERVICES__CHANNEL_URL", url(channel))
            .env("COMMONS_SERVICES__MESSAGE_URL", url(message));
        let gateway_process = Running(command.spawn()?);
        for port in [user, channel, message, gateway] {
            ready(&url(port)).await?;
        }
        let db = Database::connect(database).await?;
        let backend: i32 = one(&db, "SELECT pg_backend_pid()").await?;
        Ok(Self {
            base: url(gateway),
            postmaster: process::parent(&backend.to_string())?,
            db,
            gateway: gateway_process,
            services,
        })
    }

    /// The CPU time used so far.
    pub(crate) fn cpu(&self) -> anyhow::Result<Cpu> {
        let of = |running: &Running| process::cpu(&running.0.id().to_string());
        Ok(Cpu {
            gateway: of(&self.gateway)?,
            services: self.services.iter().map(of).sum::<anyhow::Result<Duration>>()?,
            postgres: family(self.postmaster)?,
            load: process::cpu("self")?,
        })
    }
}

/// The one value of a statement's one row.
pub(crate) async fn one<T: sea_orm::TryGetable>(db: &DatabaseConnection, sql: &str) -> anyhow::Result<T> {
    let row = db
        .query_one_raw(Statement::from_string(db.get_database_backend(), sql))
        .await?
        .context("no row")?;
    Ok(row.try_get_by(0)?)
}

/// A program of the workspace with nothing of this process's environment.
fn program(name: &str, folder: &Path, database: &str, redis: &str) -> anyhow::Result<Command> {
    let path = Path::new(env!("CARGO_BIN_EXE_commons")).with_file_name(name);
    ensure!(
        path.is_file(),
        "there is no {name}: run `cargo build --release --workspace --bins`"
    );
    let mut command = Command::new(path);
    command
        .env_clear()
        .current_dir(folder)
        .env("COMMONS_DATA_DIR", folder)
        .env("COMMONS_SECRET", SECRET)
        .env("DATABASE_URL", database)
        .env("REDIS_URL", redis)
        .env("COMMONS_LIMITS__SENDS_PER_TEN_SECONDS", "1000000")
        .env("COMMONS_LIMITS__SIGN_INS_PER_MINUTE", "1000000")
        .env("COMMONS_LIMITS__OPERATIONS_PER_ADDRESS", "1000000")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(command)
}

/// Ports that nobody listens on at the moment.
fn free_ports<const N: usize>() -> anyhow::Result<[u16; N]> {
    // All are taken before the first is given back.
    let mut taken = Vec::with_capacity(N);
    for _ in 0..N {
        taken.push(TcpListener::bind("127.0.0.1:0")?);
    }
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&taken) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}
