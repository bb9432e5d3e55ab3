//! A server is restarted under ten thousand clients: how long until all of them are back, with what they
//! missed.
//!
//! Messages are sent as soon as the server answers again, before clients come and while they do:
//! everybody has something to catch up with.

use super::{
    Community, address,
    board::Record,
    crowd::{Crowd, complete},
    follower::Ticket,
    line::Way,
    publish::{Gate, Pace, Publisher, last, publish, publisher},
};
use crate::{
    load::quantile,
    process::{Server, ready},
    table,
};
use anyhow::Context;
use commons_platform::task;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::time::{MissedTickBehavior, interval};

const ACCOUNTS: usize = 64;
const CLIENTS: usize = 10_000;
const BEFORE: Duration = Duration::from_secs(1);
/// How many messages are sent before the first client is back.
const MISSED: usize = 10;
/// How often one is sent while they come.
const PACE: Duration = Duration::from_millis(100);

/// How the clients came back.
struct Return {
    /// How long the old server took to end.
    goodbye: Duration,
    /// From the new server's readiness to each client being live, and to all of them.
    each: Vec<Duration>,
    all: Duration,
    /// Connections that were refused and tried again.
    retries: usize,
    cpu: Duration,
    missed: i64,
}

/// Measures and prints.
pub(super) async fn run() -> anyhow::Result<()> {
    let community = Community::found(ACCOUNTS).await?;
    let place = address(&community.server)?;
    let channel: Arc<str> = community.world.channel("reconnect").await?.into();
    let mut tickets = community.tickets(&channel, CLIENTS);
    let crowd = Crowd::gather(place, Way::Socket, tickets.clone()).await?;
    let Community {
        server, world, data, ..
    } = community;
    let send = publisher(&server.base, &world.people[0], &channel)?;
    let gate = Gate::of(&crowd, CLIENTS as u64);
    let sent = publish(Pace::PerSecond(10.0), BEFORE, gate, send).await?;
    crowd.received((sent.len() * CLIENTS) as u64).await?;

    crowd.board().expect_the_end();
    let stopping = Instant::now();
    server.stop().await?;
    let goodbye = stopping.elapsed();
    crowd.gone().await?;
    let records = crowd.leave().await?;
    complete(&records, last(&sent))?;

    let server = Server::start_at(data.path(), &place.to_string()).await?;
    let send = publisher(&server.base, &world.people[0], &channel)?;
    for (ticket, record) in tickets.iter_mut().zip(&records) {
        ticket.after = Some(record.last);
    }
    let returned = come_back(&server, tickets, &send, last(&sent)).await?;
    server.stop().await?;
    print(&Return { goodbye, ..returned });
    Ok(())
}

/// Lets them all return to a server that was just started; they have everything up to `after`.
async fn come_back(
    server: &Server,
    tickets: Vec<Ticket>,
    send: &Publisher,
    after: i64,
) -> anyhow::Result<Return> {
    ready(&server.base).await?;
    let (answers, used) = (Instant::now(), server.cpu()?);
    for _ in 0..MISSED {
        send(0).await?;
    }
    let crowd = Crowd::set_out(address(server)?, Way::Socket, tickets)?;
    let back = Arc::new(AtomicBool::new(false));
    let sending = task::spawn(keep_sending(send.clone(), back.clone()));
    let live = crowd.live().await;
    let (all, cpu) = (answers.elapsed(), server.cpu()? - used);
    back.store(true, Relaxed);
    live?;
    sending.await.context("the sender died")??;
    let newest = send(0).await?;
    crowd
        .received(u64::try_from(newest - after)? * CLIENTS as u64)
        .await?;
    let retries = crowd.board().retries();
    let records = crowd.leave().await?;
    complete(&records, newest)?;
    let since = |record: &Record| Some(record.live?.duration_since(answers));
    Ok(Return {
        goodbye: Duration::ZERO,
        each: records.iter().filter_map(since).collect(),
        all,
        retries,
        cpu,
        missed: newest - after,
    })
}

async fn keep_sending(send: Publisher, enough: Arc<AtomicBool>) -> anyhow::Result<()> {
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !enough.load(Relaxed) {
        ticks.tick().await;
        send(0).await?;
    }
    Ok(())
}

fn print(returned: &Return) {
    let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
    let live = |share| seconds(quantile(&returned.each, share));
    let row = vec![
        CLIENTS.to_string(),
        live(0.5),
        live(0.99),
        seconds(returned.all),
        "≤ 6 s".to_owned(),
        "0".to_owned(),
        returned.retries.to_string(),
        table::millis(returned.cpu / u32::try_from(CLIENTS).unwrap_or(u32::MAX)),
        seconds(returned.goodbye),
    ];
    let columns = [
        "clients",
        "ready → half are live",
        "99 %",
        "all",
        "expected",
        "failures",
        "connections tried again",
        "server CPU a client",
        "the old server's end",
    ];
    table::print("Everybody reconnects after a restart", &columns, &[row]);
    println!(
        "\n{ACCOUNTS} accounts; each client resumed and got every message once and in order, {} of them since it had \
        left.",
        returned.missed
    );
}
