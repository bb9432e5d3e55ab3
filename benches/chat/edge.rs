//! The live edge under load: thousands of subscribers of a server that runs everything in one process,
//! whose CPU time is counted from outside.
//!
//! Subscribers are as cheap as can be, because they share the machine with what they measure; each checks
//! that numbers are dense and in order, and one that misses a message or gets it twice fails the run.

mod board;
mod copier;
mod crowd;
mod deliver;
mod follower;
mod idle;
mod line;
mod paused;
mod publish;
mod reconnect;
mod spread;
mod wire;

pub(crate) use copier::{ARGUMENT as COPY_FRAMES, copy_frames};

use crate::{
    process::Server,
    world::{World, folder},
};
use anyhow::Context;
use commons_platform::process::raise_file_limit;
use follower::Ticket;
use std::{net::SocketAddr, sync::Arc};
use tempfile::TempDir;

/// What can be asked for by itself.
pub(crate) const PARTS: [&str; 5] = ["deliver", "spread", "idle", "paused", "reconnect"];

/// Measures these parts, all when there are none, and prints.
pub(crate) async fn run(parts: &[String]) -> anyhow::Result<()> {
    raise_file_limit();
    for part in PARTS {
        if !parts.is_empty() && !parts.iter().any(|wanted| wanted == part) {
            continue;
        }
        let measured = match part {
            "deliver" => deliver::run().await,
            "spread" => spread::run().await,
            "idle" => idle::run().await,
            "paused" => paused::run().await,
            _ => reconnect::run().await,
        };
        measured.context(part)?;
    }
    Ok(())
}

/// A server with people on it.
struct Community {
    server: Server,
    world: World,
    /// Everybody's `authorization`.
    authorizations: Vec<Arc<str>>,
    data: TempDir,
}

impl Community {
    async fn found(people: usize) -> anyhow::Result<Self> {
        let data = folder()?;
        let server = Server::start(data.path()).await?;
        let world = World::found(&server.base, people).await?;
        let authorizations = world
            .people
            .iter()
            .map(|person| person.authorization.as_deref().map(Arc::from))
            .collect::<Option<_>>()
            .context("everybody is signed in")?;
        Ok(Self {
            server,
            world,
            authorizations,
            data,
        })
    }

    /// So many followers of a channel from now on, everybody's turn being the same.
    fn tickets(&self, channel: &Arc<str>, count: usize) -> Vec<Ticket> {
        let ticket = |authorization: &Arc<str>| Ticket {
            authorization: authorization.clone(),
            channel: channel.clone(),
            after: None,
        };
        self.authorizations
            .iter()
            .cycle()
            .take(count)
            .map(ticket)
            .collect()
    }
}

/// Where a server is.
fn address(server: &Server) -> anyhow::Result<SocketAddr> {
    let address = server.base.trim_start_matches("http://");
    address.parse().with_context(|| format!("no address: {address}"))
}
