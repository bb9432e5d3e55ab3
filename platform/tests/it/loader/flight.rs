//! Loads: one for each row at a time, whoever asks and whoever goes away.

use super::{
    truth::Fault,
    world::{World, settle},
};
use commons_platform::{ApiError, Code, loader::LoadError};
use futures_util::FutureExt;

#[tokio::test]
async fn a_row_is_read_once_and_served_from_both_caches() {
    let w = World::new();
    let (one, two) = (w.process().await, w.process().await);
    w.truth.commit(1, 1);
    let keys = w.keys([1, 1, 2]);
    for process in [&one, &one, &two, &two] {
        let rows = process.get_many(&keys).await.unwrap();
        assert_eq!(rows.len(), 1, "rows that do not exist are left out");
        assert_eq!(rows[&keys[0]].text, format!("{} as of 1", keys[0]));
    }
    assert_eq!(w.truth.reads(), [vec![1, 2]], "absence is cached too");
    assert_eq!(w.cache.asked(), 2, "once a process");
}

#[tokio::test]
async fn those_who_ask_together_share_one_read() {
    let w = World::new();
    let process = w.process().await;
    w.truth.commit(1, 1);
    w.truth.commit(2, 1);
    let gate = w.truth.hold();
    let ask = |rows: [u32; 2]| {
        let (process, keys) = (process.clone(), w.keys(rows));
        commons_platform::task::spawn(async move { process.get_many(&keys).await.unwrap().len() })
    };
    let mut asking = vec![ask([1, 2])];
    settle().await;
    asking.extend([ask([1, 2]), ask([2, 3])]);
    settle().await;
    assert_eq!(
        w.truth.reads(),
        [vec![1, 2], vec![3]],
        "only what nobody reads is read"
    );
    for _ in 0..2 {
        gate.look();
        gate.answer();
    }
    let mut found = vec![];
    for asking in asking {
        found.push(asking.await.unwrap());
    }
    assert_eq!(found, [2, 2, 1]);
}

#[tokio::test]
async fn who_began_the_load_may_go_away() {
    let w = World::new();
    let process = w.process().await;
    w.truth.commit(1, 1);
    let gate = w.truth.hold();
    let (key, first, second) = (w.key(1), process.clone(), process.clone());
    let leader = commons_platform::task::spawn(async move { first.get(&key).await });
    settle().await;
    let joiner = commons_platform::task::spawn(async move { second.get(&key).await });
    settle().await;
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    gate.look();
    gate.answer();
    assert_eq!(joiner.await.unwrap().unwrap().unwrap().rev, 1);
    assert_eq!(w.read(&process, 1).await, Some(1));
    assert_eq!(w.truth.reads().len(), 1);
}

#[tokio::test]
async fn while_the_process_ends_rows_are_unavailable() {
    let w = World::new();
    let process = w.process().await;
    w.truth.commit(1, 1);
    let over = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let there = over.handle().clone();
    // Not on a thread that may not block.
    std::thread::spawn(move || drop(over)).join().unwrap();
    let key = w.key(1);
    let found = {
        let _there = there.enter();
        process.get(&key).now_or_never()
    };
    let Some(Err(error)) = found else {
        panic!("a load without a runtime ends at once");
    };
    assert!(matches!(error, LoadError::Ended));
    assert_eq!(ApiError::from(error).code(), Code::Unavailable);
    assert_eq!(
        w.read(&process, 1).await,
        Some(1),
        "nobody joins what was given up"
    );
}

#[tokio::test]
async fn a_load_that_dies_is_tried_once_more_and_then_an_error() {
    let w = World::new();
    let process = w.process().await;
    w.truth.commit(1, 1);
    w.truth.fault(Some(Fault::Panics));
    assert!(matches!(process.get(&w.key(1)).await, Err(LoadError::Died)));
    assert_eq!(w.truth.reads().len(), 2);

    let gate = w.truth.hold();
    let ask = || {
        let (process, key) = (process.clone(), w.key(1));
        commons_platform::task::spawn(async move { process.get(&key).await })
    };
    let asking = [ask(), ask()];
    settle().await;
    gate.look();
    gate.answer();
    settle().await;
    assert_eq!(
        w.truth.reads().len(),
        4,
        "the two who waited share the second try as well"
    );
    w.truth.fault(None);
    gate.look();
    gate.answer();
    for asking in asking {
        assert_eq!(asking.await.unwrap().unwrap().unwrap().rev, 1);
    }
}

#[tokio::test]
async fn a_database_error_reaches_all_who_wait_and_is_not_kept() {
    let w = World::new();
    let process = w.process().await;
    w.truth.commit(1, 1);
    w.truth.fault(Some(Fault::Fails));
    let key = w.key(1);
    let (one, two) = tokio::join!(process.get(&key), process.get(&key));
    assert!(matches!(
        (one, two),
        (Err(LoadError::Database(_)), Err(LoadError::Database(_)))
    ));
    assert_eq!(w.truth.reads().len(), 1);
    w.truth.fault(None);
    assert_eq!(w.read(&process, 1).await, Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_database_that_hangs_is_an_error_in_time() {
    let w = World::new();
    let process = w.process().await;
    w.truth.hold();
    assert!(matches!(process.get(&w.key(1)).await, Err(LoadError::TimedOut)));
    w.truth.let_pass();
    assert_eq!(w.read(&process, 1).await, None);
}

#[tokio::test]
async fn more_keys_than_one_statement_takes_are_all_found() {
    let w = World::new();
    let process = w.process().await;
    for row in 0..2500 {
        w.truth.commit(row, 1);
    }
    assert_eq!(process.get_many(&w.keys(0..2500)).await.unwrap().len(), 2500);
    assert_eq!(
        w.truth.reads().iter().map(Vec::len).collect::<Vec<_>>(),
        [1000, 1000, 500]
    );
}

#[tokio::test]
async fn copies_expire_near_and_shared() {
    let w = World::new();
    let process = w.process().await;
    w.truth.commit(1, 1);
    w.read(&process, 1).await;
    w.read(&process, 2).await;
    w.pass(2);
    w.read(&process, 1).await;
    assert_eq!(
        (w.cache.asked(), w.truth.reads().len()),
        (3, 2),
        "the shared copy lasts longer"
    );
    w.pass(30);
    w.read(&process, 2).await;
    assert_eq!(w.truth.reads().len(), 3, "absence is not believed for long");
    w.pass(3600);
    w.read(&process, 1).await;
    assert_eq!(w.truth.reads().len(), 4);
}

#[tokio::test]
async fn a_dropped_loader_stops_listening() {
    let w = World::new();
    let process = w.process().await;
    let clone = process.clone();
    drop(process);
    settle().await;
    assert_eq!(w.bus.subjects(), 1);
    drop(clone);
    settle().await;
    assert_eq!(w.bus.subjects(), 0);
}
