//! Several processes on one database: each has connections of its own and an end of the bus of its own.
//!
//! With `TEST_REDIS_URL` the bus is Redis, without it the one of this process.

use crate::fixture::{by_hand, create, event, head, stored, until};
use commons_platform::{
    bus::{Bus, MemoryBus, RedisBus},
    clock::SystemClock,
    config::RedisConfig,
    db::Db,
    redis::Redis,
    task,
};
use commons_streams::{Streams, Subscription, Tuning, log};
use commons_testing::{TestDatabase, redis};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use uuid::Uuid;

const STREAM: Uuid = Uuid::from_u128(1);
/// What is promised without a bus, and something for a busy machine.
const LATE: Duration = Duration::from_millis(5000 + 1500);

/// A process as its streams see it.
struct Process {
    db: Db,
    bus: Arc<dyn Bus>,
    streams: Streams,
}

impl Process {
    async fn new(database: &TestDatabase, bus: Arc<dyn Bus>, tuning: Tuning) -> Self {
        let db = database.reconnect().await;
        let clock = Arc::new(SystemClock::default());
        Self {
            streams: Streams::tuned(db.clone(), bus.clone(), clock, tuning),
            db,
            bus,
        }
    }

    async fn follow(&self) -> Subscription {
        let mut subscription = self.streams.follow(STREAM, None).await.unwrap();
        head(&mut subscription).await;
        subscription
    }

    /// Commits some events under the stream's lock, and announces them.
    async fn send(&self, count: usize) {
        let tx = self.db.begin().await.unwrap();
        log::lock_waiting(&tx, &[STREAM]).await.unwrap();
        let events = (0..count).map(|number| event(STREAM, number)).collect();
        let stored = log::append(&tx, events).await.unwrap();
        tx.commit().await.unwrap();
        self.streams.announce(&stored);
    }
}

async fn database() -> TestDatabase {
    let database = TestDatabase::new().await;
    create(&database.db, STREAM).await;
    database
}

/// Two ends of one bus.
async fn ends(redis: Option<&RedisConfig>) -> [Arc<dyn Bus>; 2] {
    let Some(config) = redis else {
        let bus = Arc::new(MemoryBus::new());
        return [bus.clone(), bus];
    };
    let ends = [(), ()].map(|()| Arc::new(RedisBus::new(&Redis::open(config).unwrap())));
    for end in &ends {
        connected(&**end).await;
    }
    ends.map(|end| end as Arc<dyn Bus>)
}

async fn connected(bus: &dyn Bus) {
    let connecting = async {
        while !bus.connected() {
            tokio::task::yield_now().await;
        }
    };
    let patience = Duration::from_secs(20);
    tokio::time::timeout(patience, connecting)
        .await
        .expect("the bus connects");
}

async fn two(database: &TestDatabase, buses: [Arc<dyn Bus>; 2], tuning: Tuning) -> [Process; 2] {
    let [here, there] = buses;
    [
        Process::new(database, here, tuning).await,
        Process::new(database, there, tuning).await,
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_followers_have_the_same_events_while_all_processes_write() {
    const EACH: usize = 40;
    let database = database().await;
    let own = redis::own().await;
    let processes = two(&database, ends(own.as_ref()).await, by_hand()).await;
    let mut followers = Vec::new();
    for process in &processes {
        followers.push(process.follow().await);
        followers.push(process.follow().await);
    }
    let writers = processes.map(|process| {
        task::spawn(async move {
            for number in 0..EACH {
                process.send(1 + number % 3).await;
            }
            process
        })
    });
    let mut kept = Vec::new();
    for writer in writers {
        kept.push(writer.await.unwrap());
    }
    let all = stored(&database.db, STREAM, 0).await;
    let count = i64::try_from(all.len()).unwrap();
    assert!(all.iter().map(|event| event.seq).eq(1..=count), "dense");
    for mut follower in followers {
        assert_eq!(until(&mut follower, count).await, all);
    }
}

#[tokio::test]
async fn what_the_bus_does_not_carry_comes_within_seconds() {
    let database = database().await;
    let apart: [Arc<dyn Bus>; 2] = [Arc::new(MemoryBus::new()), Arc::new(MemoryBus::new())];
    let [here, there] = two(&database, apart, Tuning::default()).await;
    let mut follower = there.follow().await;
    here.send(3).await;
    let sent = Instant::now();
    until(&mut follower, 3).await;
    assert!(sent.elapsed() < LATE, "{:?}", sent.elapsed());
    // The bus is caught silent: it is not relied on for a while.
    here.send(1).await;
    let sent = Instant::now();
    until(&mut follower, 4).await;
    assert!(
        sent.elapsed() < Duration::from_millis(2500),
        "{:?}",
        sent.elapsed()
    );
}

/// Redis stops, hangs and comes back; without one there is nothing to hurt.
#[tokio::test]
async fn a_redis_that_stops_costs_seconds_and_no_event() {
    let Some(mut server) = redis::server::Server::start().await else {
        return;
    };
    let database = database().await;
    let config = redis::settings(&server.url(), 250);
    let [here, there] = two(&database, ends(Some(&config)).await, Tuning::default()).await;
    let mut follower = there.follow().await;
    let mut seq = 0;
    for fault in ["stopped", "hanging"] {
        here.send(1).await;
        seq += 1;
        until(&mut follower, seq).await;
        match fault {
            "stopped" => server.kill(),
            _ => server.hang(),
        }
        for _ in 0..2 {
            here.send(2).await;
            let sent = Instant::now();
            seq += 2;
            until(&mut follower, seq).await;
            assert!(sent.elapsed() < LATE, "{fault}: {:?}", sent.elapsed());
        }
        match fault {
            "stopped" => server.restart().await,
            _ => server.go_on(),
        }
        connected(&*here.bus).await;
        connected(&*there.bus).await;
    }
    here.send(1).await;
    until(&mut follower, seq + 1).await;
    assert_eq!(stored(&database.db, STREAM, 0).await.len() as i64, seq + 1);
}
