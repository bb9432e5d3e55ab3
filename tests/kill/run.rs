//! The run: everything starts, clients work, faults happen, everything comes to rest and is compared.

use crate::{
    Cli,
    actor::Actor,
    catch_up,
    cluster::Cluster,
    deck::{Deck, Round},
    fault::Clock,
    ledger::{Ledger, counted},
    recovery::{Recovered, Recovery},
    report,
    sender::Sender,
    subscriber::Subscriber,
    verify::Verifier,
    world::World,
};
use anyhow::{Context, ensure};
use commons_platform::{
    clock::{Clock as _, SystemClock},
    task::Guard,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{interval, sleep, timeout},
};

/// The promise: the next acknowledged send, the next event.
pub(crate) const RECOVERY: Duration = Duration::from_secs(5);
/// How long everybody may take to find their way again before that is a violation of its own.
const ALL: Duration = Duration::from_secs(20);
/// How long clients may take to end what they have begun.
const LAST_SENDS: Duration = Duration::from_secs(40);
const LAST_EVENTS: Duration = Duration::from_secs(60);
const PROGRESS: Duration = Duration::from_secs(5);

/// A round and what came of it.
pub(crate) struct Result {
    pub(crate) round: Round,
    pub(crate) recovered: Recovered,
    pub(crate) clock: Clock,
}

/// Everything that the clients of a run share.
struct Clients {
    world: Arc<World>,
    recovery: Arc<Recovery>,
    senders: JoinSet<()>,
    subscribers: JoinSet<Subscriber>,
    stop: watch::Sender<bool>,
    heads: watch::Sender<Option<Arc<[i64]>>>,
    _tokens: Guard,
}

/// Runs it: whether every promise was kept.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<bool> {
    ensure!(
        cli.channels > 0 && cli.senders > 0,
        "there must be a sender and a channel"
    );
    let seed = cli.seed.unwrap_or_else(|| now_ms().unsigned_abs() % 1_000_000);
    println!("Seed {seed}, {} s, {:?}", cli.seconds, cli.shape);
    let ledger = Arc::new(Ledger::default());
    let cluster = Cluster::start(&cli).await.context("the start")?;
    println!("Logs in {}", cluster.logs.display());
    let results = faults(&cli, seed, &cluster, &ledger).await;
    let results = match results {
        Ok(results) => results,
        Err(error) => {
            cluster.end(true).await;
            return Err(error);
        }
    };
    report::check_processes(&cluster, &ledger);
    report::print(&results, &cluster, &ledger);
    let (violations, _) = ledger.violations();
    if let Some(logs) = cluster.end(cli.keep || violations > 0).await {
        println!("Logs are kept in {}", logs.display());
    }
    println!(
        "Seed {seed}: {}",
        if violations == 0 {
            "every promise was kept"
        } else {
            "FAILED"
        }
    );
    Ok(violations == 0)
}

/// The part that needs everything to run.
async fn faults(
    cli: &Cli,
    seed: u64,
    cluster: &Cluster,
    ledger: &Arc<Ledger>,
) -> anyhow::Result<Vec<Result>> {
    let mut clients = start(cli, seed, cluster, ledger).await?;
    let began = Instant::now();
    let _progress = progress(ledger.clone(), began);
    let mut deck = Deck::new(seed, cluster);
    let mut results = Vec::new();
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    while began.elapsed() < Duration::from_secs(cli.seconds) {
        let round = deck.draw();
        tokio::select! {
            result = inflict(round, cluster, &clients.recovery, ledger) => results.push(result?),
            // The comparison is still made.
            _ = &mut interrupted => break,
        }
        if let Some(result) = results.last() {
            println!(
                "{:5.1} s  {}",
                began.elapsed().as_secs_f32(),
                report::line(result)
            );
        }
    }
    clients.stop(cluster, ledger).await?;
    Ok(results)
}

/// Makes the world and sets everybody to work; all have had an answer and an event when this returns.
async fn start(cli: &Cli, seed: u64, cluster: &Cluster, ledger: &Arc<Ledger>) -> anyhow::Result<Clients> {
    let world = Arc::new(World::make(cli, cluster, ledger).await.context("the world")?);
    let recovery = Arc::new(Recovery::new(cluster.gateways.len(), cli.subscribers, now_ms()));
    recovery.reset();
    recovery.measure_first();
    recovery.measure_all();
    let (stop, heads) = (watch::Sender::new(false), watch::Sender::new(None));
    let rest = Duration::from_millis(cli.rest);
    let (mut senders, mut subscribers) = (JoinSet::new(), JoinSet::new());
    for number in 0..cli.subscribers {
        subscribers.spawn(Subscriber::new(number, &world, &recovery).run(heads.subscribe()));
    }
    for number in 0..cli.senders {
        senders.spawn(Sender::new(number, seed, &world, &recovery).run(rest, stop.subscribe()));
    }
    for number in cli.senders..cli.senders + cli.actors {
        senders.spawn(Actor::new(number, seed, &world, &recovery).run(rest, stop.subscribe()));
    }
    let begun = recovery.wait(Instant::now() + ALL).await;
    ensure!(
        begun.sends.is_some() && begun.events.is_some(),
        "before the first fault nobody sends or nobody hears: {begun:?}; {:?}",
        ledger.violations().1
    );
    Ok(Clients {
        _tokens: world.keep_tokens(),
        world,
        recovery,
        senders,
        subscribers,
        stop,
        heads,
    })
}

