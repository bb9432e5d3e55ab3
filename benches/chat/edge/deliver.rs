//! One sender, one channel, a thousand subscribers: what a delivery costs the server and how long it
//! takes. Beside it the router's own way for the same subscription, and a server that only copies the
//! same bytes.
//!
//! Of the server's CPU time, what the same sends cost when nobody follows is taken off: measured in the
//! same run, at the pace that was reached. The figure with them is beside it.

use super::{
    Community, address,
    copier::Copier,
    crowd::{Crowd, complete},
    follower::Ticket,
    line::Way,
    publish::{Gate, Pace, Publisher, last, publish, publisher},
};
use crate::{load::quantile, process::Server, table, world::BODY};
use anyhow::{Context, ensure};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

const PEOPLE: usize = 16;
const SUBSCRIBERS: usize = 1_000;
/// The router's own way is so much dearer that a thousand would stand in their own light.
const ROUTER_SUBSCRIBERS: usize = 100;
const WARM_UP: Duration = Duration::from_millis(500);
/// How long sends that nobody follows are measured.
const ALONE: Duration = Duration::from_secs(5);

/// A pace, for how long, and what is expected of a delivery's CPU time.
const ROUNDS: [(Pace, Duration, &str); 3] = [
    (Pace::PerSecond(10.0), Duration::from_secs(10), "≤ 7 µs"),
    (Pace::PerSecond(100.0), Duration::from_secs(5), "≤ 4.5 µs"),
    (Pace::Saturated, Duration::from_secs(5), "≤ 3.2 µs"),
];

/// What was measured of one way at one pace.
struct Round {
    sent: usize,
    deliveries: u64,
    /// From the first send to the last receipt.
    took: Duration,
    cpu: Duration,
    /// From a send to each receipt; none when saturated.
    latencies: Vec<Duration>,
}

impl Round {
    fn messages_a_second(&self) -> f64 {
        self.sent as f64 / self.took.as_secs_f64()
    }

    /// Microseconds of CPU for a delivery, when each send costs so many seconds by itself.
    fn each(&self, send: f64) -> f64 {
        (self.cpu.as_secs_f64() - send * self.sent as f64) * 1e6 / self.deliveries as f64
    }
}

/// One way with its rounds.
struct Measured {
    name: &'static str,
    subscribers: usize,
    rounds: Vec<Round>,
}

/// Measures and prints.
pub(super) async fn run() -> anyhow::Result<()> {
    let community = Community::found(PEOPLE).await?;
    let (server, owner) = (&community.server, &community.world.people[0]);
    let place = address(server)?;
    let cpu = || server.cpu();
    let channel = async |name: &str| -> anyhow::Result<(Arc<str>, Publisher)> {
        let channel = community.world.channel(name).await?;
        let publisher = publisher(&server.base, owner, &channel)?;
        Ok((channel.into(), publisher))
    };

    let (followed, send) = channel("followed").await?;
    let tickets = community.tickets(&followed, SUBSCRIBERS);
    let (edge, sample) = follow("the edge", (place, Way::Socket), tickets, &send, &cpu).await?;
    let (_, send) = channel("alone").await?;
    let mut alone = Vec::new();
    for round in &edge.rounds {
        alone.push(sends_alone(server, round.messages_a_second(), &send).await?);
    }
    // An edge may go on listening to a channel for a while after its last client left.
    let (followed, send) = channel("router").await?;
    let tickets = community.tickets(&followed, ROUTER_SUBSCRIBERS);
    let name = "the router, an operation each (SSE)";
    let (router, _) = follow(name, (place, Way::Events), tickets, &send, &cpu).await?;
    community.server.stop().await?;

    let copier = Copier::start()?;
    let send = copier.publisher(&sample).await?;
    let tickets = vec![Ticket::nobody(); SUBSCRIBERS];
    let place = (copier.address(), Way::Copies);
    let (copies, _) = follow("copying only", place, tickets, &send, &|| copier.cpu()).await?;
    print(&[edge, router, copies], &alone);
    Ok(())
}

