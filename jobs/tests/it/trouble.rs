//! Workers that die, are too slow, and steps that fail.

use crate::fixture::{all_done, another_process, effects, jobs, put_down, until, worker};
use chrono::TimeDelta;
use commons_entities::job::job;
use commons_jobs::{LEASE, MAX_ATTEMPTS, Owner, Progress};
use commons_platform::ApiError;
use commons_testing::World;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, Set};
use std::sync::{
    Arc,
    atomic::{AtomicI32, Ordering},
};
use tokio::sync::mpsc;

#[tokio::test]
async fn the_job_of_a_worker_that_died_runs_again_when_its_lease_ends() {
    let world = World::new().await;
    let other = another_process(&world).await;
    let effects = effects(&world, 2);
    let _silent = put_down(&world, &effects[..1]).await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let dying = worker(&world.platform, move |_| {
        tell.send(()).unwrap();
        std::future::pending()
    });
    told.recv().await.unwrap();
    drop(dying);

    let (tell, mut told) = mpsc::unbounded_channel();
    let _living = worker(&other, move |effect| {
        tell.send(effect).unwrap();
        async { Ok(Progress::Done) }
    });
    world.clock.advance(LEASE - TimeDelta::milliseconds(1));
    // It did look: it took the other one.
    put_down(&world, &effects[1..]).await.announce(&other.bus).await;
    assert_eq!(told.recv().await.as_ref(), Some(&effects[1]));
    until("only the claimed one is left", || async {
        jobs(&other, Owner::Message).await.len() == 1
    })
    .await;
    assert!(told.try_recv().is_err());
    world.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(told.recv().await.as_ref(), Some(&effects[0]));
    all_done(&other, Owner::Message).await;
}

#[tokio::test]
async fn who_was_too_slow_settles_nothing() {
    let world = World::new().await;
    let other = another_process(&world).await;
    let _silent = put_down(&world, &effects(&world, 1)).await;
    let (begun, mut beginnings) = mpsc::unbounded_channel();
    let (release, released) = tokio::sync::watch::channel(false);
    let slow = worker(&world.platform, move |_| {
        begun.send(()).unwrap();
        let mut released = released.clone();
        async move {
            released.wait_for(|released| *released).await.unwrap();
            Ok(Progress::Done)
        }
    });
    beginnings.recv().await.unwrap();
    world.clock.advance(LEASE);
    let (tell, mut told) = mpsc::unbounded_channel();
    let second = worker(&other, move |_| {
        tell.send(()).unwrap();
        std::future::pending()
    });
    told.recv().await.unwrap();
    let claimed = jobs(&other, Owner::Message).await;
    release.send(true).unwrap();
    slow.stop().await;
    assert_eq!(
        jobs(&other, Owner::Message).await,
        claimed,
        "the second one has it"
    );
    drop(second);
}

#[tokio::test]
async fn a_step_that_fails_is_tried_again_ever_later() {
    let world = World::new().await;
    let _silent = put_down(&world, &effects(&world, 1)).await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let attempts = Arc::new(AtomicI32::new(0));
    let counted = attempts.clone();
    let _worker = worker(&world.platform, move |_| {
        let attempt = counted.fetch_add(1, Ordering::SeqCst) + 1;
        tell.send(attempt).unwrap();
        async move {
            match attempt {
                1 => Err(ApiError::internal(std::io::Error::other("the disk is full"))),
                2 => panic!("a defect"),
                3 => Ok(Progress::More),
                4 => Err(ApiError::overloaded()),
                _ => Ok(Progress::Done),
            }
        }
    });
    let settled = |attempts: i32, pause: i64| {
        let platform = &world.platform;
        until("the attempt is settled", move || async move {
            let rows = jobs(platform, Owner::Message).await;
            let row = &rows[0];
            row.claimed_until.is_none()
                && row.attempts == attempts
                && row.run_at == platform.clock.now() + TimeDelta::seconds(pause)
        })
    };
    assert_eq!(told.recv().await, Some(1));
    settled(1, 1).await;
    let error = jobs(&world.platform, Owner::Message).await[0]
        .last_error
        .clone()
        .unwrap();
    assert_eq!(error, "INTERNAL: something went wrong inside: the disk is full");
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(told.recv().await, Some(2));
    settled(2, 2).await;
    world.clock.advance(TimeDelta::seconds(2));
    // The third succeeds, so the fourth is the first of its step.
    assert_eq!(told.recv().await, Some(3));
    assert_eq!(told.recv().await, Some(4));
    settled(1, 1).await;
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(told.recv().await, Some(5));
    all_done(&world.platform, Owner::Message).await;
}

#[tokio::test]
async fn what_never_succeeds_is_given_up_and_kept() {
    let world = World::new().await;
    let _silent = put_down(&world, &effects(&world, 2)).await;
    let rows = jobs(&world.platform, Owner::Message).await;
    // One is at its last attempt; the other's processes all died.
    for (row, attempts) in rows.into_iter().zip([MAX_ATTEMPTS - 1, MAX_ATTEMPTS]) {
        let mut row = row.into_active_model();
        row.attempts = Set(attempts);
        row.update(world.platform.db.writer()).await.unwrap();
    }
    let worker = worker(&world.platform, |_| async { Err(ApiError::overloaded()) });
    until("both are given up", || async {
        let rows = jobs(&world.platform, Owner::Message).await;
        rows.iter().all(|row| row.failed_at.is_some())
    })
    .await;
    worker.stop().await;
    let rows = jobs(&world.platform, Owner::Message).await;
    let errors: Vec<_> = rows
        .iter()
        .map(|row| row.last_error.as_deref().unwrap())
        .collect();
    assert_eq!(
        errors,
        [
            "OVERLOADED: the service is full, try again",
            "every attempt ended with its process"
        ]
    );
}

#[tokio::test]
async fn jobs_of_a_newer_version_are_left_to_it() {
    let world = World::new().await;
    let _silent = put_down(&world, &effects(&world, 2)).await;
    let mut newer = jobs(&world.platform, Owner::Message)
        .await
        .remove(0)
        .into_active_model();
    newer.kind = Set("BrewCoffee".to_owned());
    let newer = newer.update(world.platform.db.writer()).await.unwrap();
    let worker = worker(&world.platform, |_| async { Ok(Progress::Done) });
    until("the known one is done", || async {
        jobs(&world.platform, Owner::Message).await.len() == 1
    })
    .await;
    worker.stop().await;
    let left = job::Entity::find_by_id(newer.id)
        .one(world.platform.db.read())
        .await
        .unwrap();
    assert_eq!(left, Some(newer));
}
