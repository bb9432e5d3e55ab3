//! PostgreSQL, Redis, the processes over them, and a proxy in the middle of every connection.

use crate::{
    Cli, Shape,
    postgres::Postgres,
    process::Process,
    program::{self, Binaries, Ports},
    proxy::Proxy,
    redis::Redis,
};
use anyhow::{Context, bail, ensure};
use rustix::process::Signal;
use std::{
    net::SocketAddr,
    path::PathBuf,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::time::interval;

const SECRET: &str = "the secret of an instance that is killed";
/// How long a start may take; unoptimised programs on a busy machine.
const START: Duration = Duration::from_secs(90);
/// How long the last processes may take to end.
const END: Duration = Duration::from_secs(10);

/// Above what any client here does.
const UNLIMITED: [(&str, &str); 3] = [
    ("COMMONS_LIMITS__SIGN_INS_PER_MINUTE", "100000"),
    ("COMMONS_LIMITS__SENDS_PER_TEN_SECONDS", "1000000"),
    ("COMMONS_LIMITS__SOCKETS_PER_ADDRESS", "10000"),
];

/// All that runs.
pub(crate) struct Cluster {
    pub(crate) postgres: Postgres,
    pub(crate) redis: Option<Redis>,
    /// The services and gateways.
    pub(crate) processes: Vec<Arc<Process>>,
    /// Every connection's middle.
    pub(crate) links: Vec<Arc<Proxy>>,
    /// Where clients connect, each behind a proxy.
    pub(crate) gateways: Vec<SocketAddr>,
    /// Where each process says whether it is ready.
    ready: Vec<String>,
    pub(crate) logs: PathBuf,
    http: reqwest::Client,
    folder: TempDir,
    binaries: Binaries,
    ports: Ports,
}

impl Cluster {
    /// Starts everything; ready when this returns.
    pub(crate) async fn start(cli: &Cli) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("commons-kill-")?;
        // Another user keeps the database in here.
        Command::new("chmod").arg("755").arg(folder.path()).status()?;
        let logs = folder.path().join("logs");
        std::fs::create_dir(&logs)?;
        let mut ports = Ports::new();
        let postgres = Postgres::start(folder.path(), &logs, ports.free()?)?;
        let redis = match cli.without_redis {
            true => None,
            false => Some(Redis::start(folder.path(), &logs, ports.free()?)?),
        };
        let mut cluster = Self {
            postgres,
            redis,
            processes: Vec::new(),
            links: Vec::new(),
            gateways: Vec::new(),
            ready: Vec::new(),
            logs,
            http: reqwest::Client::builder()
                .no_proxy()
                .timeout(Duration::from_secs(2))
                .build()?,
            folder,
            binaries: Binaries::new()?,
            ports,
        };
        cluster
            .until("PostgreSQL answers", async |cluster| {
                cluster.postgres.answers().await
            })
            .await?;
        cluster
            .until("Redis answers", async |cluster| cluster.redis_answers().await)
            .await?;
        match cli.shape {
            Shape::Single => cluster.single().await?,
            Shape::Separate => cluster.separate().await?,
        }
        cluster.until("everything is ready", Self::is_ready).await?;
        Ok(cluster)
    }

    /// One process with everything inside.
    async fn single(&mut self) -> anyhow::Result<()> {
        let port = self.ports.free()?;
        let mut command = self.program("commons")?;
        command.env("COMMONS_GATEWAY__LISTEN", at(port));
        self.data("commons", &mut command).await?;
        self.run("commons", command, port)?;
        self.gateway("commons", port).await
    }

    /// A process for each service, two where the promise says so.
    async fn separate(&mut self) -> anyhow::Result<()> {
        let mut migrate = self.program("commons")?;
        self.data("migrate", &mut migrate).await?;
        let migrated = migrate.arg("migrate").output()?;
        ensure!(
            migrated.status.success(),
            "commons migrate: {}",
            String::from_utf8_lossy(&migrated.stderr)
        );
        let (user, channel) = (self.ports.free()?, self.ports.free()?);
        let messages = [self.ports.free()?, self.ports.free()?];
        let user_url = url(user);
        for (name, number, port) in [
            ("user-service", "", user),
            ("channel-service", "", channel),
            ("message-service", "-1", messages[0]),
            ("message-service", "-2", messages[1]),
        ] {
            let mut command = self.program(name)?;
            let name = format!("{name}{number}");
            self.data(&name, &mut command).await?;
            command.env("COMMONS_SERVICES__LISTEN", at(port));
            command.env("COMMONS_SERVICES__USER_URL", &user_url);
            self.run(&name, command, port)?;
        }
        for (number, message) in messages.into_iter().enumerate() {
            let name = format!("gateway-{}", number + 1);
            let mut command = self.program("gateway")?;
            let port = self.ports.free()?;
            command.env("COMMONS_GATEWAY__LISTEN", at(port));
            command.env("COMMONS_GATEWAY__ADMIN_LISTEN", at(self.ports.free()?));
            for (service, port) in [("user", user), ("channel", channel), ("message", message)] {
                let link = self.link(&format!("{name}<>{service}"), port).await?;
                let setting = format!("COMMONS_SERVICES__{}_URL", service.to_uppercase());
                command.env(setting, format!("http://{}", link.address));
            }
            self.run(&name, command, port)?;
            self.gateway(&name, port).await?;
        }
        Ok(())
    }

    /// A program of the workspace with nothing of this process's environment.
    fn program(&self, name: &str) -> anyhow::Result<Command> {
        let mut command = program::command(&self.binaries.take(name)?, None, "KILL")?;
        command.env_clear().envs(UNLIMITED);
        command.env("COMMONS_SECRET", SECRET);
        command.env("COMMONS_DATA_DIR", self.folder.path().join("data"));
        command.current_dir(self.folder.path());
        Ok(command)
    }

    /// Tells a program of the data, through proxies of its own.
    async fn data(&mut self, name: &str, command: &mut Command) -> anyhow::Result<()> {
        let database = self
            .link(&format!("{name}<>postgres"), self.postgres.port)
            .await?;
        command.env("DATABASE_URL", Postgres::url(database.address.port()));
        if let Some(port) = self.redis.as_ref().map(|redis| redis.port) {
            let redis = self.link(&format!("{name}<>redis"), port).await?;
            command.env("REDIS_URL", format!("redis://{}", redis.address));
        }
        Ok(())
    }

    async fn link(&mut self, name: &str, to: u16) -> anyhow::Result<Arc<Proxy>> {
        let link = Proxy::listen(name, to).await?;
        self.links.push(link.clone());
        Ok(link)
    }

    async fn gateway(&mut self, name: &str, port: u16) -> anyhow::Result<()> {
        let link = self.link(&format!("clients<>{name}"), port).await?;
        self.gateways.push(link.address);
        Ok(())
    }

    fn run(&mut self, name: &str, command: Command, port: u16) -> anyhow::Result<()> {
        self.processes.push(Process::start(name, command, &self.logs)?);
        self.ready.push(format!("{}/ready", url(port)));
        Ok(())
    }

    /// Whether every process says that it is ready.
    pub(crate) async fn is_ready(&self) -> bool {
        for ready in &self.ready {
            let answer = self.http.get(ready).send().await;
            if !answer.is_ok_and(|answer| answer.status().is_success()) {
                return false;
            }
        }
        true
    }

    async fn redis_answers(&self) -> bool {
        match &self.redis {
            Some(redis) => redis.answers().await,
            None => true,
        }
    }

    /// Waits for something that a start brings about.
    pub(crate) async fn until(&self, what: &str, holds: impl AsyncFn(&Self) -> bool) -> anyhow::Result<()> {
        let deadline = Instant::now() + START;
        let mut tick = interval(Duration::from_millis(50));
        while !holds(self).await {
            if Instant::now() > deadline {
                bail!("not within {START:?}: {what}\n{}", self.last_words());
            }
            tick.tick().await;
        }
        Ok(())
    }

    /// What each process said last.
    fn last_words(&self) -> String {
        let of = |process: &Arc<Process>| {
            let said = process.said();
            let lines: Vec<&str> = said.lines().rev().take(8).collect();
            let lines: Vec<&str> = lines.into_iter().rev().collect();
            format!("{}:\n  {}\n", process.name, lines.join("\n  "))
        };
        self.all().map(of).collect()
    }

    /// Every process, the servers too.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Process>> {
        let servers = [
            Some(&self.postgres.process),
            self.redis.as_ref().map(|redis| &redis.process),
        ];
        self.processes.iter().chain(servers.into_iter().flatten())
    }

    /// The process of a name.
    pub(crate) fn process(&self, name: &str) -> anyhow::Result<&Arc<Process>> {
        let process = self.processes.iter().find(|process| process.name == name);
        process.with_context(|| format!("there is no {name}"))
    }

    /// The link of a name.
    pub(crate) fn link_named(&self, name: &str) -> anyhow::Result<&Arc<Proxy>> {
        let link = self.links.iter().find(|link| link.name == name);
        link.with_context(|| format!("there is no {name}"))
    }

    /// Ends everything: the services, then what they stand on. The logs stay when somebody wants them.
    pub(crate) async fn end(self, keep: bool) -> Option<PathBuf> {
        for process in self.all() {
            process.stay_down();
        }
        for process in &self.processes {
            process.end(Signal::TERM);
        }
        self.ended(&self.processes).await;
        // Its own way to end at once; the processes it has started end with it.
        self.postgres.process.end(Signal::QUIT);
        if let Some(redis) = &self.redis {
            redis.process.end(Signal::TERM);
        }
        self.ended(std::slice::from_ref(&self.postgres.process)).await;
        let Self { folder, logs, .. } = self;
        if keep {
            let _kept = folder.keep();
            return Some(logs);
        }
        None
    }

    /// Waits until they have ended; whoever does not is killed when it is dropped.
    async fn ended(&self, processes: &[Arc<Process>]) {
        let deadline = Instant::now() + END;
        let mut tick = interval(Duration::from_millis(20));
        while processes.iter().any(|process| process.id().is_some()) && Instant::now() < deadline {
            tick.tick().await;
        }
    }
}

fn at(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

fn url(port: u16) -> String {
    format!("http://{}", at(port))
}
