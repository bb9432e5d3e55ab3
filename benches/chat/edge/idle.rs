//! What a subscription costs that nothing happens to: the memory of the server, not the system's
//! buffers.

use super::{Community, address, crowd::Crowd, line::Way, publish::publisher};
use crate::{process::Server, table};
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

const PEOPLE: usize = 16;
/// So many let the server take what it takes only once.
const WARM_UP: usize = 100;
/// How many follow, all told.
const STEPS: [usize; 2] = [1_000, 10_000];
/// Afterwards what connecting needs for a moment is given back.
const REST: Duration = Duration::from_secs(2);

/// The server's memory in MiB.
struct Memory {
    resident: f64,
    private: f64,
}

impl Memory {
    async fn of(server: &Server) -> anyhow::Result<Self> {
        sleep(REST).await;
        Ok(Self {
            resident: server.memory("VmRSS")?,
            private: server.memory("RssAnon")?,
        })
    }
}

/// Measures and prints.
pub(super) async fn run() -> anyhow::Result<()> {
    let community = Community::found(PEOPLE).await?;
    let server = &community.server;
    let place = address(server)?;
    let channel: Arc<str> = community.world.channel("idle").await?.into();
    let send = publisher(&server.base, &community.world.people[0], &channel)?;
    let warm_up = Crowd::gather(place, Way::Socket, community.tickets(&channel, WARM_UP)).await?;
    send(0).await?;
    warm_up.received(WARM_UP as u64).await?;
    warm_up.leave().await?;

    let before = Memory::of(server).await?;
    let (mut crowds, mut rows, mut present) = (Vec::new(), Vec::new(), 0);
    for step in STEPS {
        let tickets = community.tickets(&channel, step - present);
        crowds.push(Crowd::gather(place, Way::Socket, tickets).await?);
        present = step;
        let after = Memory::of(server).await?;
        let each = |more: f64| format!("{:.0} B", more * 1024.0 * 1024.0 / step as f64);
        rows.push(vec![
            step.to_string(),
            format!("{:.1} MiB", before.resident),
            format!("{:.1} MiB", after.resident),
            each(after.resident - before.resident),
            "≤ 12 KB".to_owned(),
            each(after.private - before.private),
        ]);
    }
    send(0).await?;
    for crowd in crowds {
        crowd.received(crowd.size() as u64).await?;
        crowd.leave().await?;
    }
    community.server.stop().await?;
    let columns = [
        "idle subscriptions",
        "RSS before",
        "RSS with them",
        "each",
        "expected",
        "private memory each",
    ];
    table::print("Idle subscriptions", &columns, &rows);
    println!("\nA message afterwards came to all of them.");
    Ok(())
}
