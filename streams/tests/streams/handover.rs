//! From replay to live while a writer races: each event exactly once, in order, in every schedule.

use crate::{
    bus::Faults,
    fixture::{Fixture, by_hand, cramped, head, stored, until, write},
};
use commons_platform::task;
use rand::{Rng, SeedableRng, rngs::StdRng};

const SEEDS: u64 = 60;

#[tokio::test]
async fn the_head_is_read_after_the_bus_is_heard() {
    let fixture = Fixture::new(Faults::NONE, by_hand()).await;
    let (db, stream) = (fixture.db().clone(), fixture.stream);
    // Committed, and announced while nobody listens yet.
    fixture.bus.meanwhile(async move {
        write(&db, stream, 1).await;
    });
    let mut subscription = fixture.follow(0).await;
    assert_eq!(head(&mut subscription).await, 1);
    assert_eq!(
        until(&mut subscription, 1).await,
        stored(fixture.db(), stream, 0).await
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replay_meets_live_without_a_seam() {
    let fixture = Fixture::new(Faults::NONE, cramped()).await;
    let other = fixture.other(by_hand()).await;
    let mut before = 0;
    for seed in 0..SEEDS {
        let mut rng = StdRng::seed_from_u64(seed);
        let count = rng.random_range(1..12);
        let writer = {
            let (db, streams, stream) = (fixture.db().clone(), fixture.streams.clone(), fixture.stream);
            let pauses: Vec<usize> = (0..count).map(|_| rng.random_range(0..4)).collect();
            task::spawn(async move {
                for pause in pauses {
                    for _ in 0..pause {
                        tokio::task::yield_now().await;
                    }
                    streams.announce(&write(&db, stream, 1).await);
                }
            })
        };
        for _ in 0..rng.random_range(0..40) {
            tokio::task::yield_now().await;
        }
        let after = rng.random_range(0..=before);
        let streams = if rng.random_bool(0.5) {
            &fixture.streams
        } else {
            &other
        };
        let mut subscription = streams.follow(fixture.stream, Some(after)).await.unwrap();
        assert!(head(&mut subscription).await >= before, "seed {seed}");
        let to = before + count;
        let record = until(&mut subscription, to).await;
        writer.await.unwrap();
        assert_eq!(
            record,
            stored(fixture.db(), fixture.stream, after).await,
            "seed {seed}"
        );
        before = to;
    }
}
