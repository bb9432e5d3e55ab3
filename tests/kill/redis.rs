//! A Redis of our own, which keeps nothing on the disk.

use crate::{process::Process, program};
use anyhow::{Context, ensure};
use std::{net::Ipv4Addr, path::Path, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(2);

/// The server.
pub(crate) struct Redis {
    pub(crate) process: Arc<Process>,
    pub(crate) port: u16,
}

impl Redis {
    pub(crate) fn start(folder: &Path, logs: &Path, port: u16) -> anyhow::Result<Self> {
        let mut command = program::command(&program::installed("redis-server")?, None, "KILL")?;
        command
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(folder);
        let process = Process::start("redis", command, logs)?;
        Ok(Self { process, port })
    }

    /// Whether it answers.
    pub(crate) async fn answers(&self) -> bool {
        self.say("PING", "+PONG").await.is_ok()
    }

    /// Forgets everything.
    pub(crate) async fn flush(&self) -> anyhow::Result<()> {
        self.say("FLUSHALL", "+OK").await
    }

    async fn say(&self, word: &str, wanted: &str) -> anyhow::Result<()> {
        let talk = async {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
            stream.write_all(format!("{word}\r\n").as_bytes()).await?;
            let mut answer = [0; 64];
            let read = stream.read(&mut answer).await?;
            let answer = String::from_utf8_lossy(&answer[..read]).trim().to_owned();
            ensure!(answer == wanted, "Redis says {answer}");
            anyhow::Ok(())
        };
        timeout(PATIENCE, talk).await.context("Redis does not answer")?
    }
}
