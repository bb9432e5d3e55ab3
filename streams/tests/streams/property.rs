//! Whatever writers, announcements, the bus and subscribers do: a record equals the table.

use crate::{
    bus::{Faults, FaultyBus},
    fixture::{by_hand, cramped, create, event, next, stored},
};
use commons_platform::{clock::SystemClock, db::Db, task};
use commons_streams::{Delivery, Event, Streams, log};
use commons_testing::TestDatabase;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use uuid::Uuid;

const SEEDS: u64 = 8;
const STREAMS: usize = 3;
const WRITERS: u64 = 4;
const SUBSCRIBERS: u64 = 12;

/// Two processes' shape over one database and one bad bus.
struct Setup {
    db: Db,
    ids: Vec<Uuid>,
    processes: [Streams; 2],
    written: AtomicBool,
}

/// Commits random batches, some of them in vain, and announces them late, mixed up, twice or not at all.
async fn writer(setup: Arc<Setup>, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut kept: Vec<Arc<Event>> = Vec::new();
    for _ in 0..15 {
        let tx = setup.db.begin().await.unwrap();
        let count = rng.random_range(1..9);
        let events = (0..count)
            .map(|n| event(setup.ids[rng.random_range(0..STREAMS)], n))
            .collect();
        let stored = log::append(&tx, events).await.unwrap();
        if rng.random_bool(0.1) {
            tx.rollback().await.unwrap();
            continue;
        }
        tx.commit().await.unwrap();
        kept.extend(stored);
        if rng.random_bool(0.6) {
            kept.shuffle(&mut rng);
            let said = kept.split_off(rng.random_range(0..=kept.len() / 2));
            let process = &setup.processes[rng.random_range(0..2)];
            process.announce(&said);
            if rng.random_bool(0.2) {
                process.announce(&said);
            }
        }
        if rng.random_bool(0.2) {
            kept.clear();
        }
    }
}

/// Comes at a random time with a random position, reads at a random speed, is cut off and resumes.
async fn subscriber(setup: Arc<Setup>, seed: u64) -> (Uuid, i64, Vec<Arc<Event>>) {
    let mut rng = StdRng::seed_from_u64(seed);
    let id = setup.ids[rng.random_range(0..STREAMS)];
    for _ in 0..rng.random_range(0..2000) {
        tokio::task::yield_now().await;
    }
    let head = log::head(setup.db.read(), id).await.unwrap().unwrap().seq;
    let start = rng.random_range(0..=head);
    let mut last = start;
    let mut record: Vec<Arc<Event>> = Vec::new();
    loop {
        let process = &setup.processes[rng.random_range(0..2)];
        let mut subscription = process.follow(id, Some(last)).await.unwrap();
        assert!(matches!(next(&mut subscription).await.unwrap(), Delivery::Head(seq) if seq >= last));
        for _ in 0..rng.random_range(1..60) {
            let all_written = setup.written.load(Ordering::SeqCst);
            if all_written && log::head(setup.db.read(), id).await.unwrap().unwrap().seq == last {
                return (id, start, record);
            }
            let delivery = tokio::select! {
                delivery = next(&mut subscription) => delivery.unwrap(),
                () = moment(&setup) => continue,
            };
            match delivery {
                Delivery::Event(event) => {
                    last = event.seq;
                    record.push(event);
                }
                other => panic!("{other:?}"),
            }
            for _ in 0..rng.random_range(0..3) * rng.random_range(0..20) {
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Until the heads were compared, which is when a wait can have an end.
async fn moment(setup: &Setup) {
    for process in &setup.processes {
        process.compare().await.unwrap();
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_record_equals_the_table() {
    for seed in 0..SEEDS {
        let database = TestDatabase::new().await;
        let ids: Vec<Uuid> = (1..=STREAMS as u128).map(Uuid::from_u128).collect();
        for id in &ids {
            create(&database.db, *id).await;
        }
        let bus = Arc::new(FaultyBus::new(seed, Faults::BAD));
        let process =
            |db: Db, tuning| Streams::tuned(db, bus.clone(), Arc::new(SystemClock::default()), tuning);
        let processes = [
            process(database.db.clone(), cramped()),
            process(database.reconnect().await, by_hand()),
        ];
        let db = database.db.clone();
        let setup = Arc::new(Setup {
            db,
            ids,
            processes,
            written: AtomicBool::new(false),
        });

        let writers: Vec<_> = (0..WRITERS)
            .map(|n| task::spawn(writer(setup.clone(), 100 * seed + n)))
            .collect();
        let subscribers: Vec<_> = (0..SUBSCRIBERS)
            .map(|n| task::spawn(subscriber(setup.clone(), 100 * seed + 50 + n)))
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        setup.written.store(true, Ordering::SeqCst);
        for subscriber in subscribers {
            let (id, start, record) = subscriber.await.unwrap();
            assert_eq!(
                record,
                stored(&setup.db, id, start).await,
                "seed {seed}, stream {id} after {start}"
            );
        }
    }
}
