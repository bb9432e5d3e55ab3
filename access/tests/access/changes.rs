//! How changes are recorded and heard, here and in other processes.

use crate::house::House;
use commons_access::{Access, Change, LocalAccess, Permissions, Subject, change, changes::Heard};
use commons_entities::{SessionId, UserId};
use commons_platform::{Platform, clock::Clock, secret::Secret};
use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// Longer than any machine needs; a test that waits this long fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Another process over the same database.
async fn elsewhere(house: &House) -> Platform {
    let database = &house.world.database;
    let db = database.reconnect().await;
    Platform::assemble(
        database.config.clone(),
        db,
        Secret::new("another"),
        house.world.clock.clone(),
    )
}

fn members(house: &House, count: u128) -> Vec<Subject> {
    (0..count)
        .map(|i| Subject::Member(house.guild, UserId(Uuid::from_u128(i))))
        .collect()
}

#[tokio::test]
async fn versions_rise_over_all_subjects() {
    let house = House::new().await;
    let (guild, channel) = (Subject::Guild(house.guild), Subject::Channel(house.general));
    let first = house
        .write(&[guild, channel, guild], async |_| Ok(()))
        .await
        .version();
    let second = house.write(&[channel], async |_| Ok(())).await.version();
    assert_eq!(second, first + 1);
    let tx = house.world.platform.db.begin().await.unwrap();
    let lost = change::record(&tx, house.world.clock.now(), &[guild])
        .await
        .unwrap()
        .version();
    tx.rollback().await.unwrap();
    assert_eq!(lost, second + 1);
    assert_eq!(
        house.write(&[guild], async |_| Ok(())).await.version(),
        lost,
        "as if it never was"
    );
}

#[tokio::test]
async fn another_process_hears_what_it_reads() {
    let house = House::new().await;
    let other = LocalAccess::start(&elsewhere(&house).await).await.unwrap();
    let key = [(house.general, house.alice.user)];
    assert!(other.channels_of(&key).await.unwrap()[0].is_some());
    let _ = house.kick(house.alice.user).await;
    other.changes().read().await.unwrap();
    assert_eq!(other.channels_of(&key).await.unwrap(), [None]);
}

#[tokio::test]
async fn another_process_hears_without_the_bus() {
    let house = House::new().await;
    let other = LocalAccess::start(&elsewhere(&house).await).await.unwrap();
    let mut listener = other
        .changes()
        .listen(&[Subject::Member(house.guild, house.alice.user)]);
    let _ = house.kick(house.alice.user).await;
    tokio::time::timeout(PATIENCE, listener.changed()).await.unwrap();
    assert_eq!(
        other
            .channels_of(&[(house.general, house.alice.user)])
            .await
            .unwrap(),
        [None]
    );
}

