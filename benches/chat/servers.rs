//! Separate services on PostgreSQL and Redis, through the gateway, beside what PostgreSQL does alone:
//! `pgbench` with as many clients and statements that are prepared.
//!
//! Both are measured in turn on the same server. `pgbench` checks no permission, keeps no promise to
//! subscribers and formats nothing: it is the limit.

mod fleet;
mod pgbench;

use crate::{
    client::{Client, body},
    load::{Done, closed_loop},
    page, sends, table,
    world::{BODY, World, folder, send},
};
use anyhow::{Context, ensure};
use bytes::Bytes;
use commons_testing::database::{DATABASE_URL, ServerDatabase};
use fleet::{Cpu, Fleet, one};
use sea_orm::ConnectionTrait;
use serde_json::json;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use uuid::Uuid;

const SENDERS: usize = 64;
const CHANNELS: usize = 100;
const READERS: [usize; 3] = [1, 8, 32];
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(4);
const WARM_UP: Duration = Duration::from_secs(1);

/// Where a run takes place.
struct Place<'p> {
    fleet: &'p Fleet,
    folder: &'p Path,
    database: &'p str,
}

/// One kind of request under one load, beside `pgbench`.
struct Measured {
    what: String,
    done: Done,
    cpu: Cpu,
    alone: Option<Alone>,
}

/// What `pgbench` did beside it.
struct Alone {
    /// In a second, on average over its rounds.
    rate: f64,
    /// PostgreSQL's CPU time for each of its transactions.
    cpu: Duration,
}

/// Measures and prints; needs `TEST_DATABASE_URL` and `TEST_REDIS_URL`.
pub(crate) async fn run() -> anyhow::Result<()> {
    let wanted = "run it under testing/with-services";
    let server = std::env::var(DATABASE_URL).context(wanted)?;
    let redis = std::env::var("TEST_REDIS_URL").context(wanted)?;
    let database = ServerDatabase::empty(&server).await;
    let (folder, url) = (folder()?, database.url());
    let fleet = Fleet::start(folder.path(), &url, &redis).await?;
    let sequence = "CREATE SEQUENCE bench_id CACHE 100";
    fleet.db.execute_unprepared(sequence).await?;
    let place = Place {
        fleet: &fleet,
        folder: folder.path(),
        database: &url,
    };
    let world = World::found(&fleet.base, SENDERS).await?;
    let people = people(&fleet).await?;
    let sends = [
        into_one(&place, &world, people[0]).await?,
        into_many(&place, &world, people[0]).await?,
    ];
    print("Sends, 64 at a time", &sends);
    print(
        "The newest 50 messages with authors",
        &pages(&place, &world, &people).await?,
    );
    Ok(())
}

/// Everybody into one channel, beside a transaction for each message.
async fn into_one(place: &Place<'_>, world: &World, author: Uuid) -> anyhow::Result<Measured> {
    let ours = vec![world.channel("one").await?];
    let theirs = sends::stream(&world.channel("one-alone").await?)?;
    let script = pgbench::ungrouped(theirs, author, BODY);
    measure_sends(place, world, "one channel; alone: ungrouped", &ours, &script).await
}

/// Everybody into a hundred channels in turn, beside one insert for each message.
async fn into_many(place: &Place<'_>, world: &World, author: Uuid) -> anyhow::Result<Measured> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for number in 0..CHANNELS {
        ours.push(world.channel(&format!("many-{number}")).await?);
        theirs.push(sends::stream(&world.channel(&format!("alone-{number}")).await?)?);
    }
    let script = pgbench::single(&theirs, author, BODY);
    measure_sends(
        place,
        world,
        "100 channels; alone: single inserts",
        &ours,
        &script,
    )
    .await
}

async fn measure_sends(
    place: &Place<'_>,
    world: &World,
    what: &str,
    channels: &[String],
    script: &str,
) -> anyhow::Result<Measured> {
    let bodies = channels.iter().map(|channel| send(channel, BODY)).collect();
    let (measured, answered) = beside(place, what, &world.people, bodies, Some(script)).await?;
    let ids: Vec<String> = channels
        .iter()
        .map(|channel| Ok(format!("'{}'", sends::stream(channel)?)))
        .collect::<anyhow::Result<_>>()?;
    let ids = ids.join(",");
    for counted in [
        "count(DISTINCT (channel_id, seq)) FROM message WHERE channel_id",
        "sum(head_seq)::bigint FROM stream WHERE id",
        "count(*) FROM stream_event WHERE stream_id",
    ] {
        let count: i64 = one(&place.fleet.db, &format!("SELECT {counted} IN ({ids})")).await?;
        ensure!(
            count == i64::try_from(answered)?,
            "{answered} were answered, {count}: {counted}"
        );
    }
    Ok(measured)
}

