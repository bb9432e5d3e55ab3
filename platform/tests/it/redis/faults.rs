//! The cache, with two processes that read and write all the time.

use super::{
    fleet::{Fleet, eventually},
    proxy::Proxy,
};
use commons_platform::cache::Slot;
use sea_orm::ConnectionTrait;
use std::time::Duration;

/// How long a fault lasts: longer than a read may be old.
const WHILE: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn stopped_and_restarted_empty() {
    let Some(mut fleet) = Fleet::new().await else {
        return;
    };
    let (one, two) = (fleet.process().await, fleet.process().await);
    fleet.live(WHILE).await;
    fleet.server.kill();
    one.calls_fail_at_once().await;
    fleet.live(WHILE).await;
    fleet.server.restart().await;
    one.recovers().await;
    two.recovers().await;
    fleet.live(WHILE).await;
    fleet.judge(20);
    one.rest();
    two.rest();
    one.caches_again().await;
    fleet.judge(20);
}

#[tokio::test(flavor = "multi_thread")]
async fn hanging_with_old_values_in_it() {
    let Some(fleet) = Fleet::new().await else { return };
    let (one, two) = (fleet.process().await, fleet.process().await);
    for _ in 0..2 {
        fleet.live(WHILE).await;
        fleet.server.hang();
        one.calls_fail_at_once().await;
        fleet.live(WHILE).await;
        fleet.server.go_on();
        one.recovers().await;
        two.recovers().await;
    }
    fleet.live(WHILE).await;
    fleet.judge(20);
    one.rest();
    two.rest();
    one.caches_again().await;
    fleet.judge(20);
}

#[tokio::test(flavor = "multi_thread")]
async fn wiped() {
    let Some(fleet) = Fleet::new().await else { return };
    let (one, _two) = (fleet.process().await, fleet.process().await);
    for _ in 0..3 {
        fleet.live(WHILE / 3).await;
        fleet.server.wipe().await;
        assert!(
            !matches!(one.cached().await, Some(Slot::Miss(_))),
            "no lease after a wipe"
        );
    }
    fleet.live(WHILE).await;
    fleet.judge(20);
}

#[tokio::test(flavor = "multi_thread")]
async fn restarted_with_old_values() {
    let Some(mut fleet) = Fleet::new().await else {
        return;
    };
    let (one, two) = (fleet.process().await, fleet.process().await);
    one.rest();
    two.rest();
    one.caches_again().await;
    fleet.server.save().await;
    one.work();
    fleet.live(WHILE).await;
    one.rest();
    fleet.live(Duration::from_secs(2)).await;
    // Nobody owes anything, and the server comes back with what it had before all these writes.
    fleet.server.kill();
    fleet.server.restart().await;
    one.recovers().await;
    two.recovers().await;
    fleet.live(WHILE).await;
    one.caches_again().await;
    fleet.live(WHILE).await;
    fleet.judge(20);
}

#[tokio::test(flavor = "multi_thread")]
async fn reached_by_one_process_and_not_by_another() {
    let Some(fleet) = Fleet::new().await else { return };
    if !fleet.database.db.is_postgres() {
        return;
    }
    let way = Proxy::to(&fleet.server.url()).await;
    let (cut_off, other) = (fleet.process_by(&way.url).await, fleet.process().await);
    other.rest();
    for _ in 0..2 {
        fleet.live(WHILE).await;
        way.block();
        fleet.live(WHILE).await;
        cut_off.rest();
        fleet.live(WHILE).await;
        cut_off.work();
        way.unblock();
        cut_off.recovers().await;
    }
    cut_off.rest();
    other.caches_again().await;
    fleet.live(WHILE).await;
    fleet.judge(20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_in_debt() {
    let Some(fleet) = Fleet::new().await else { return };
    if !fleet.database.db.is_postgres() {
        return;
    }
    let way = Proxy::to(&fleet.server.url()).await;
    // Its tasks die with it, and nothing is said or renewed any more.
    let life = tokio::runtime::Runtime::new().unwrap();
    let dies = {
        let _inside = life.enter();
        fleet.process_by(&way.url).await
    };
    let other = fleet.process().await;
    dies.rest();
    other.rest();
    other.caches_again().await;
    way.block();
    dies.write_and_say_nothing().await;
    life.shutdown_background();
    fleet.live(WHILE).await;
    assert_eq!(other.cached().await, Some(Slot::Busy), "its mark stands");
    let over = "UPDATE cache_debtor SET until = clock_timestamp() - interval '1 second'";
    fleet.database.db.writer().execute_unprepared(over).await.unwrap();
    other.caches_again().await;
    fleet.live(WHILE).await;
    fleet.judge(1);
    let marks = "SELECT 1 FROM cache_debtor";
    eventually(WHILE, "the mark is taken away", async || {
        let left = fleet
            .database
            .db
            .writer()
            .execute_unprepared(marks)
            .await
            .unwrap();
        left.rows_affected() == 0
    })
    .await;
}
