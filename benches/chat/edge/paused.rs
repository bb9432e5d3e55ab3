//! What clients cost that stop reading while a stream goes on: the memory of the server, not the system's
//! buffers.

use super::{
    Community, address,
    crowd::Crowd,
    line::Way,
    publish::{Gate, Pace, Publisher, publish, publisher},
};
use crate::{process::Server, table};
use anyhow::ensure;
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

const PEOPLE: usize = 16;
const PAUSED: usize = 100;
/// How many events go by.
const EVENTS: usize = 10_000;
/// How long each burst of them is.
const BURST: Duration = Duration::from_secs(1);
/// Afterwards what sending needs for a moment is given back.
const REST: Duration = Duration::from_secs(2);

/// Measures and prints.
pub(super) async fn run() -> anyhow::Result<()> {
    let community = Community::found(PEOPLE).await?;
    let server = &community.server;
    let channel: Arc<str> = community.world.channel("paused").await?.into();
    let send = publisher(&server.base, &community.world.people[0], &channel)?;
    let place = address(server)?;
    let crowd = Crowd::gather(place, Way::Socket, community.tickets(&channel, PAUSED)).await?;
    // All that so many events leave in memory, while everybody reads.
    let (sent, _) = events(server, &send, Gate::of(&crowd, PAUSED as u64)).await?;
    crowd.received((sent * PAUSED) as u64).await?;
    sleep(REST).await;
    let before = server.memory("VmRSS")?;

    let held = crowd.hold().await?;
    let (_, peak) = events(server, &send, Gate::open()).await?;
    crowd.board().expect_the_end();
    drop(held);
    crowd.gone().await?;
    let records = crowd.leave().await?;
    let last = send(0).await?;
    ensure!(
        records.iter().all(|record| record.last + 1 < last),
        "somebody had everything without reading"
    );
    community.server.stop().await?;
    let row = vec![
        PAUSED.to_string(),
        format!("{before:.1} MiB"),
        format!("{peak:.1} MiB"),
        format!("{:.0} KiB", (peak - before).max(0.0) * 1024.0 / PAUSED as f64),
        "≤ 1024 KiB".to_owned(),
    ];
    let columns = ["paused clients", "RSS before", "RSS at most", "each", "expected"];
    table::print(
        "Clients that stop reading in a stream of 10,000 events",
        &columns,
        &[row],
    );
    println!("\nEach was told that it lags, and that was the end of its subscription.");
    Ok(())
}

/// Sends that many; how many they were, and the most memory in MiB that was seen.
async fn events(server: &Server, send: &Publisher, gate: Gate) -> anyhow::Result<(usize, f64)> {
    let (mut sent, mut peak) = (0, 0.0_f64);
    while sent < EVENTS {
        sent += publish(Pace::Saturated, BURST, gate.clone(), send.clone())
            .await?
            .len();
        peak = peak.max(server.memory("VmRSS")?);
    }
    Ok((sent, peak))
}