/// Pages of one channel, beside the statements that they are made of.
async fn pages(place: &Place<'_>, world: &World, people: &[Uuid]) -> anyhow::Result<Vec<Measured>> {
    let channel = world.channel("history").await?;
    page::seed(world, &channel).await?;
    page::check(&world.people[0], &channel).await?;
    place.fleet.db.execute_unprepared("VACUUM ANALYZE").await?;
    let request = body(page::PAGE, json!({ "channel": channel }));
    let script = pgbench::page(sends::stream(&channel)?, people);
    let mut measured = Vec::new();
    for readers in READERS {
        let (what, readers) = (format!("{readers} at a time"), &world.people[..readers]);
        let (figures, _) = beside(place, &what, readers, vec![request.clone()], Some(&script)).await?;
        measured.push(figures);
    }
    // The floor of whatever goes through the gateway.
    let floor = vec![body(page::FLOOR, json!({}))];
    let readers = READERS[READERS.len() - 1];
    let what = format!("{readers} at a time, `{}` instead", page::FLOOR);
    let (figures, _) = beside(place, &what, &world.people[..readers], floor, None).await?;
    measured.push(figures);
    Ok(measured)
}

/// Lets everybody ask, and `pgbench` with as many clients, in turn where there is a script for it; also
/// how often was answered in all.
async fn beside(
    place: &Place<'_>,
    what: &str,
    people: &[Client],
    requests: Vec<Bytes>,
    script: Option<&str>,
) -> anyhow::Result<(Measured, usize)> {
    let (count, people, next) = (people.len(), people.to_vec(), Arc::new(AtomicUsize::new(0)));
    let work = move |worker: usize| {
        let turn = next.fetch_add(1, Ordering::Relaxed) % requests.len();
        let (person, request) = (people[worker].clone(), requests[turn].clone());
        async move { person.answer(request).await.map(|_| ()) }
    };
    let mut answered = closed_loop(count, WARM_UP, work.clone()).await?.times.len();
    let pgbench = async |time| match script {
        Some(script) => pgbench::run(place.folder, place.database, script, count, time).await,
        None => Ok(0.0),
    };
    pgbench(WARM_UP).await?;
    let (mut done, mut cpu) = (Done::default(), Cpu::default());
    let (mut rates, mut alone_cpu) = (0.0, Duration::ZERO);
    for _ in 0..ROUNDS {
        let before = place.fleet.cpu()?;
        done.add(closed_loop(count, ROUND, work.clone()).await?);
        let between = place.fleet.cpu()?;
        rates += pgbench(ROUND).await?;
        cpu += between - before;
        alone_cpu += (place.fleet.cpu()? - between).postgres;
    }
    answered += done.times.len();
    let rounds = f64::from(u32::try_from(ROUNDS)?);
    let alone = script.map(|_| Alone {
        rate: rates / rounds,
        cpu: alone_cpu.div_f64(rates * ROUND.as_secs_f64()),
    });
    let what = what.to_owned();
    Ok((
        Measured {
            what,
            done,
            cpu,
            alone,
        },
        answered,
    ))
}

/// Everybody's id, the owner's first.
async fn people(fleet: &Fleet) -> anyhow::Result<Vec<Uuid>> {
    let sql = "SELECT array_agg(id ORDER BY id) FROM \"user\" WHERE kind = 'PERSON'";
    let people: Vec<Uuid> = one(&fleet.db, sql).await?;
    ensure!(people.len() == SENDERS, "there are {} people", people.len());
    Ok(people)
}

fn print(heading: &str, figures: &[Measured]) {
    let rows: Vec<Vec<String>> = figures
        .iter()
        .map(|measured| {
            let done = &measured.done;
            let each = |time: Duration| table::millis(time.div_f64(done.times.len() as f64));
            let beside =
                |said: &dyn Fn(&Alone) -> String| measured.alone.as_ref().map_or("–".to_owned(), said);
            vec![
                measured.what.clone(),
                table::rate(done.rate()),
                format!(
                    "{} / {}",
                    table::millis(done.quantile(0.5)),
                    table::millis(done.quantile(0.99))
                ),
                each(measured.cpu.gateway),
                each(measured.cpu.services),
                each(measured.cpu.postgres),
                each(measured.cpu.load),
                beside(&|alone| table::rate(alone.rate)),
                beside(&|alone| table::millis(alone.cpu)),
                beside(&|alone| format!("{:.2} ×", done.rate() / alone.rate)),
            ]
        })
        .collect();
    let columns = [
        "",
        "through the gateway",
        "p50 / p99",
        "CPU each: gateway",
        "services",
        "PostgreSQL",
        "the load itself",
        "PostgreSQL alone",
        "its CPU each",
        "ratio",
    ];
    table::print(heading, &columns, &rows);
}
