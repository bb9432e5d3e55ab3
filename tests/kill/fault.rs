//! One fault: what it does, and from when its recovery is measured.

use crate::cluster::Cluster;
use anyhow::Context;
use rustix::process::Signal;
use std::{fmt, time::Duration};
use tokio::time::sleep;

/// What happens, to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A process gets SIGKILL and is started again.
    Kill(String),
    /// A process gets SIGTERM and is started again.
    Terminate(String),
    /// A process stands still.
    Pause(String, Duration),
    /// Redis gets SIGKILL and comes back empty.
    RedisKill,
    /// Redis forgets everything.
    RedisFlush,
    /// Redis stands still.
    RedisPause(Duration),
    /// PostgreSQL ends at once, as when the machine loses power, and is started again.
    PostgresStop,
    /// PostgreSQL stands still with all its processes.
    PostgresPause(Duration),
    /// All connections of a link are reset.
    Cut(String),
    /// Bytes of a link are kept for a while.
    Hold(String, Duration),
}

/// From when the next acknowledged send and the next event are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    /// From the fault: others can serve, or nothing is missing.
    Fault,
    /// From the end of the disturbance: till then nobody can serve.
    End,
}

impl Fault {
    /// The word by which it is counted.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Kill(_) => "kill -9",
            Self::Terminate(_) => "terminate",
            Self::Pause(..) => "pause",
            Self::RedisKill => "redis: kill -9",
            Self::RedisFlush => "redis: wipe",
            Self::RedisPause(_) => "redis: pause",
            Self::PostgresStop => "postgres: stop",
            Self::PostgresPause(_) => "postgres: pause",
            Self::Cut(_) => "cut",
            Self::Hold(..) => "hold",
        }
    }

    /// Whether only Redis is hurt, without which nothing may be missing.
    pub(crate) fn is_of_redis(&self) -> bool {
        match self {
            Self::RedisKill | Self::RedisFlush | Self::RedisPause(_) => true,
            Self::Cut(link) | Self::Hold(link, _) => link.ends_with("<>redis"),
            _ => false,
        }
    }

    /// `replicated`: there are two of all that clients need.
    pub(crate) fn clock(&self, replicated: bool) -> Clock {
        match self {
            Self::PostgresStop | Self::PostgresPause(_) => Clock::End,
            Self::Pause(..) if !replicated => Clock::End,
            Self::Hold(..) if !replicated && !self.is_of_redis() => Clock::End,
            _ => Clock::Fault,
        }
    }

    /// Does it, and returns when the disturbance is over but for what has to start again.
    pub(crate) async fn inflict(&self, cluster: &Cluster) -> anyhow::Result<()> {
        match self {
            Self::Kill(name) => {
                cluster.process(name)?.end(Signal::KILL);
            }
            Self::Terminate(name) => {
                cluster.process(name)?.end(Signal::TERM);
            }
            Self::Pause(name, time) => {
                let process = cluster.process(name)?;
                process.signal(Signal::STOP);
                sleep(*time).await;
                process.signal(Signal::CONT);
            }
            Self::RedisKill => {
                redis(cluster)?.process.end(Signal::KILL);
            }
            // It may be away because of the fault before.
            Self::RedisFlush => drop(redis(cluster)?.flush().await),
            Self::RedisPause(time) => {
                let redis = redis(cluster)?;
                redis.process.signal(Signal::STOP);
                sleep(*time).await;
                redis.process.signal(Signal::CONT);
            }
            Self::PostgresStop => {
                let process = &cluster.postgres.process;
                let before = process.id();
                process.end(Signal::QUIT);
                let is_new = |id: Option<u32>| id.is_some() && id != before;
                cluster
                    .until("PostgreSQL starts again", async |_| is_new(process.id()))
                    .await?;
                cluster
                    .until("PostgreSQL answers again", async |cluster| {
                        cluster.postgres.answers().await
                    })
                    .await?;
            }
            Self::PostgresPause(time) => {
                cluster.postgres.pause();
                sleep(*time).await;
                cluster.postgres.resume();
            }
            Self::Cut(link) => {
                cluster.link_named(link)?.cut();
            }
            Self::Hold(link, time) => {
                let link = cluster.link_named(link)?;
                link.hold();
                sleep(*time).await;
                link.release();
            }
        }
        Ok(())
    }
}

fn redis(cluster: &Cluster) -> anyhow::Result<&crate::redis::Redis> {
    cluster.redis.as_ref().context("there is no Redis")
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self {
            Self::Kill(name) | Self::Terminate(name) | Self::Cut(name) => write!(f, " {name}"),
            Self::Pause(name, time) | Self::Hold(name, time) => {
                write!(f, " {name} for {:.1} s", time.as_secs_f32())
            }
            Self::RedisPause(time) | Self::PostgresPause(time) => {
                write!(f, " for {:.1} s", time.as_secs_f32())
            }
            Self::RedisKill | Self::RedisFlush | Self::PostgresStop => Ok(()),
        }
    }
}
