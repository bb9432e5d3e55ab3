//! The end of old events, and who is told.

use crate::{
    bus::Faults,
    fixture::{Fixture, at, by_hand, create, event, head, next, seqs, until},
};
use chrono::{DateTime, TimeDelta, Utc};
use commons_platform::db::Db;
use commons_streams::{
    Delivery, NewEvent,
    log::{self, KEPT_DAYS, KEPT_EVENTS, Pruned},
};
use uuid::Uuid;

async fn fill(db: &Db, stream: Uuid, count: i64, at: impl Fn(i64) -> DateTime<Utc>) {
    let tx = db.begin().await.unwrap();
    let events = (1..=count).map(|seq| NewEvent {
        at: at(seq),
        ..event(stream, 1)
    });
    log::append(&tx, events.collect()).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn only_what_is_old_and_not_among_the_newest_ends() {
    let fixture = Fixture::new(Faults::NONE, by_hand()).await;
    let db = fixture.db();
    let [old, mixed, short] = [fixture.stream, Uuid::from_u128(2), Uuid::from_u128(3)];
    create(db, mixed).await;
    create(db, short).await;
    let now = at(0);
    let (before, since) = (
        now - TimeDelta::days(KEPT_DAYS + 1),
        now - TimeDelta::days(KEPT_DAYS - 1),
    );
    fill(db, old, KEPT_EVENTS + 1500, |_| before).await;
    // Times that do not rise, as an import makes them: the first young event stops the floor.
    fill(db, mixed, KEPT_EVENTS + 300, |seq| {
        if seq == 201 { since } else { before }
    })
    .await;
    fill(db, short, KEPT_EVENTS, |_| before).await;
    let mut lagging = fixture.follow(100).await;
    head(&mut lagging).await;

    let pruned = log::prune(db, now).await.unwrap();
    assert_eq!(
        pruned,
        Pruned {
            streams: 2,
            events: 1700
        }
    );
    let heads = log::heads(db.read(), &[old, mixed, short]).await.unwrap();
    assert_eq!(
        [heads[&old].floor, heads[&mixed].floor, heads[&short].floor],
        [1500, 200, 0]
    );
    for stream in [old, mixed, short] {
        let floor = heads[&stream].floor;
        assert_eq!(
            seqs(&log::read(db.read(), stream, 0, 1).await.unwrap()),
            [floor + 1]
        );
    }
    assert_eq!(
        log::prune(db, now).await.unwrap(),
        Pruned::default(),
        "once is enough"
    );

    let top = KEPT_EVENTS + 1500;
    let mut below = fixture.follow(1499).await;
    assert_eq!(head(&mut below).await, top);
    assert_eq!(next(&mut below).await.unwrap(), Delivery::Reset { head: top });
    let mut at_the_floor = fixture.follow(1500).await;
    head(&mut at_the_floor).await;
    assert_eq!(until(&mut at_the_floor, top).await.len(), 10_000);
    assert_eq!(
        next(&mut lagging).await.unwrap(),
        Delivery::Reset { head: top },
        "what it needs is gone"
    );
    let sent = fixture.send(1).await;
    assert_eq!(until(&mut lagging, top + 1).await, sent);
}
