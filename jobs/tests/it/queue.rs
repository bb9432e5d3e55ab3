//! Putting jobs down.

use crate::fixture::{all_done, effects, jobs, put_down, worker};
use chrono::TimeDelta;
use commons_entities::UserId;
use commons_jobs::{Effect, Owner, Progress, enqueue, enqueue_at};
use commons_testing::World;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;

#[tokio::test]
async fn each_owner_gets_a_job_of_its_own() {
    let world = World::new().await;
    let user = UserId(world.platform.clock.new_id());
    let effect = Effect::EraseAccount {
        user,
        erase_messages: true,
    };
    put_down(&world, &[effect])
        .await
        .announce(&world.platform.bus)
        .await;
    for (owner, count) in [(Owner::User, 0), (Owner::Channel, 1), (Owner::Message, 1)] {
        let rows = jobs(&world.platform, owner).await;
        assert_eq!(rows.len(), count, "{owner:?}");
        for row in rows {
            assert_eq!((row.kind.as_str(), row.attempts), ("EraseAccount", 0));
            assert_eq!(row.run_at, world.platform.clock.now());
        }
    }
}

#[tokio::test]
async fn a_transaction_that_is_undone_leaves_no_job() {
    let world = World::new().await;
    let tx = world.platform.db.begin().await.unwrap();
    let _enqueued = enqueue(&tx, world.platform.clock.now(), &effects(&world, 3))
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(jobs(&world.platform, Owner::Message).await, []);
    assert_eq!(jobs(&world.platform, Owner::Channel).await, []);
}

#[tokio::test]
async fn nothing_begins_before_its_commit_or_its_time() {
    let world = World::new().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let _worker = worker(&world.platform, move |effect| {
        tell.send(effect).unwrap();
        async { Ok(Progress::Done) }
    });
    let now = world.platform.clock.now();
    let [early, late, open] = <[Effect; 3]>::try_from(effects(&world, 3)).unwrap();

    // On SQLite the worker cannot even look while this is open.
    let tx = world.platform.db.begin().await.unwrap();
    let first = enqueue(&tx, now, std::slice::from_ref(&open)).await.unwrap();
    first.announce(&world.platform.bus).await;
    assert_eq!(jobs(&world.platform, Owner::Message).await, []);
    tx.rollback().await.unwrap();

    let tx = world.platform.db.begin().await.unwrap();
    let later = enqueue_at(&tx, now, now + TimeDelta::hours(1), std::slice::from_ref(&late))
        .await
        .unwrap();
    let at_once = enqueue(&tx, now, std::slice::from_ref(&early)).await.unwrap();
    tx.commit().await.unwrap();
    later.and(at_once).announce(&world.platform.bus).await;
    assert_eq!(told.recv().await, Some(early));
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!(told.recv().await, Some(late));
    all_done(&world.platform, Owner::Message).await;
    assert!(told.try_recv().is_err());
}

#[tokio::test]
async fn more_jobs_than_a_statement_holds_run_in_their_order() {
    let world = World::new().await;
    let effects = effects(&world, 1100);
    let _silent = put_down(&world, &effects).await;
    assert_eq!(jobs(&world.platform, Owner::Message).await.len(), 1100);
    let ran = Arc::new(Mutex::new(0));
    let counted = ran.clone();
    // The first few are enough to see that they come at all without being announced.
    let worker = worker(&world.platform, move |_| {
        *counted.lock().unwrap() += 1;
        async { Ok(Progress::Done) }
    });
    crate::fixture::until("some run", || async { *ran.lock().unwrap() >= 5 }).await;
    worker.stop().await;
    let left = jobs(&world.platform, Owner::Message).await.len();
    assert_eq!(left, 1100 - *ran.lock().unwrap());
}
