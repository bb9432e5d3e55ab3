//! A Redis server of a test's own, for tests that stop, hang, wipe or kill one.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// How long the server may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server, killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    port: u16,
    folder: TempDir,
    /// Further settings, as arguments.
    extra: Vec<String>,
    process: Option<Child>,
}

impl Server {
    /// Starts a server on a free port, or gives none where tests have no Redis.
    pub async fn start() -> Option<Self> {
        Self::start_with(Vec::new()).await
    }

    /// Starts three servers that are a Redis Cluster, or gives none where tests have no Redis.
    pub async fn start_cluster() -> Option<[Self; 3]> {
        let node = async || {
            let bus = free_port().to_string();
            Self::start_with(
                ["--cluster-enabled", "yes", "--cluster-port", &bus]
                    .map(str::to_owned)
                    .to_vec(),
            )
            .await
        };
        let nodes = [node().await?, node().await?, node().await?];
        for (node, [from, to]) in nodes
            .iter()
            .zip([["0", "5460"], ["5461", "10922"], ["10923", "16383"]])
        {
            node.say(&["CLUSTER", "ADDSLOTSRANGE", from, to]).await;
        }
        let first = &nodes[0];
        for node in &nodes[1..] {
            let (port, bus) = (first.port.to_string(), first.extra[3].clone());
            node.say(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]).await;
        }
        let together = async {
            for node in &nodes {
                while !node.is_whole().await {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        };
        tokio::time::timeout(PATIENCE, together)
            .await
            .expect("the cluster forms");
        Some(nodes)
    }

    async fn start_with(extra: Vec<String>) -> Option<Self> {
        std::env::var(super::REDIS_URL).ok()?;
        let mut server = Self {
            port: free_port(),
            folder: tempfile::tempdir().unwrap(),
            extra,
            process: None,
        };
        server.restart().await;
        Some(server)
    }

    async fn is_whole(&self) -> bool {
        let info: String = redis::from_redis_value(self.say(&["CLUSTER", "INFO"]).await).unwrap();
        info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it, as a crash does.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Starts it after [`Server::kill`], with the data of the last [`Server::save`].
    pub async fn restart(&mut self) {
        let started = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(self.folder.path())
            .args(&self.extra)
            .stdout(Stdio::null())
            .spawn();
        self.process = Some(started.expect("redis-server is installed"));
        let answering = async {
            while self.try_say(&["PING"]).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, answering)
            .await
            .expect("the server starts");
    }

    /// Stops it without closing its connections.
    pub fn hang(&self) {
        self.signal("STOP");
    }

    /// Lets it go on after [`Server::hang`].
    pub fn go_on(&self) {
        self.signal("CONT");
    }

    /// Forgets everything it holds.
    pub async fn wipe(&self) {
        self.say(&["FLUSHALL"]).await;
    }

    /// Writes a snapshot, which it has again after a restart.
    pub async fn save(&self) {
        self.say(&["SAVE"]).await;
    }

    /// One command to the server.
    pub async fn say(&self, command: &[&str]) -> redis::Value {
        self.try_say(command).await.unwrap()
    }

    async fn try_say(&self, command: &[&str]) -> redis::RedisResult<redis::Value> {
        let client = redis::Client::open(self.url())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let mut said = redis::Cmd::new();
        said.arg(command);
        said.query_async(&mut connection).await
    }

    fn signal(&self, signal: &str) {
        let process = self.process.as_ref().expect("the server runs");
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), &process.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
