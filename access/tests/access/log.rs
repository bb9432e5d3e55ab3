//! The log of changes, as processes with the database write, read and clear it.

use crate::{
    changes::members,
    house::{House, PATIENCE, Seam},
};
use commons_access::{Access, Change, Listener, LocalAccess, Subject, change, changes::Heard, channels_in};
use commons_entities::{ChannelId, SessionId, UserId, access::access_change};
use commons_platform::{clock::Clock, db::Db, task};
use sea_orm::{EntityTrait, sea_query::Expr};
use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// Each is announced once the one before is heard, right after a reading: without the bus each would
/// wait for a whole period of 400 ms.
#[tokio::test]
async fn the_bus_makes_it_sooner() {
    let house = House::new(Seam::Local).await;
    let mut platform = house.platform_elsewhere().await;
    platform.bus = house.world.platform.bus.clone();
    let other = LocalAccess::start(&platform).await.unwrap();
    let subject = Subject::Guild(house.guild);
    let mut listener = other.changes().listen(&[subject]);
    let hear = async |listener: &mut Listener| {
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
async fn a_follower_that_is_too_slow_is_told() {
    let house = House::new(Seam::Local).await;
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
    let house = House::new(Seam::Local).await;
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
async fn what_is_kept_is_not_believed_while_changes_cannot_be_read() {
    let house = House::new(Seam::Local).await;
    let platform = house.platform_elsewhere().await;
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

/// Four processes record at the same time, some of it in vain, while a fifth reads without pause.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_misses_nothing_of_what_is_recorded_at_once() {
    const ROUNDS: u128 = 25;
    let house = House::new(Seam::Local).await;
    let reader = house.elsewhere().await.access;
    let mut follower = reader.changes().follow();
    let first = house.write(&[], async |_| Ok(())).await.version() + 1;
    let recorders: Vec<_> = futures_util::future::join_all((0..4).map(|_| house.world.database.reconnect()))
        .await
        .into_iter()
        .enumerate()
        .map(|(process, db)| {
            let (guild, now) = (house.guild, house.world.clock.now());
            task::spawn(async move {
                let mut committed = Vec::new();
                for round in 0..ROUNDS {
                    let number = process as u128 * 1000 + round * 10;
                    let subjects =
                        [0, 1].map(|i| Subject::Member(guild, UserId(Uuid::from_u128(number + i))));
                    let tx = db.begin().await.unwrap();
                    let version = change::record(&tx, now, &subjects).await.unwrap().version();
                    if round % 5 == 4 {
                        tx.rollback().await.unwrap();
                    } else {
                        tx.commit().await.unwrap();
                        committed.extend(subjects.map(|subject| Change { subject, version }));
                    }
                }
                committed
            })
        })
        .collect();
    let done = futures_util::future::join_all(recorders);
    let mut done = std::pin::pin!(done);
    let committed: HashSet<Change> = loop {
        tokio::select! {
            all = &mut done => break all.into_iter().flat_map(Result::unwrap).collect(),
            read = reader.changes().read() => read.unwrap(),
        }
    };
    reader.changes().read().await.unwrap();
    let versions: BTreeSet<i64> = committed.iter().map(|change| change.version).collect();
    let expected: BTreeSet<i64> = (first..first + 4 * 20).collect();
    assert_eq!(versions, expected, "each commit has the next version");
    let mut heard = HashSet::new();
    while heard.len() < committed.len() {
        match tokio::time::timeout(PATIENCE, follower.next())
            .await
            .unwrap()
            .unwrap()
        {
            Heard::Change(change) if change.version >= first => heard.insert(change),
            Heard::Change(_) => continue,
            Heard::Missed => panic!("some hundred changes fit"),
        };
    }
    assert_eq!(heard, committed);
}

/// A row that is not committed is not seen, and nothing above it is given out before it ends.
#[tokio::test]
async fn versions_become_visible_in_their_order() {
    let house = House::new(Seam::Local).await;
    let other = house.world.database.reconnect().await;
    let now = house.world.clock.now();
    let subject = Subject::Guild(house.guild);
    let tx = house.world.platform.db.begin().await.unwrap();
    let first = change::record(&tx, now, &[subject]).await.unwrap().version();
    let second = task::spawn(async move {
        let tx = other.begin().await.unwrap();
        let version = change::record(&tx, now, &[subject]).await.unwrap().version();
        tx.commit().await.unwrap();
        version
    });
    let mut follower = house.access.changes().follow();
    house.access.changes().read().await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(100), follower.next()).await;
    assert!(early.is_err(), "{early:?}");
    assert!(!second.is_finished());
    tx.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), first + 1);
    house.access.changes().read().await.unwrap();
    let version = first + 1;
    let heard = tokio::time::timeout(PATIENCE, async {
        loop {
            if follower.next().await == Some(Heard::Change(Change { subject, version })) {
                break;
            }
        }
    });
    heard.await.unwrap();
}

