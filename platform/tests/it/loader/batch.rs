//! The batch of a request: one load for what is asked for together, fresh rows for each event.

use super::world::{World, settle};
use commons_platform::{
    loader::{Batch, Gather},
    task,
};
use futures_util::future::join_all;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tokio::sync::Semaphore;

#[tokio::test]
async fn fifty_items_of_a_list_are_one_read() {
    let w = World::new();
    let process = w.process().await;
    for row in 0..49 {
        w.truth.commit(row, 1);
    }
    let batch = Batch::new(process);
    let keys = w.keys(0..50);
    let rows = join_all(keys.iter().map(|key| batch.get(key))).await;
    assert_eq!(
        rows.iter().filter(|row| row.as_ref().unwrap().is_some()).count(),
        49
    );
    assert_eq!(w.truth.reads(), [(0..50).collect::<Vec<_>>()]);
    assert_eq!(w.cache.asked(), 1);
}

#[tokio::test]
async fn lists_and_single_rows_asked_for_together_are_one_read() {
    let w = World::new();
    let batch = Batch::new(w.process().await);
    w.truth.commit(1, 1);
    w.truth.commit(3, 1);
    let keys = w.keys([1, 2]);
    let (single, list, late) = tokio::join!(batch.get(&keys[0]), batch.get_many(&keys), async {
        // A resolver that first waits for something short.
        tokio::task::yield_now().await;
        batch.get(&w.key(3)).await
    });
    assert_eq!(single.unwrap().unwrap().rev, 1);
    assert_eq!(list.unwrap().into_keys().collect::<Vec<_>>(), keys[..1]);
    assert_eq!(late.unwrap().unwrap().rev, 1);
    assert_eq!(w.truth.reads(), [vec![1, 2, 3]]);
}

#[tokio::test]
async fn a_long_subscription_sees_every_change() {
    let w = World::new();
    let process = w.process().await;
    let batch = Batch::new(process.clone());
    for rev in 1..5 {
        w.write(&process, 1, rev).await;
        assert_eq!(batch.get(&w.key(1)).await.unwrap().unwrap().rev, rev);
        w.truth.commit(1, rev + 10);
        assert_eq!(
            batch
                .get_at_least(&w.key(1), rev + 10)
                .await
                .unwrap()
                .unwrap()
                .rev,
            rev + 10
        );
    }
}

#[tokio::test]
async fn who_asks_while_a_batch_runs_gets_a_batch_of_its_own() {
    let w = World::new();
    let process = w.process().await;
    let batch = Arc::new(Batch::new(process.clone()));
    w.truth.commit(1, 1);
    let gate = w.truth.hold();
    let ask = || {
        let (batch, key) = (batch.clone(), w.key(1));
        task::spawn(async move { batch.get(&key).await.unwrap().unwrap().rev })
    };
    let before = ask();
    settle().await;
    gate.look();
    settle().await;
    w.truth.let_pass();
    w.write(&process, 1, 2).await;
    let after = ask();
    settle().await;
    assert!(after.is_finished(), "it does not wait for the batch before it");
    assert_eq!(after.await.unwrap(), 2);
    gate.answer();
    assert_eq!(before.await.unwrap(), 1);
}

#[tokio::test]
async fn the_others_of_a_batch_outlive_a_cancelled_one() {
    let w = World::new();
    let batch = Arc::new(Batch::new(w.process().await));
    for row in 0..3 {
        w.truth.commit(row, 1);
    }
    for cancelled in 0..3 {
        let gate = w.truth.hold();
        let mut asking: Vec<_> = w
            .keys(0..3)
            .into_iter()
            .map(|key| {
                let batch = batch.clone();
                task::spawn(async move { batch.get(&key).await.unwrap().unwrap().rev })
            })
            .collect();
        settle().await;
        let gone = asking.remove(cancelled);
        gone.abort();
        settle().await;
        gate.look();
        gate.answer();
        for asking in asking {
            assert_eq!(asking.await.unwrap(), 1);
        }
        // Whichever of them ran the batch, nobody reads the rows a second time.
        assert_eq!(w.truth.reads().len(), cancelled + 1);
        w.pass(3601);
    }
}

#[tokio::test]
async fn errors_reach_every_item() {
    let w = World::new();
    let batch = Batch::new(w.process().await);
    w.truth.fault(Some(super::truth::Fault::Fails));
    let keys = w.keys(0..3);
    let rows = join_all(keys.iter().map(|key| batch.get(key))).await;
    assert!(rows.iter().all(Result::is_err));
    assert!(batch.get_many(&keys).await.is_err());
    assert_eq!(w.truth.reads().len(), 2);
}

#[tokio::test]
async fn a_question_is_asked_for_all_at_once_also_for_those_a_cancelled_one_leaves() {
    let asked: Arc<Mutex<Vec<Vec<u32>>>> = Arc::default();
    let gate = Arc::new(Semaphore::new(0));
    let (log, held) = (asked.clone(), gate.clone());
    let gather = Arc::new(Gather::new(move |mut keys: Vec<u32>| {
        keys.sort_unstable();
        log.lock().unwrap().push(keys.clone());
        let held = held.clone();
        async move {
            held.acquire().await.unwrap().forget();
            keys.into_iter()
                .filter(|key| *key < 9)
                .map(|key| (key, key * 10))
                .collect::<HashMap<_, _>>()
        }
    }));
    let ask = |key| {
        let gather = gather.clone();
        task::spawn(async move { gather.get(key).await })
    };
    let [first, second, unknown] = [1, 2, 9].map(ask);
    settle().await;
    gate.add_permits(1);
    assert_eq!(
        (first.await.unwrap(), second.await.unwrap()),
        (Some(10), Some(20))
    );
    assert_eq!(unknown.await.unwrap(), None);
    assert_eq!(*asked.lock().unwrap(), [vec![1, 2, 9]]);

    let asking = [1, 2].map(ask);
    settle().await;
    let [gone, left] = asking;
    gone.abort();
    settle().await;
    gate.add_permits(1);
    assert!(gone.await.is_err());
    assert_eq!(left.await.unwrap(), Some(20));
    assert_eq!(*asked.lock().unwrap(), [vec![1, 2, 9], vec![1, 2]]);
    assert_eq!(gather.get_many(vec![]).await, HashMap::new());
}

/// Futures of a long list take turns; what each asks for after a pause is still one question.
#[tokio::test]
async fn a_long_list_asks_together_at_every_level() {
    let asked: Arc<Mutex<Vec<usize>>> = Arc::default();
    let levels: Vec<Gather<u32, u32>> = (0..3)
        .map(|_| {
            let asked = asked.clone();
            Gather::new(move |keys: Vec<u32>| {
                asked.lock().unwrap().push(keys.len());
                async move {
                    // As a database does, the answer comes from elsewhere.
                    let answer = keys.into_iter().map(|key| (key, key)).collect();
                    task::spawn(async move { answer }).await.unwrap()
                }
            })
        })
        .collect();
    for count in [1, 30, 31, 200, 1000] {
        join_all((0..count).map(|key| {
            let levels = &levels;
            async move {
                for level in levels {
                    assert_eq!(level.get(key).await, Some(key));
                }
            }
        }))
        .await;
        let count = usize::try_from(count).unwrap();
        assert_eq!(std::mem::take(&mut *asked.lock().unwrap()), [count; 3]);
    }
    let keys: Vec<u32> = (0..2500).collect();
    assert_eq!(levels[0].get_many(keys).await.len(), 2500);
    assert_eq!(*asked.lock().unwrap(), [1000, 1000, 500]);
}