/// Each is announced once the one before is heard, right after a reading: without the bus each would
/// wait for a whole period of 400 ms.
#[tokio::test]
async fn the_bus_makes_it_sooner() {
    let house = House::new().await;
    let mut platform = elsewhere(&house).await;
    platform.bus = house.world.platform.bus.clone();
    let other = LocalAccess::start(&platform).await.unwrap();
    let subject = Subject::Guild(house.guild);
    let mut listener = other.changes().listen(&[subject]);
    let hear = async |listener: &mut commons_access::Listener| {
        let recorded = house.write(&[subject], async |_| Ok(())).await;
        house.access.changes().announce(recorded).await;
        tokio::time::timeout(PATIENCE, listener.changed()).await.unwrap();
    };
    // The first one may find the other process before it listens to the bus.
    hear(&mut listener).await;
    let began = Instant::now();
    for _ in 0..10 {
        hear(&mut listener).await;
    }
    assert!(
        began.elapsed() < Duration::from_millis(9 * 400),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_follower_hears_each_change_of_a_large_record() {
    let house = House::new().await;
    let other = LocalAccess::start(&elsewhere(&house).await).await.unwrap();
    let mut follower = other.changes().follow();
    let subjects = members(&house, 2500);
    let version = house.write(&subjects, async |_| Ok(())).await.version();
    let mut missing: HashSet<Change> = subjects
        .iter()
        .map(|subject| Change {
            subject: *subject,
            version,
        })
        .collect();
    let all = async {
        while !missing.is_empty() {
            match follower.next().await.unwrap() {
                Heard::Change(change) => missing.remove(&change),
                Heard::Missed => panic!("2,500 changes fit"),
            };
        }
    };
    tokio::time::timeout(PATIENCE, all).await.unwrap();
}

#[tokio::test]
async fn a_follower_that_is_too_slow_is_told() {
    let house = House::new().await;
    let changes = house.access.changes();
    let mut follower = changes.follow();
    let recorded = house.write(&members(&house, 5000), async |_| Ok(())).await;
    changes.announce(recorded).await;
    assert_eq!(follower.next().await, Some(Heard::Missed));
    assert!(matches!(follower.next().await, Some(Heard::Change(_))));
}

/// The background reader may come between commit and announcement, and then a change is heard twice:
/// the least of some attempts is what counts.
#[tokio::test]
async fn what_was_announced_is_not_heard_again_from_the_log() {
    let house = House::new().await;
    let changes = house.access.changes();
    let (subject, end) = (Subject::Guild(house.guild), Subject::Channel(house.general));
    let mut least = usize::MAX;
    for _ in 0..10 {
        let mut follower = changes.follow();
        changes
            .announce(house.write(&[subject], async |_| Ok(())).await)
            .await;
        changes.read().await.unwrap();
        changes
            .announce(house.write(&[end], async |_| Ok(())).await)
            .await;
        let mut times = 0;
        loop {
            match follower.next().await.unwrap() {
                Heard::Change(change) if change.subject == end => break,
                Heard::Change(_) => times += 1,
                Heard::Missed => panic!("a few changes fit"),
            }
        }
        least = least.min(times);
    }
    assert_eq!(least, 1);
}

#[tokio::test]
async fn a_revoked_session_has_no_tokens_anywhere() {
    let house = House::new().await;
    let header = format!("Bearer {}", house.alice.token);
    let here = &house.world.platform.tokens;
    assert!(here.actor(Some(&header)).is_ok());
    let revoked = house
        .write(&[Subject::Session(house.alice.session)], async |_| Ok(()))
        .await;
    house.access.changes().announce(revoked).await;
    assert!(here.actor(Some(&header)).is_err());

    // One that starts later knows it from the log, however many other changes came since.
    let _ = house.write(&members(&house, 2500), async |_| Ok(())).await;
    let late = elsewhere(&house).await;
    let changes = LocalAccess::start(&late).await.unwrap();
    assert!(late.tokens.is_revoked(house.alice.session.0));
    assert!(changes.changes().is_revoked(house.alice.session));
    assert!(!changes.changes().is_revoked(house.bob.session));

    house.world.clock.advance(chrono::TimeDelta::minutes(7));
    let _ = house
        .write(&[Subject::Session(house.bob.session)], async |_| Ok(()))
        .await;
    let later = elsewhere(&house).await;
    let _changes = LocalAccess::start(&later).await.unwrap();
    assert!(later.tokens.is_revoked(house.bob.session.0));
    assert!(
        !later.tokens.is_revoked(house.alice.session.0),
        "its tokens have expired by themselves"
    );
}

#[tokio::test]
async fn a_session_revoked_elsewhere_is_refused_here() {
    let house = House::new().await;
    let other = elsewhere(&house).await;
    let access = LocalAccess::start(&other).await.unwrap();
    let _ = house
        .write(&[Subject::Session(SessionId(Uuid::from_u128(9)))], async |_| {
            Ok(())
        })
        .await;
    access.changes().read().await.unwrap();
    assert!(other.tokens.is_revoked(Uuid::from_u128(9)));
}

/// Standings are asked for without pause while permissions change: once a change is announced, no
/// answer is from before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_answer_is_older_than_an_announced_change() {
    let house = Arc::new(House::new().await);
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let askers: Vec<_> = (0..8)
        .map(|_| {
            let (house, done) = (house.clone(), done.clone());
            commons_platform::task::spawn(async move {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    house.permissions(&house.alice).await;
                    // What is kept answers at once: without this the task would never let go.
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for round in 0..50 {
        let more = if round % 2 == 0 {
            Permissions::VOTE
        } else {
            Permissions::CONNECT
        };
        let permissions = Permissions::VIEW_CHANNEL | more;
        let recorded = house.set_everyone(permissions).await;
        house.access.changes().announce(recorded).await;
        assert_eq!(
            house.permissions(&house.alice).await,
            Some(permissions),
            "round {round}"
        );
    }
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    for asker in askers {
        asker.await.unwrap();
    }
}

#[tokio::test]
async fn what_is_kept_is_not_believed_while_changes_cannot_be_read() {
    let house = House::new().await;
    let platform = elsewhere(&house).await;
    let other = LocalAccess::start(&platform).await.unwrap();
    let key = [(house.general, house.alice.user)];
    assert!(other.channels_of(&key).await.unwrap()[0].is_some());
    platform.db.clone().close().await.unwrap();
    assert!(
        other.channels_of(&key).await.unwrap()[0].is_some(),
        "kept, and changes were read just now"
    );
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(1001)).await;
    assert!(!other.changes().is_fresh());
    assert_eq!(
        other.channels_of(&key).await.unwrap_err().code(),
        commons_platform::Code::Unavailable
    );
}