/// As after a restore from a copy.
#[tokio::test]
async fn a_log_that_was_set_back_is_noticed() {
    let house = House::new(Seam::Local).await;
    let (guild, changes) = (Subject::Guild(house.guild), house.access.changes());
    changes
        .announce(house.write(&[guild], async |_| Ok(())).await)
        .await;
    changes
        .announce(house.write(&[guild], async |_| Ok(())).await)
        .await;
    changes.read().await.unwrap();
    let before = house.permissions(&house.alice).await;
    let mut listener = changes.listen(&[guild]);
    let mut follower = changes.follow();
    let db = &house.world.platform.db;
    commons_entities::channel::role::Entity::update_many()
        .col_expr(
            commons_entities::channel::role::Column::Permissions,
            Expr::value(1i64 << 13),
        )
        .exec(db.writer())
        .await
        .unwrap();
    access_change::Entity::update_many()
        .col_expr(access_change::Column::Version, Expr::value(1i64))
        .exec(db.writer())
        .await
        .unwrap();
    changes.read().await.unwrap();
    tokio::time::timeout(PATIENCE, listener.changed()).await.unwrap();
    assert_eq!(follower.next().await, Some(Heard::Missed));
    assert_ne!(house.permissions(&house.alice).await, before);
    let version = house.write(&[guild], async |_| Ok(())).await.version();
    assert_eq!(version, 2);
    changes.read().await.unwrap();
    let change = Change {
        subject: guild,
        version,
    };
    assert_eq!(follower.next().await, Some(Heard::Change(change)));
}

async fn rows(db: &Db) -> BTreeSet<String> {
    let rows = access_change::Entity::find().all(db.read()).await.unwrap();
    rows.into_iter().map(|row| row.subject).collect()
}

#[tokio::test]
async fn sessions_go_from_the_log_with_their_last_token() {
    let house = House::new(Seam::Local).await;
    let db = &house.world.platform.db;
    let sessions = |numbers: std::ops::Range<u128>| -> Vec<Subject> {
        numbers
            .map(|number| Subject::Session(SessionId(Uuid::from_u128(number))))
            .collect()
    };
    // More than a page, among what stays.
    let _ = house.write(&members(&house, 1500), async |_| Ok(())).await;
    let _ = house.write(&sessions(0..1200), async |_| Ok(())).await;
    let _ = house
        .write(&[Subject::Guild(house.guild)], async |_| Ok(()))
        .await;
    let again = sessions(7..8);
    house.world.clock.advance(chrono::TimeDelta::hours(24));
    let _ = house.write(&sessions(2000..2001), async |_| Ok(())).await;
    let changes = house.access.changes();
    assert_eq!(
        changes.sweep().await.unwrap(),
        0,
        "a connection may still be open"
    );
    let _ = house.write(&again, async |_| Ok(())).await;
    house.world.clock.advance(chrono::TimeDelta::minutes(10));

    // Several processes at once: each row goes once.
    let others = [house.elsewhere().await, house.elsewhere().await];
    let (a, b, c) = futures_util::future::join3(
        changes.sweep(),
        others[0].access.changes().sweep(),
        others[1].access.changes().sweep(),
    )
    .await;
    assert_eq!(a.unwrap() + b.unwrap() + c.unwrap(), 1199);
    let left = rows(db).await;
    assert_eq!(
        left.len(),
        1500 + 1 + 1 + 2,
        "members, the guild, the head, two sessions"
    );
    for session in again.iter().chain(&sessions(2000..2001)) {
        assert!(left.contains(&session.to_string()));
    }

    // Where it was once, nothing is looked at again: what is older than all that is new stays unread.
    house.world.clock.advance(chrono::TimeDelta::hours(25));
    let _ = house
        .write(&[Subject::Guild(house.guild)], async |_| Ok(()))
        .await;
    let before = db.query_count();
    assert_eq!(changes.sweep().await.unwrap(), 2);
    assert!(db.query_count() - before < 10, "{}", db.query_count() - before);
    assert_eq!(changes.sweep().await.unwrap(), 0);
}