/// One round, until everybody has found their way again.
async fn inflict(
    round: Round,
    cluster: &Cluster,
    recovery: &Recovery,
    ledger: &Ledger,
) -> anyhow::Result<Result> {
    sleep(round.rest).await;
    let replicated = cluster.gateways.len() > 1;
    // Two faults may take away both of what there are two of.
    let clock = match round.meets {
        Some(_) => Clock::End,
        None => round.fault.clock(replicated),
    };
    recovery.reset();
    if clock == Clock::Fault {
        recovery.measure_first();
    }
    match &round.meets {
        Some((after, second)) => {
            let second = async {
                sleep(*after).await;
                second.inflict(cluster).await
            };
            tokio::try_join!(round.fault.inflict(cluster), second)?;
        }
        None => round.fault.inflict(cluster).await?,
    }
    if clock == Clock::End {
        recovery.measure_first();
    }
    recovery.measure_all();
    let recovered = recovery.wait(Instant::now() + ALL).await;
    let result = Result {
        round,
        recovered,
        clock,
    };
    judge(&result, recovery, ledger);
    Ok(result)
}

fn judge(result: &Result, recovery: &Recovery, ledger: &Ledger) {
    let Recovered {
        send,
        event,
        sends,
        events,
        latest,
    } = result.recovered;
    let is_late = |time: Option<Duration>| time.is_none_or(|time| time > RECOVERY);
    if is_late(send) || is_late(event) {
        ledger.violated(format!(
            "not recovered within {RECOVERY:?}: {}",
            report::line(result)
        ));
    }
    if sends.is_none() || events.is_none() {
        let (gateways, subscribers) = recovery.missing();
        ledger.violated(format!(
            "gateways {gateways:?}, subscribers {subscribers:?} did not find their way again within {ALL:?}: {}",
            report::line(result)
        ));
    }
    if result.round.meets.is_none() && result.round.fault.is_of_redis() && latest > RECOVERY {
        ledger.violated(format!(
            "an event came {latest:?} late without Redis: {}",
            report::line(result)
        ));
    }
}

impl Clients {
    /// Lets everybody end what they have begun, and compares all that they know with what is there.
    async fn stop(&mut self, cluster: &Cluster, ledger: &Ledger) -> anyhow::Result<()> {
        cluster
            .until("everything is ready at the end", Cluster::is_ready)
            .await?;
        self.stop.send_replace(true);
        let senders = async { while self.senders.join_next().await.is_some() {} };
        if timeout(LAST_SENDS, senders).await.is_err() {
            ledger.violated("senders do not end".to_owned());
        }
        let mut verifier = Verifier::new(&cluster.postgres, &self.world, ledger).await?;
        let heads: Arc<[i64]> = verifier.heads_at_rest().await?.into();
        self.heads.send_replace(Some(heads));
        let mut subscribers = Vec::new();
        let ended = timeout(LAST_EVENTS, async {
            while let Some(subscriber) = self.subscribers.join_next().await {
                subscribers.push(subscriber?);
            }
            anyhow::Ok(())
        });
        match ended.await {
            Ok(ended) => ended.context("a subscriber")?,
            Err(_) => ledger.violated("subscribers do not end".to_owned()),
        }
        println!(
            "Comparing {} sends with the database",
            counted(&ledger.counts.acknowledged)
        );
        verifier.take_records();
        let mut truths = Vec::new();
        for number in 0..self.world.channels.len() {
            truths.push(verifier.channel(number).await?);
        }
        for subscriber in &subscribers {
            let who = format!("a subscriber of {}", self.world.channels[subscriber.channel].id);
            verifier.told(
                &who,
                subscriber.channel,
                &subscriber.seen,
                &truths[subscriber.channel],
            );
        }
        let reader = &self.world.people[0];
        for gateway in 0..cluster.gateways.len() {
            let pages = catch_up::by_pages(reader, &self.world, gateway).await;
            let shown = catch_up::is_as_stored(reader, &self.world, gateway, &truths).await;
            if pages.is_none() || shown.is_none() {
                ledger.violated(format!("what gateway {gateway} shows could not be compared"));
            }
            for (number, told) in pages.iter().flatten().enumerate() {
                verifier.told(
                    &format!("a reader of pages at gateway {gateway}"),
                    number,
                    told,
                    &truths[number],
                );
            }
        }
        verifier.no_other_bodies().await
    }
}

fn progress(ledger: Arc<Ledger>, began: Instant) -> Guard {
    Guard::spawn(async move {
        let mut tick = interval(PROGRESS);
        tick.tick().await;
        loop {
            tick.tick().await;
            let counts = &ledger.counts;
            println!(
                "{:5.1} s  {} acknowledged, {} retries, {} events, {} violations",
                began.elapsed().as_secs_f32(),
                counted(&counts.acknowledged),
                counted(&counts.retries),
                counted(&counts.events),
                ledger.violations().0,
            );
        }
    })
}

/// Now, in milliseconds since 1970.
fn now_ms() -> i64 {
    SystemClock::default().now().timestamp_millis()
}