/// All rounds of one way; also a frame as it came.
async fn follow(
    name: &'static str,
    (address, way): (SocketAddr, Way),
    tickets: Vec<Ticket>,
    send: &Publisher,
    cpu: &dyn Fn() -> anyhow::Result<Duration>,
) -> anyhow::Result<(Measured, Vec<u8>)> {
    let (mut rounds, subscribers) = (Vec::new(), tickets.len());
    let crowd = Crowd::gather(address, way, tickets).await.context(name)?;
    let warm_up = (Pace::PerSecond(100.0), WARM_UP);
    let (_, mut newest) = round(&crowd, warm_up, send, cpu).await.context(name)?;
    for (pace, time, _) in ROUNDS {
        let (measured, last) = round(&crowd, (pace, time), send, cpu).await.context(name)?;
        rounds.push(measured);
        newest = newest.max(last);
    }
    let sample = crowd.board().sample().context("no message came")?.to_vec();
    let text = str::from_utf8(&sample)?;
    ensure!(
        text.contains(BODY) && text.contains("\"displayName\":\"Person 0\""),
        "not what was asked for: {text}"
    );
    complete(&crowd.leave().await?, newest).context(name)?;
    let measured = Measured {
        name,
        subscribers,
        rounds,
    };
    Ok((measured, sample))
}

/// Sends at a pace until everybody has everything; also the last number.
async fn round(
    crowd: &Crowd,
    (pace, time): (Pace, Duration),
    send: &Publisher,
    cpu: &dyn Fn() -> anyhow::Result<Duration>,
) -> anyhow::Result<(Round, i64)> {
    let (board, each) = (crowd.board(), crowd.size() as u64);
    board.time(pace != Pace::Saturated);
    let (received, used, began) = (board.received(), cpu()?, Instant::now());
    let sent = publish(pace, time, Gate::of(crowd, each), send.clone()).await?;
    let deliveries = each * sent.len() as u64;
    crowd.received(received + deliveries).await?;
    let (took, cpu) = (began.elapsed(), cpu()? - used);
    let issued: HashMap<i64, Instant> = sent.iter().copied().collect();
    let latency = |(seq, at): (i64, Instant)| Some(at.duration_since(*issued.get(&seq)?));
    let round = Round {
        sent: sent.len(),
        deliveries,
        took,
        cpu,
        latencies: board.times().into_iter().filter_map(latency).collect(),
    };
    ensure!(
        pace == Pace::Saturated || round.latencies.len() as u64 == deliveries,
        "receipts without a send"
    );
    Ok((round, last(&sent)))
}

/// Seconds of CPU for a send that nobody follows, at so many in a second.
async fn sends_alone(server: &Server, rate: f64, send: &Publisher) -> anyhow::Result<f64> {
    let used = server.cpu()?;
    let sent = publish(Pace::PerSecond(rate), ALONE, Gate::open(), send.clone()).await?;
    Ok((server.cpu()? - used).as_secs_f64() / sent.len() as f64)
}

fn print(ways: &[Measured; 3], alone: &[f64]) {
    let [edge, router, copies] = ways;
    let mut rows = Vec::new();
    for (way, alone) in [(edge, alone), (router, alone), (copies, &[0.0; 3][..])] {
        for (number, (round, (pace, _, expected))) in way.rounds.iter().zip(ROUNDS).enumerate() {
            let is_edge = std::ptr::eq(way, edge);
            let only = |text: String| if is_edge { text } else { "–".to_owned() };
            let each = round.each(alone[number]);
            let times = each / copies.rounds[number].each(0.0);
            let millis = |share| match pace {
                Pace::PerSecond(_) => table::millis(quantile(&round.latencies, share)),
                Pace::Saturated => "–".to_owned(),
            };
            rows.push(vec![
                format!("{}, {}", way.name, named(pace)),
                way.subscribers.to_string(),
                table::rate(round.messages_a_second()),
                table::rate(round.deliveries as f64 / round.took.as_secs_f64()),
                format!("{each:.2} µs"),
                only(expected.to_owned()),
                format!("{:.2} µs", round.each(0.0)),
                format!("{times:.2} ×"),
                only("≤ 1.5 ×".to_owned()),
                format!("{} / {}", millis(0.5), millis(0.99)),
                match number {
                    0 => only("≤ 10 / 25 ms".to_owned()),
                    _ => "–".to_owned(),
                },
            ]);
        }
    }
    let columns = [
        "served by, sends",
        "subscribers",
        "messages",
        "deliveries",
        "CPU a delivery",
        "expected",
        "with the sends",
        "beside copying",
        "expected",
        "send → receipt, p50 / p99",
        "expected",
    ];
    table::print("One sender to many subscribers", &columns, &rows);
    let alone: Vec<String> = alone.iter().map(|send| format!("{:.2} ms", send * 1e3)).collect();
    println!(
        "\nEvery message once and in order at each. A send that nobody follows costs {} of CPU at the edge's three paces; \
        at the router's they are taken to be the same.",
        alone.join(", ")
    );
}

fn named(pace: Pace) -> String {
    match pace {
        Pace::PerSecond(rate) => format!("{rate:.0}/s"),
        Pace::Saturated => "saturated".to_owned(),
    }
}
