//! Sends into one channel: grouped by the service against one transaction a message on the same
//! file, and through the gateway.
//!
//! The hand-written transactions do less than the service: they check no permission, look up no
//! nonce and wake no follower. So the ratio is a lower bound of what the grouping is worth.

mod in_process;

use crate::{
    client::Client,
    load::{Done, closed_loop},
    process::Server,
    sql::statement,
    table,
    world::{BODY, World, folder, send},
};
use anyhow::{Context, ensure};
use commons::Services;
use commons_platform::{Platform, config::Config};
use in_process::InProcess;
pub(crate) use in_process::stream;
use sea_orm::ConnectionTrait;
use std::{path::Path, time::Duration};
use uuid::Uuid;

const SENDERS: [usize; 4] = [1, 32, 64, 256];
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_millis(1_500);
const THROUGH_GATEWAY: Duration = Duration::from_secs(3);
const WARM_UP: Duration = Duration::from_millis(500);

/// What was measured with so many senders.
#[derive(Default)]
struct Figures {
    grouped: Done,
    single: Done,
    gateway: Done,
    /// The server's CPU time during `gateway`.
    cpu: Duration,
}

/// Measures and prints.
pub(crate) async fn run() -> anyhow::Result<()> {
    let data = folder()?;
    let server = Server::start(data.path()).await?;
    let people = SENDERS.into_iter().max().unwrap_or_default();
    let world = World::found(&server.base, people).await?;
    let [grouped, single, gateway] = [
        world.channel("grouped").await?,
        world.channel("single").await?,
        world.channel("gateway").await?,
    ];
    let mut figures: Vec<Figures> = Vec::new();
    let mut sent = through_gateway(&world.people, &gateway, 32, WARM_UP)
        .await?
        .times
        .len();
    for senders in SENDERS {
        let before = server.cpu()?;
        let done = through_gateway(&world.people, &gateway, senders, THROUGH_GATEWAY).await?;
        sent += done.times.len();
        figures.push(Figures {
            cpu: server.cpu()? - before,
            gateway: done,
            ..Figures::default()
        });
    }
    server.stop().await?;

    let services = Services::start(settings(data.path())?).await?;
    let bench = InProcess::new(&services, &world.people, &grouped, &single)?;
    let (mut in_groups, mut singly) = (bench.grouped(32, WARM_UP).await?.times.len(), 0);
    for (senders, figures) in SENDERS.into_iter().zip(&mut figures) {
        for _ in 0..ROUNDS {
            figures.grouped.add(bench.grouped(senders, ROUND).await?);
            figures.single.add(bench.single(senders, ROUND).await?);
        }
        in_groups += figures.grouped.times.len();
        singly += figures.single.times.len();
    }
    for (channel, acknowledged) in [(&grouped, in_groups), (&single, singly), (&gateway, sent)] {
        check(&services.platform, stream(channel)?, acknowledged).await?;
    }
    services.stop().await;
    print(&figures);
    println!(
        "\nAll {} messages are there, numbered densely.",
        in_groups + singly + sent
    );
    Ok(())
}

/// Sends over HTTP, each sender on a connection of its own.
async fn through_gateway(
    people: &[Client],
    channel: &str,
    senders: usize,
    time: Duration,
) -> anyhow::Result<Done> {
    let (people, body) = (people.to_vec(), send(channel, BODY));
    closed_loop(senders, time, move |sender| {
        let (person, body) = (people[sender].clone(), body.clone());
        async move { person.answer(body).await.map(|_| ()) }
    })
    .await
}

/// The settings that the server had.
fn settings(data: &Path) -> anyhow::Result<Config> {
    let overrides = format!("data_dir = {data:?}\nlimits.sends_per_ten_seconds = 1000000");
    Ok(Config::from_toml(&overrides)?)
}

/// Every acknowledged message is there once, and numbers have no holes.
async fn check(platform: &Platform, channel: Uuid, acknowledged: usize) -> anyhow::Result<()> {
    let sql = "SELECT (SELECT head_seq FROM stream WHERE id = ?1), \
        (SELECT count(DISTINCT seq) FROM message WHERE channel_id = ?1 AND seq > 0), \
        (SELECT max(ordinal) FROM message WHERE channel_id = ?1), \
        (SELECT count(*) FROM stream_event WHERE stream_id = ?1 AND seq > 0), \
        (SELECT max(seq) FROM stream_event WHERE stream_id = ?1)";
    let row = platform
        .db
        .read()
        .query_one_raw(statement(sql, [channel.into()]))
        .await?
        .context("no row")?;
    let counts = (0..5)
        .map(|column| row.try_get_by(column))
        .collect::<Result<Vec<i64>, _>>()?;
    let expected = i64::try_from(acknowledged)?;
    ensure!(
        counts.iter().all(|count| *count == expected),
        "{acknowledged} were acknowledged, there are {counts:?}"
    );
    Ok(())
}

fn print(figures: &[Figures]) {
    let rows: Vec<Vec<String>> = SENDERS
        .iter()
        .zip(figures)
        .map(
            |(
                senders,
                Figures {
                    grouped,
                    single,
                    gateway,
                    cpu,
                },
            )| {
                let with_times = |done: &Done| {
                    let (half, most) = (done.quantile(0.5), done.quantile(0.99));
                    format!(
                        "{} ({} / {})",
                        table::rate(done.rate()),
                        table::millis(half),
                        table::millis(most)
                    )
                };
                vec![
                    senders.to_string(),
                    with_times(grouped),
                    with_times(single),
                    format!("{:.1} ×", grouped.rate() / single.rate()),
                    with_times(gateway),
                    table::millis(*cpu / u32::try_from(gateway.times.len()).unwrap_or(u32::MAX).max(1)),
                ]
            },
        )
        .collect();
    let columns = [
        "senders",
        "grouped (p50 / p99)",
        "one transaction each (p50 / p99)",
        "ratio",
        "through the gateway (p50 / p99)",
        "server CPU a send",
    ];
    table::print("Sends into one channel", &columns, &rows);
}
