//! Workers, when all goes well.

use crate::fixture::{all_done, another_process, effects, jobs, put_down, until, worker};
use chrono::TimeDelta;
use commons_jobs::{Effect, Owner, Progress};
use commons_testing::World;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};
use tokio::sync::{Notify, mpsc};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_run_every_step_once_and_one_at_a_time() {
    const STEPS: usize = 3;
    let world = World::new().await;
    let other = another_process(&world).await;
    let effects = effects(&world, 30);
    let _silent = put_down(&world, &effects).await;

    let running = Arc::new(Mutex::new(HashSet::new()));
    let steps = Arc::new(Mutex::new(HashMap::<String, Vec<&str>>::new()));
    let step = |name: &'static str| {
        let (running, steps) = (running.clone(), steps.clone());
        move |effect: Effect| {
            let (running, steps) = (running.clone(), steps.clone());
            let effect = format!("{effect:?}");
            async move {
                assert!(running.lock().unwrap().insert(effect.clone()), "twice at a time");
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
                assert!(running.lock().unwrap().remove(&effect));
                let mut steps = steps.lock().unwrap();
                let taken = steps.entry(effect).or_default();
                taken.push(name);
                Ok(if taken.len() < STEPS {
                    Progress::More
                } else {
                    Progress::Done
                })
            }
        }
    };
    let _one = worker(&world.platform, step("one"));
    let _two = worker(&other, step("two"));
    all_done(&world.platform, Owner::Message).await;

    let steps = steps.lock().unwrap();
    assert_eq!(steps.len(), effects.len());
    assert!(steps.values().all(|taken| taken.len() == STEPS), "{steps:?}");
    for name in ["one", "two"] {
        assert!(
            steps.values().flatten().any(|who| *who == name),
            "{name} had no part"
        );
    }
}

#[tokio::test]
async fn a_long_job_holds_up_no_short_one() {
    let world = World::new().await;
    let effects = effects(&world, 2);
    let (long, short) = (effects[0].clone(), effects[1].clone());
    let (tell, mut told) = mpsc::unbounded_channel();
    let _silent = put_down(&world, &effects).await;
    let clock = world.clock.clone();
    let _worker = worker(&world.platform, move |effect| {
        // A step takes time: whoever is put back is behind those who wait.
        clock.advance(TimeDelta::milliseconds(1));
        let progress = if effect == long {
            Progress::More
        } else {
            Progress::Done
        };
        tell.send(effect).unwrap();
        async move { Ok(progress) }
    });
    // The long one never ends; the short one has its turn all the same.
    while told.recv().await != Some(short.clone()) {}
    until("the short one is gone", || async {
        jobs(&world.platform, Owner::Message).await.len() == 1
    })
    .await;
}

#[tokio::test]
async fn what_is_announced_begins_at_once() {
    let world = World::new().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let _worker = worker(&world.platform, move |_| {
        tell.send(()).unwrap();
        async { Ok(Progress::Done) }
    });
    // Its first look is over, and it listens, once it did something.
    put_down(&world, &effects(&world, 1))
        .await
        .announce(&world.platform.bus)
        .await;
    told.recv().await.unwrap();
    let began = tokio::time::Instant::now();
    for _ in 0..5 {
        put_down(&world, &effects(&world, 1))
            .await
            .announce(&world.platform.bus)
            .await;
        told.recv().await.unwrap();
    }
    assert!(
        began.elapsed() < std::time::Duration::from_secs(4),
        "five polls take ten seconds"
    );
}

#[tokio::test]
async fn stopping_waits_for_the_step_and_begins_no_other() {
    let world = World::new().await;
    let _silent = put_down(&world, &effects(&world, 5)).await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let go_on = Arc::new(Notify::new());
    let waiting = go_on.clone();
    let worker = worker(&world.platform, move |_| {
        tell.send(()).unwrap();
        let waiting = waiting.clone();
        async move {
            waiting.notified().await;
            Ok(Progress::Done)
        }
    });
    told.recv().await.unwrap();
    let stopping = commons_platform::task::spawn(worker.stop());
    tokio::task::yield_now().await;
    assert!(!stopping.is_finished());
    go_on.notify_one();
    stopping.await.unwrap();
    let left = jobs(&world.platform, Owner::Message).await;
    assert_eq!(left.len(), 4);
    assert!(
        left.iter().all(|row| row.claimed_until.is_none()),
        "none is left claimed"
    );
    assert!(told.try_recv().is_err());
}