/// A row that a recorder holds is left alone, without waiting.
#[tokio::test]
async fn nobody_waits_for_the_one_who_clears() {
    let house = House::new(Seam::Local).await;
    let db = &house.world.platform.db;
    if !db.is_postgres() {
        // There is one writer at a time.
        return;
    }
    let session = Subject::Session(SessionId(Uuid::from_u128(1)));
    let _ = house.write(&[session], async |_| Ok(())).await;
    house.world.clock.advance(chrono::TimeDelta::hours(25));
    let tx = db.begin().await.unwrap();
    let _ = change::record(&tx, house.world.clock.now(), &[session])
        .await
        .unwrap();
    let swept = tokio::time::timeout(PATIENCE, house.access.changes().sweep()).await;
    assert_eq!(swept.unwrap().unwrap(), 0);
    tx.commit().await.unwrap();
    assert!(rows(db).await.contains(&session.to_string()));
}

/// One statement for any number of keys, and as many keys as a statement may have arguments.
#[tokio::test]
async fn large_lists_are_the_same_statements() {
    let house = House::new(Seam::Local).await;
    let db = house.world.database.reconnect().await;
    let strangers = (0..10_000).map(|i| (ChannelId(Uuid::from_u128(i)), UserId(Uuid::from_u128(i))));
    let users = (0..5_000).map(|i| (house.general, UserId(Uuid::from_u128(i))));
    let keys: Vec<_> = strangers
        .chain(users)
        .chain([
            (house.general, house.bob.user),
            (house.general, house.stranger.user),
        ])
        .collect();
    let before = db.query_count();
    let now = house.world.clock.now();
    let standings = channels_in(db.read(), &keys, now).await.unwrap();
    assert_eq!(db.query_count() - before, 9);
    let seen: Vec<_> = standings
        .iter()
        .flatten()
        .map(|standing| standing.user())
        .collect();
    assert_eq!(seen, [Some(house.bob.user)]);
}

/// Keys of many guilds and many users are looked up as pairs: who is a member of one guild is none of
/// another.
#[tokio::test]
async fn pairs_of_guilds_and_users_do_not_mix() {
    let house = Arc::new(House::new(Seam::Local).await);
    let (db, clock) = (&house.world.platform.db, &*house.world.clock);
    let permissions = commons_access::Permissions::DEFAULT;
    let second = commons_testing::seed::guild(db, clock, house.alice.user, permissions).await;
    let keys = [
        (house.guild, house.bob.user),
        (second, house.alice.user),
        (second, house.bob.user),
        (house.guild, house.stranger.user),
    ];
    let standings = house.access.guilds_of(&keys).await.unwrap();
    let seen: Vec<bool> = standings.iter().map(Option::is_some).collect();
    assert_eq!(seen, [true, true, false, false]);
    assert_eq!(standings[0].as_ref().unwrap().roles(), [house.moderators]);
    assert!(standings[1].as_ref().unwrap().roles().is_empty());
}
