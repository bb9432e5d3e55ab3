//! The contract of [`Cache`]: the table of states in `commons_platform::cache`, case by case.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use commons_platform::{
    cache::{Cache, Fill, LEASE, Lease, Put, Slot, TOMBSTONE, Writer},
    clock::{Clock, ManualClock},
};
use std::{sync::Arc, time::Duration};

/// How long values of these tests live.
const TTL: Duration = Duration::from_secs(60);

/// Runs every case against an empty cache of its own, whose expiry goes by the clock it is made with.
pub async fn cache(make: impl AsyncFn(Arc<dyn Clock>) -> Arc<dyn Cache>) {
    let world = async || {
        let start = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
        let clock = Arc::new(ManualClock::new(start));
        World {
            cache: make(clock.clone()).await,
            clock,
        }
    };
    a_miss_is_filled_once(world().await).await;
    answers_are_in_the_order_of_the_keys(world().await).await;
    a_value_expires(world().await).await;
    a_lease_expires(world().await).await;
    a_writer_voids_values_and_leases(world().await).await;
    a_writer_alone_leaves_its_value(world().await).await;
    a_release_leaves_nothing(world().await).await;
    two_writers_leave_nothing(world().await).await;
    a_dead_writer_spoils_the_one_beside_it(world().await).await;
    a_tombstone_expires(world().await).await;
    a_renewed_tombstone_lasts(world().await).await;
    a_late_writer_leaves_nothing(world().await).await;
    a_removal_voids_all_but_tombstones(world().await).await;
    a_removal_spoils_a_writer_at_work(world().await).await;
    a_wipe_voids_values_and_leases(world().await).await;
    a_wipe_keeps_readers_from_filling_under_a_writer(world().await).await;
}

async fn a_miss_is_filled_once(w: World) {
    let lease = w.miss("k").await;
    assert_eq!(w.get("k").await, Slot::Busy, "one reader fills");
    w.fill("k", Lease::random(), 1).await;
    assert_eq!(
        w.get("k").await,
        Slot::Busy,
        "a lease that nobody was given fills nothing"
    );
    w.fill("k", lease, 2).await;
    assert_eq!(w.get("k").await, value(2));
    w.fill("k", lease, 3).await;
    assert_eq!(w.get("k").await, value(2), "a lease fills once");
}

async fn answers_are_in_the_order_of_the_keys(w: World) {
    for n in 0..50 {
        w.fill(&format!("k{n}"), w.miss(&format!("k{n}")).await, n).await;
    }
    let keys: Vec<String> = (0..50).rev().map(|n| format!("k{n}")).collect();
    let slots = w.cache.get_many(&keys).await.expect("the cache is up");
    assert_eq!(slots, (0..50).rev().map(value).collect::<Vec<_>>());
    assert_eq!(w.cache.get_many(&[]).await.expect("the cache is up"), []);
}

async fn a_value_expires(w: World) {
    w.fill("filled", w.miss("filled").await, 1).await;
    w.tombstone("put").await.put("put", 2).await;
    w.pass(TTL - Duration::from_millis(1));
    assert_eq!([w.get("filled").await, w.get("put").await], [value(1), value(2)]);
    w.pass(Duration::from_millis(1));
    w.miss("filled").await;
    w.miss("put").await;
}

async fn a_lease_expires(w: World) {
    let late = w.miss("k").await;
    w.pass(LEASE);
    let next = w.miss("k").await;
    w.fill("k", late, 1).await;
    assert_eq!(w.get("k").await, Slot::Busy);
    w.fill("k", next, 2).await;
    assert_eq!(w.get("k").await, value(2));
    let late = w.miss("alone").await;
    w.pass(LEASE);
    w.fill("alone", late, 1).await;
    w.miss("alone").await;
}

async fn a_writer_voids_values_and_leases(w: World) {
    w.fill("value", w.miss("value").await, 1).await;
    let lease = w.miss("lease").await;
    let _writers = [w.tombstone("value").await, w.tombstone("lease").await];
    assert_eq!(w.get("value").await, Slot::Busy);
    w.fill("lease", lease, 1).await;
    assert_eq!(
        w.get("lease").await,
        Slot::Busy,
        "the reader saw the row before the write"
    );
    w.pass(TOMBSTONE);
    w.miss("value").await;
    w.miss("lease").await;
}

async fn a_writer_alone_leaves_its_value(w: World) {
    let lease = w.miss("k").await;
    let writer = w.tombstone("k").await;
    writer.put("k", 2).await;
    assert_eq!(w.get("k").await, value(2));
    w.fill("k", lease, 1).await;
    assert_eq!(w.get("k").await, value(2));
}

async fn a_release_leaves_nothing(w: World) {
    w.fill("k", w.miss("k").await, 1).await;
    w.tombstone("k").await.release("k").await;
    w.miss("k").await;
}

async fn two_writers_leave_nothing(w: World) {
    for first_commits_first in [true, false] {
        let key = format!("{first_commits_first}");
        let (first, second) = (w.tombstone(&key).await, w.tombstone(&key).await);
        let (early, late) = if first_commits_first {
            (first, second)
        } else {
            (second, first)
        };
        early.put(&key, 2).await;
        assert_eq!(w.get(&key).await, Slot::Busy, "the other may commit any time");
        late.put(&key, 1).await;
        w.fill(&key, w.miss(&key).await, 3).await;
        assert_eq!(w.get(&key).await, value(3));
    }
    let (one, two) = (w.tombstone("chain").await, w.tombstone("chain").await);
    one.put("chain", 1).await;
    let three = w.tombstone("chain").await;
    two.put("chain", 2).await;
    three.put("chain", 3).await;
    w.miss("chain").await;
    w.tombstone("chain").await.put("chain", 4).await;
    assert_eq!(w.get("chain").await, value(4), "alone again");
}

