//! Readers against writers: what was read before a write never outlives it.

use super::world::{World, settle};
use commons_platform::{loader::CachedLoader, task};
use tokio::task::JoinHandle;

type Process = CachedLoader<super::truth::Note>;

/// Begins to read a row; the answer is its revision.
fn ask(w: &World, process: &Process, row: u32) -> JoinHandle<Option<i64>> {
    let (process, key) = (process.clone(), w.key(row));
    task::spawn(async move { process.get(&key).await.unwrap().map(|note| note.rev) })
}

#[tokio::test]
async fn a_write_between_a_read_and_its_fill_wins_in_every_process() {
    let w = World::new();
    let (writer, reader) = (w.process().await, w.process().await);
    w.truth.commit(1, 1);
    let gate = w.truth.hold();
    let slow = ask(&w, &reader, 1);
    settle().await;
    gate.look();
    settle().await;
    w.truth.let_pass();
    w.write(&writer, 1, 2).await;
    gate.answer();
    assert_eq!(slow.await.unwrap(), Some(1), "it began before the write");
    settle().await;
    assert_eq!(
        w.read(&reader, 1).await,
        Some(2),
        "neither cache kept what it saw"
    );
    assert_eq!(w.read(&writer, 1).await, Some(2));
    assert_eq!(w.truth.reads().len(), 1, "the writer left its row in both caches");
}

#[tokio::test]
async fn who_asks_after_a_write_does_not_join_a_read_from_before() {
    let w = World::new();
    let process = w.process().await;
    w.truth.commit(1, 1);
    let gate = w.truth.hold();
    let slow = ask(&w, &process, 1);
    settle().await;
    gate.look();
    settle().await;
    w.truth.let_pass();
    w.write(&process, 1, 2).await;
    assert_eq!(w.read(&process, 1).await, Some(2));
    gate.answer();
    assert_eq!(slow.await.unwrap(), Some(1));
    assert_eq!(w.read(&process, 1).await, Some(2));
}

#[tokio::test]
async fn who_asks_after_a_writer_died_does_not_join_a_read_from_before() {
    let w = World::new();
    let process = w.process().await;
    w.truth.commit(1, 1);
    let gate = w.truth.hold();
    let slow = ask(&w, &process, 1);
    settle().await;
    gate.look();
    settle().await;
    w.truth.let_pass();
    let writing = process.writing(&[w.key(1)]).await;
    w.truth.commit(1, 2);
    drop(writing);
    assert_eq!(w.read(&process, 1).await, Some(2));
    gate.answer();
    assert_eq!(slow.await.unwrap(), Some(1));
    assert_eq!(w.read(&process, 1).await, Some(2));
}

#[tokio::test]
async fn nothing_is_kept_while_a_writer_is_at_work() {
    let w = World::new();
    let (writer, other) = (w.process().await, w.process().await);
    w.write(&writer, 1, 1).await;
    let writing = writer.writing(&[w.key(1)]).await;
    for process in [&writer, &writer, &other] {
        assert_eq!(w.read(process, 1).await, Some(1));
    }
    let reads = w.truth.reads().len();
    let row = w.truth.commit(1, 2);
    assert_eq!(
        w.read(&writer, 1).await,
        Some(2),
        "its own process reads the database"
    );
    assert_eq!(w.truth.reads().len(), reads + 1);
    writing.wrote(vec![row]).await;
    settle().await;
    assert_eq!(w.read(&other, 1).await, Some(2));
    assert_eq!(w.truth.reads().len(), reads + 1);
}

#[tokio::test]
async fn a_writer_that_dies_after_its_commit_leaves_nothing_old() {
    let w = World::new();
    let (writer, other) = (w.process().await, w.process().await);
    w.write(&writer, 1, 1).await;
    w.read(&other, 1).await;
    let writing = writer.writing(&[w.key(1)]).await;
    w.truth.commit(1, 2);
    drop(writing);
    assert_eq!(w.read(&writer, 1).await, Some(2));
    w.pass(2);
    for _ in 0..2 {
        assert_eq!(
            w.read(&other, 1).await,
            Some(2),
            "two seconds at most near, nothing shared"
        );
    }
    w.pass(9);
    let reads = w.truth.reads().len();
    for process in [&other, &other, &writer, &writer] {
        assert_eq!(w.read(process, 1).await, Some(2));
    }
    assert_eq!(w.truth.reads().len(), reads + 1, "and cached again");
}

#[tokio::test]
async fn two_writers_leave_the_last_commit_in_any_order_of_telling() {
    for told_in_order in [true, false] {
        for processes in [1, 2] {
            let w = World::new();
            let one = w.process().await;
            let two = if processes == 1 {
                one.clone()
            } else {
                w.process().await
            };
            w.truth.commit(1, 1);
            let first = one.writing(&[w.key(1)]).await;
            let second = two.writing(&[w.key(1)]).await;
            let (older, newer) = (w.truth.commit(1, 2), w.truth.commit(1, 3));
            if told_in_order {
                first.wrote(vec![older]).await;
                settle().await;
                second.wrote(vec![newer]).await;
            } else {
                second.wrote(vec![newer]).await;
                settle().await;
                first.wrote(vec![older]).await;
            }
            settle().await;
            for process in [&one, &two] {
                assert_eq!(w.read(process, 1).await, Some(3), "{told_in_order} {processes}");
            }
        }
    }
}

