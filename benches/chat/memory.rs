//! What an idle server costs, and how long it takes to answer after it was started.

use crate::{
    client::Client,
    load::quantile,
    process::Server,
    table,
    world::{BODY, World, folder, send},
};
use anyhow::ensure;
use serde_json::json;
use std::time::{Duration, Instant};

const STARTS: usize = 10;
const MESSAGES: usize = 500;

/// Measures and prints; the server idles for `idle` without a client.
pub(crate) async fn run(idle: Duration) -> anyhow::Result<()> {
    let data = folder()?;
    let server = Server::start(data.path()).await?;
    let world = World::found(&server.base, 2).await?;
    let message = send(&world.channel("past").await?, BODY);
    for _ in 0..MESSAGES {
        world.people[0].answer(message.clone()).await?;
    }
    server.stop().await?;

    let (mut ready, mut first) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let executed = Instant::now();
        let server = Server::start(data.path()).await?;
        ready.push(executed.elapsed());
        let answer = Client::new(&server.base, None)?
            .data("{ instance { name } }", json!({}))
            .await?;
        first.push(executed.elapsed());
        ensure!(answer["instance"]["name"].is_string(), "no answer: {answer}");
        server.stop().await?;
    }

    let server = Server::start(data.path()).await?;
    tokio::time::sleep(idle).await;
    let mib = |field| anyhow::Ok(format!("{:.1} MiB", server.memory(field)?));
    let rows = [
        vec![
            format!("RSS {} s after the start, no client", idle.as_secs()),
            mib("VmRSS")?,
        ],
        vec![
            "— of it private memory (heap, stacks)".to_owned(),
            mib("RssAnon")?,
        ],
        vec![
            "— of it pages of files (the binary, SQLite)".to_owned(),
            mib("RssFile")?,
        ],
        vec!["most RSS so far".to_owned(), mib("VmHWM")?],
        vec![
            format!("CPU used in these {} s, the start included", idle.as_secs()),
            table::millis(server.cpu()?),
        ],
        vec![
            "exec → address taken, median of 10".to_owned(),
            table::millis(quantile(&ready, 0.5)),
        ],
        vec![
            "exec → first answer, median of 10".to_owned(),
            table::millis(quantile(&first, 0.5)),
        ],
        vec![
            "exec → first answer, slowest of 10".to_owned(),
            table::millis(quantile(&first, 1.0)),
        ],
    ];
    server.stop().await?;
    table::print("Memory and start", &["what", "measured"], &rows);
    Ok(())
}