async fn a_dead_writer_spoils_the_one_beside_it(w: World) {
    let _dead = w.tombstone("k").await;
    w.pass(TOMBSTONE / 2);
    let slow = w.tombstone("k").await;
    w.pass(TOMBSTONE / 2);
    slow.put("k", 1).await;
    w.miss("k").await;
}

async fn a_tombstone_expires(w: World) {
    let _dead = w.tombstone("k").await;
    w.pass(TOMBSTONE - Duration::from_millis(1));
    assert_eq!(w.get("k").await, Slot::Busy);
    w.pass(Duration::from_millis(1));
    w.fill("k", w.miss("k").await, 1).await;
    assert_eq!(w.get("k").await, value(1));
}

async fn a_renewed_tombstone_lasts(w: World) {
    let writer = w.tombstone("k").await;
    w.pass(TOMBSTONE / 2);
    writer.renew("k").await;
    w.pass(TOMBSTONE / 2);
    assert_eq!(w.get("k").await, Slot::Busy);
    writer.put("k", 1).await;
    assert_eq!(
        w.get("k").await,
        value(1),
        "a writer does not overlap with itself"
    );
}

async fn a_late_writer_leaves_nothing(w: World) {
    let late = w.tombstone("k").await;
    w.pass(TOMBSTONE);
    w.fill("k", w.miss("k").await, 1).await;
    late.put("k", 2).await;
    let lease = w.miss("k").await;
    let stranger = Held {
        world: &w,
        writer: Writer::random(),
    };
    stranger.put("k", 3).await;
    w.fill("k", lease, 4).await;
    w.miss("k").await;
}

async fn a_removal_voids_all_but_tombstones(w: World) {
    w.fill("value", w.miss("value").await, 1).await;
    let lease = w.miss("lease").await;
    let _writer = w.tombstone("tombstone").await;
    let keys = ["value", "lease", "tombstone", "nothing"].map(str::to_owned);
    w.cache.remove(&keys).await.expect("the cache is up");
    w.miss("value").await;
    w.fill("lease", lease, 1).await;
    w.miss("lease").await;
    assert_eq!(w.get("tombstone").await, Slot::Busy);
}

async fn a_removal_spoils_a_writer_at_work(w: World) {
    let writer = w.tombstone("k").await;
    w.cache.remove(&["k".to_owned()]).await.expect("the cache is up");
    writer.put("k", 1).await;
    w.miss("k").await;
}

async fn a_wipe_voids_values_and_leases(w: World) {
    w.fill("value", w.miss("value").await, 1).await;
    let lease = w.miss("lease").await;
    w.cache.wipe().await.expect("the cache is up");
    assert!(!matches!(w.get("value").await, Slot::Hit(_)));
    w.fill("lease", lease, 1).await;
    assert!(!matches!(w.get("lease").await, Slot::Hit(_)));
    w.pass(TOMBSTONE);
    w.miss("value").await;
}

async fn a_wipe_keeps_readers_from_filling_under_a_writer(w: World) {
    let writer = w.tombstone("k").await;
    w.cache.wipe().await.expect("the cache is up");
    assert_eq!(w.get("k").await, Slot::Busy, "the writer has not committed yet");
    w.pass(TOMBSTONE / 2);
    writer.put("k", 1).await;
    assert!(
        !matches!(w.get("k").await, Slot::Hit(_)),
        "another writer may have been forgotten"
    );
}

/// A cache and the clock it goes by.
struct World {
    cache: Arc<dyn Cache>,
    clock: Arc<ManualClock>,
}

/// A writer that placed a tombstone.
struct Held<'a> {
    world: &'a World,
    writer: Writer,
}

impl World {
    fn pass(&self, time: Duration) {
        self.clock.advance(TimeDelta::from_std(time).expect("seconds"));
    }

    async fn get(&self, key: &str) -> Slot {
        self.cache
            .get_many(&[key.to_owned()])
            .await
            .expect("the cache is up")
            .remove(0)
    }

    async fn miss(&self, key: &str) -> Lease {
        match self.get(key).await {
            Slot::Miss(lease) => lease,
            other => panic!("{key} should be a miss and is {other:?}"),
        }
    }

    async fn fill(&self, key: &str, lease: Lease, n: u8) {
        let fill = Fill {
            key: key.to_owned(),
            lease,
            value: Bytes::from(vec![n]),
            ttl: TTL,
        };
        self.cache.fill(vec![fill]).await.expect("the cache is up");
    }

    async fn tombstone(&self, key: &str) -> Held<'_> {
        let held = Held {
            world: self,
            writer: Writer::random(),
        };
        held.renew(key).await;
        held
    }
}

impl Held<'_> {
    async fn renew(&self, key: &str) {
        let cache = &self.world.cache;
        cache
            .tombstone(self.writer, &[key.to_owned()], TOMBSTONE)
            .await
            .expect("the cache is up");
    }

    async fn put(&self, key: &str, n: u8) {
        let put = Put {
            key: key.to_owned(),
            value: Bytes::from(vec![n]),
            ttl: TTL,
        };
        self.world
            .cache
            .put(self.writer, vec![put])
            .await
            .expect("the cache is up");
    }

    async fn release(&self, key: &str) {
        self.world
            .cache
            .release(self.writer, &[key.to_owned()])
            .await
            .expect("the cache is up");
    }
}

fn value(n: u8) -> Slot {
    Slot::Hit(Bytes::from(vec![n]))
}