#[tokio::test]
async fn an_insert_ends_the_absence_and_a_removal_the_presence() {
    let w = World::new();
    let (writer, other) = (w.process().await, w.process().await);
    for process in [&writer, &other] {
        assert_eq!(w.read(process, 1).await, None);
    }
    w.write(&writer, 1, 1).await;
    for process in [&writer, &other] {
        assert_eq!(w.read(process, 1).await, Some(1));
    }
    let writing = writer.writing(&[w.key(1)]).await;
    w.truth.delete(1);
    writing.removed(&[w.key(1)]).await;
    settle().await;
    for process in [&writer, &other] {
        assert_eq!(w.read(process, 1).await, None);
    }
    w.write(&other, 1, 1).await;
    for process in [&writer, &other] {
        assert_eq!(
            w.read(process, 1).await,
            Some(1),
            "back with a revision it had before"
        );
    }
}

#[tokio::test]
async fn an_insert_beside_a_read_that_found_nothing_wins() {
    let w = World::new();
    let (writer, reader) = (w.process().await, w.process().await);
    let gate = w.truth.hold();
    let slow = ask(&w, &reader, 1);
    settle().await;
    gate.look();
    settle().await;
    w.truth.let_pass();
    w.write(&writer, 1, 1).await;
    gate.answer();
    assert_eq!(slow.await.unwrap(), None);
    settle().await;
    assert_eq!(w.read(&reader, 1).await, Some(1));
}

#[tokio::test]
async fn a_rollback_frees_the_row_at_once() {
    let w = World::new();
    let process = w.process().await;
    w.write(&process, 1, 1).await;
    process.writing(&[w.key(1)]).await.unchanged().await;
    for _ in 0..2 {
        assert_eq!(w.read(&process, 1).await, Some(1));
    }
    assert_eq!(w.truth.reads().len(), 1);
}

#[tokio::test]
async fn a_row_nobody_announced_is_dropped_from_the_caches() {
    let w = World::new();
    let (writer, other) = (w.process().await, w.process().await);
    w.write(&writer, 2, 1).await;
    w.read(&other, 2).await;
    let writing = writer.writing(&[w.key(1)]).await;
    writing
        .wrote(vec![w.truth.commit(1, 1), w.truth.commit(2, 2)])
        .await;
    settle().await;
    for process in [&writer, &other] {
        assert_eq!(w.read(process, 2).await, Some(2));
    }
}

#[tokio::test]
async fn a_reader_that_follows_an_event_gets_at_least_its_revision() {
    let w = World::new();
    let (writer, reader) = (w.process().await, w.process().await);
    w.write(&writer, 1, 1).await;
    w.read(&reader, 1).await;
    // The event is faster than the invalidation, and the writer died before it told the caches.
    w.bus.keep();
    w.truth.commit(1, 2);
    let rows = async |rev| reader.get_many_at_least(&[(w.key(1), rev)]).await.unwrap()[&w.key(1)].rev;
    assert_eq!(rows(1).await, 1, "the near copy will do");
    assert_eq!(rows(2).await, 2, "neither copy will do");
    assert_eq!(w.read(&reader, 1).await, Some(2), "and the near one is replaced");
    w.pass(2);
    assert_eq!(w.read(&writer, 1).await, Some(2), "and the shared one is gone");
}

#[tokio::test]
async fn an_absence_is_never_at_least_a_revision() {
    let w = World::new();
    let process = w.process().await;
    assert_eq!(w.read(&process, 1).await, None);
    w.truth.commit(1, 1);
    let rows = process.get_many_at_least(&[(w.key(1), 1)]).await.unwrap();
    assert_eq!(rows[&w.key(1)].rev, 1);
    assert_eq!(w.read(&process, 1).await, Some(1));
    w.truth.delete(2);
    assert!(
        process
            .get_many_at_least(&[(w.key(2), 5)])
            .await
            .unwrap()
            .is_empty(),
        "gone since"
    );
}

#[tokio::test]
async fn who_follows_an_event_does_not_join_a_read_from_before_it() {
    let w = World::new();
    let process = w.process().await;
    w.truth.commit(1, 1);
    let gate = w.truth.hold();
    let slow = ask(&w, &process, 1);
    settle().await;
    gate.look();
    settle().await;
    w.truth.commit(1, 2);
    let gate_of_followers = w.truth.hold();
    let follow = || {
        let (process, wanted) = (process.clone(), [(w.key(1), 2)]);
        task::spawn(async move { process.get_many_at_least(&wanted).await.unwrap()[&wanted[0].0].rev })
    };
    let followers = [follow(), follow(), follow()];
    settle().await;
    assert_eq!(
        w.truth.reads().len(),
        2,
        "those who follow the same event share one read"
    );
    let plain = ask(&w, &process, 1);
    gate_of_followers.look();
    gate_of_followers.answer();
    for follower in followers {
        assert_eq!(follower.await.unwrap(), 2);
    }
    assert_eq!(plain.await.unwrap(), Some(2));
    gate.answer();
    assert_eq!(slow.await.unwrap(), Some(1));
    assert_eq!(
        w.read(&process, 1).await,
        Some(2),
        "the slow read did not store what it saw"
    );
}
