//! The cache and the bus fail: reads go on and are right.

use super::world::{World, settle};
use commons_platform::task;
use std::time::Duration;

#[tokio::test]
async fn a_cache_that_fails_means_reading_the_database() {
    let w = World::new();
    let process = w.process().await;
    w.truth.commit(1, 1);
    w.cache.down(true);
    assert_eq!(w.read(&process, 1).await, Some(1));
    w.truth.commit(1, 2);
    w.pass(2);
    assert_eq!(w.read(&process, 1).await, Some(2));
    assert_eq!(w.truth.reads().len(), 2);
}

#[tokio::test]
async fn a_write_while_the_cache_is_away_is_made_good_when_it_is_back() {
    let w = World::new();
    let (writer, other) = (w.process().await, w.process().await);
    w.write(&writer, 1, 1).await;
    w.cache.down(true);
    w.write(&writer, 1, 2).await;
    assert_eq!(
        w.read(&other, 1).await,
        Some(2),
        "told over the bus, read from the database"
    );
    w.pass(2);
    w.cache.down(false);
    assert_eq!(
        w.read(&writer, 1).await,
        Some(2),
        "it repairs the cache before it reads from it"
    );
    w.pass(2);
    assert_eq!(w.read(&other, 1).await, Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_cache_is_made_good_also_when_nobody_reads() {
    let w = World::new();
    let (writer, other) = (w.process().await, w.process().await);
    w.write(&writer, 1, 1).await;
    w.cache.down(true);
    w.write(&writer, 1, 2).await;
    w.cache.down(false);
    tokio::time::advance(Duration::from_secs(1)).await;
    settle().await;
    w.pass(2);
    assert_eq!(w.read(&other, 1).await, Some(2));
}

#[tokio::test]
async fn a_writer_that_dies_while_the_cache_is_away_is_made_good_after_its_transaction_is_over() {
    let w = World::new();
    let (writer, other) = (w.process().await, w.process().await);
    w.write(&writer, 1, 1).await;
    w.cache.down(true);
    let writing = writer.writing(&[w.key(1)]).await;
    drop(writing);
    w.cache.down(false);
    assert_eq!(w.read(&writer, 1).await, Some(1));
    assert_eq!(w.read(&other, 1).await, Some(1), "the commit may still come");
    w.truth.commit(1, 2);
    assert_eq!(
        w.read(&writer, 1).await,
        Some(2),
        "the writer's process does not trust the cache"
    );
    w.pass(10);
    assert_eq!(w.read(&writer, 1).await, Some(2));
    w.pass(2);
    assert_eq!(w.read(&other, 1).await, Some(2));
}

#[tokio::test]
async fn only_some_of_two_writers_reach_the_cache() {
    let w = World::new();
    let (one, two) = (w.process().await, w.process().await);
    w.truth.commit(1, 1);
    let first = one.writing(&[w.key(1)]).await;
    w.cache.down(true);
    let second = two.writing(&[w.key(1)]).await;
    let (older, newer) = (w.truth.commit(1, 2), w.truth.commit(1, 3));
    second.wrote(vec![newer]).await;
    w.cache.down(false);
    assert_eq!(w.read(&two, 1).await, Some(3));
    w.pass(2);
    assert_eq!(w.read(&two, 1).await, Some(3), "repairs the cache");
    first.wrote(vec![older]).await;
    w.pass(2);
    for process in [&one, &two] {
        assert_eq!(w.read(process, 1).await, Some(3));
    }
}

#[tokio::test(start_paused = true)]
async fn the_near_cache_waits_until_the_bus_is_heard() {
    let w = World::new();
    w.truth.commit(1, 1);
    w.bus.cut();
    let process = w.process().await;
    for _ in 0..3 {
        assert_eq!(w.read(&process, 1).await, Some(1));
    }
    assert_eq!(w.cache.asked(), 3, "the shared cache answers every time");
    w.bus.mend();
    assert_eq!(w.read(&process, 1).await, Some(1));
    assert_eq!(
        w.cache.asked(),
        4,
        "the bus is back, but nobody listens to it yet"
    );
    tokio::time::advance(Duration::from_secs(1)).await;
    settle().await;
    for _ in 0..3 {
        assert_eq!(w.read(&process, 1).await, Some(1));
    }
    assert_eq!(w.cache.asked(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_read_from_before_the_bus_is_heard_is_not_kept_near() {
    let w = World::new();
    let writer = w.process().await;
    w.truth.commit(1, 1);
    w.bus.cut();
    let reader = w.process().await;
    let gate = w.truth.hold();
    let (process, key) = (reader.clone(), w.key(1));
    let slow = task::spawn(async move { process.get(&key).await.unwrap().map(|note| note.rev) });
    settle().await;
    gate.look();
    settle().await;
    w.truth.let_pass();
    w.write(&writer, 1, 2).await;
    w.bus.mend();
    tokio::time::advance(Duration::from_secs(1)).await;
    settle().await;
    gate.answer();
    assert_eq!(slow.await.unwrap(), Some(1));
    assert_eq!(w.read(&reader, 1).await, Some(2));
}

#[tokio::test]
async fn a_writer_slower_than_its_tombstones_leaves_nothing_old() {
    let w = World::new();
    let (writer, other) = (w.process().await, w.process().await);
    w.truth.commit(1, 1);
    let told = writer.writing(&[w.key(1)]).await;
    w.pass(10);
    assert_eq!(w.read(&writer, 1).await, Some(1), "and both caches keep it");
    told.wrote(vec![w.truth.commit(1, 2)]).await;
    assert_eq!(w.read(&writer, 1).await, Some(2));

    let cancelled = writer.writing(&[w.key(1)]).await;
    w.pass(10);
    assert_eq!(w.read(&writer, 1).await, Some(2), "and both caches keep it");
    w.truth.commit(1, 3);
    drop(cancelled);
    assert_eq!(w.read(&writer, 1).await, Some(3));
    settle().await;
    assert_eq!(w.read(&other, 1).await, Some(3));
}

#[tokio::test]
async fn what_was_written_while_the_bus_was_away_is_not_read_old() {
    let w = World::new();
    let (writer, reader) = (w.process().await, w.process().await);
    w.write(&writer, 1, 1).await;
    w.read(&reader, 1).await;
    w.bus.cut();
    w.write(&writer, 1, 2).await;
    assert_eq!(w.read(&reader, 1).await, Some(2));
    w.write(&writer, 1, 3).await;
    w.bus.mend();
    w.bus.missed();
    settle().await;
    assert_eq!(w.read(&reader, 1).await, Some(3));
}

#[tokio::test]
async fn what_was_read_while_the_bus_was_away_is_not_kept_near() {
    let w = World::new();
    let (writer, reader) = (w.process().await, w.process().await);
    w.write(&writer, 1, 1).await;
    w.bus.cut();
    w.read(&reader, 1).await;
    w.write(&writer, 1, 2).await;
    w.bus.mend();
    assert_eq!(
        w.read(&reader, 1).await,
        Some(2),
        "also before it hears that it missed something"
    );
}

#[tokio::test]
async fn a_writer_that_missed_another_one_leaves_nothing_near() {
    let w = World::new();
    let (one, two) = (w.process().await, w.process().await);
    w.truth.commit(1, 1);
    let first = one.writing(&[w.key(1)]).await;
    let second = two.writing(&[w.key(1)]).await;
    let (older, newer) = (w.truth.commit(1, 2), w.truth.commit(1, 3));
    w.bus.keep();
    second.wrote(vec![newer]).await;
    w.bus.missed();
    settle().await;
    first.wrote(vec![older]).await;
    assert_eq!(w.read(&one, 1).await, Some(3));
}

#[tokio::test]
async fn a_lost_message_voids_the_near_cache_and_the_reads_under_way() {
    let w = World::new();
    let (writer, reader) = (w.process().await, w.process().await);
    w.write(&writer, 1, 1).await;
    w.read(&reader, 1).await;
    w.truth.commit(2, 1);
    let gate = w.truth.hold();
    let (process, key) = (reader.clone(), w.key(2));
    let slow = task::spawn(async move { process.get(&key).await.unwrap().map(|note| note.rev) });
    settle().await;
    gate.look();
    settle().await;
    w.truth.let_pass();
    w.bus.keep();
    w.write(&writer, 1, 2).await;
    w.write(&writer, 2, 2).await;
    assert_eq!(w.read(&reader, 1).await, Some(1), "nobody told it");
    w.bus.missed();
    settle().await;
    assert_eq!(w.read(&reader, 1).await, Some(2));
    gate.answer();
    assert_eq!(slow.await.unwrap(), Some(1));
    assert_eq!(w.read(&reader, 2).await, Some(2));
    w.bus.deliver();
    settle().await;
    let asked = w.cache.asked();
    assert_eq!(
        (w.read(&reader, 1).await, w.read(&reader, 2).await),
        (Some(2), Some(2))
    );
    assert_eq!(
        w.cache.asked(),
        asked,
        "late messages of what it has cost nothing"
    );
}

#[tokio::test]
async fn more_news_than_the_queue_holds_are_missed_not_lost() {
    let w = World::new();
    let (writer, reader) = (w.process().await, w.process().await);
    w.write(&writer, 1, 1).await;
    w.read(&reader, 1).await;
    let writing = writer.writing(&w.keys(1..200)).await;
    writing.wrote(vec![w.truth.commit(1, 2)]).await;
    for row in 2..200 {
        writing.wrote(vec![w.truth.commit(row, 1)]).await;
    }
    settle().await;
    assert_eq!(w.read(&reader, 1).await, Some(2));
}

#[tokio::test]
async fn a_message_nobody_understands_voids_the_near_cache() {
    use commons_platform::bus::Bus;
    let w = World::new();
    let process = w.process().await;
    w.truth.commit(1, 1);
    w.read(&process, 1).await;
    let asked = w.cache.asked();
    w.bus
        .publish(
            "cache.test.note",
            bytes::Bytes::from_static(b"from another version"),
        )
        .await;
    settle().await;
    w.read(&process, 1).await;
    assert_eq!(w.cache.asked(), asked + 1);
}

#[tokio::test]
async fn a_wiped_cache_is_filled_again_but_not_with_what_was_read_before() {
    use commons_platform::cache::Cache;
    let w = World::new();
    let (writer, reader) = (w.process().await, w.process().await);
    w.truth.commit(1, 1);
    let gate = w.truth.hold();
    let (process, key) = (reader.clone(), w.key(1));
    let slow = task::spawn(async move { process.get(&key).await.unwrap().map(|note| note.rev) });
    settle().await;
    gate.look();
    settle().await;
    w.truth.let_pass();
    let writing = writer.writing(&[w.key(1)]).await;
    w.cache.wipe().await.unwrap();
    w.truth.commit(1, 2);
    drop(writing);
    gate.answer();
    assert_eq!(slow.await.unwrap(), Some(1));
    w.pass(2);
    for process in [&reader, &writer] {
        assert_eq!(w.read(process, 1).await, Some(2));
    }
}
