//! A PostgreSQL of our own, as durable as in production.

use crate::{
    process::{Process, lock},
    program,
};
use anyhow::{Context, ensure};
use rustix::process::{Pid, Signal, kill_process};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

/// Whom Debian's package makes; `initdb` refuses root.
const USER: &str = "postgres";
const PATIENCE: Duration = Duration::from_secs(2);

/// The server.
pub(crate) struct Postgres {
    pub(crate) process: Arc<Process>,
    pub(crate) port: u16,
    paused: Mutex<Vec<Pid>>,
}

impl Postgres {
    /// Makes an empty database and starts it.
    pub(crate) fn start(folder: &Path, logs: &Path, port: u16) -> anyhow::Result<Self> {
        let data = folder.join("pg");
        let user = rustix::process::getuid().is_root().then_some(USER);
        fs::create_dir(&data)?;
        if user.is_some() {
            let given = std::process::Command::new("chown")
                .arg(USER)
                .arg(&data)
                .status()?;
            ensure!(given.success(), "{USER} does not get the folder of the database");
        }
        let mut init = program::command(&program::installed("initdb")?, user, "KILL")?;
        init.arg("-D").arg(&data).current_dir(&data);
        init.args(["-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]);
        let made = init.output()?;
        ensure!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let mut command = program::command(&program::installed("postgres")?, user, "QUIT")?;
        command.arg("-D").arg(&data).current_dir(&data);
        command.args(["-p", &port.to_string(), "-k", ""]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "max_connections=200",
            "shared_buffers=128MB",
            "log_min_messages=warning",
        ] {
            command.args(["-c", setting]);
        }
        Ok(Self {
            process: Process::start("postgres", command, logs)?,
            port,
            paused: Mutex::default(),
        })
    }

    /// Its address at a port, which may be a proxy's.
    pub(crate) fn url(port: u16) -> String {
        format!("postgres://{USER}@127.0.0.1:{port}/postgres")
    }

    /// A connection that no proxy is between.
    pub(crate) async fn connect(&self) -> anyhow::Result<DatabaseConnection> {
        let mut options = ConnectOptions::new(Self::url(self.port));
        options
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .connect_timeout(PATIENCE)
            .sqlx_logging(false);
        Database::connect(options).await.context("PostgreSQL")
    }

    /// Whether it takes connections.
    pub(crate) async fn answers(&self) -> bool {
        self.connect().await.is_ok()
    }

    /// Stops it and all it has started, where they are.
    pub(crate) fn pause(&self) {
        let Some(id) = self.process.id() else { return };
        // First the one that starts the others, so that there are no more of them.
        self.process.signal(Signal::STOP);
        let children = children_of(id);
        for child in &children {
            // It may have ended already.
            let _gone = kill_process(*child, Signal::STOP);
        }
        *lock(&self.paused) = children;
    }

    /// Goes on.
    pub(crate) fn resume(&self) {
        for child in lock(&self.paused).drain(..) {
            // Nobody reaped it: the server was stopped.
            let _gone = kill_process(child, Signal::CONT);
        }
        self.process.signal(Signal::CONT);
    }
}

/// The processes that a process has started.
fn children_of(parent: u32) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let ids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    ids.filter(|id| parent_of(*id) == Some(parent))
        .filter_map(Pid::from_raw)
        .collect()
}

/// The fourth word of `stat`; the second is a name in brackets that may hold anything.
fn parent_of(id: i32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}
