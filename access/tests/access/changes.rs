//! How changes are heard, here and in other processes, wherever they are heard from.

use crate::house::{House, PATIENCE, Seam, on_both_seams};
use commons_access::{Change, Permissions, Subject, change, changes::Heard};
use commons_entities::{SessionId, UserId};
use commons_platform::clock::Clock;
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use uuid::Uuid;

on_both_seams! {
    versions_rise_over_all_subjects
    another_process_hears_what_it_reads
    another_process_hears_without_the_bus
    a_follower_hears_each_change_of_a_large_record
    a_revoked_session_has_no_tokens_anywhere
    a_session_revoked_elsewhere_is_refused_here
}

/// Members who do not exist.
pub(crate) fn members(house: &House, count: u128) -> Vec<Subject> {
    (0..count)
        .map(|i| Subject::Member(house.guild, UserId(Uuid::from_u128(i))))
        .collect()
}

async fn versions_rise_over_all_subjects(seam: Seam) {
    let house = House::new(seam).await;
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

async fn another_process_hears_what_it_reads(seam: Seam) {
    let house = House::new(seam).await;
    let other = house.elsewhere().await;
    let key = [(house.general, house.alice.user)];
    assert!(other.access.channels_of(&key).await.unwrap()[0].is_some());
    let _ = house.kick(house.alice.user).await;
    other.access.changes().read().await.unwrap();
    assert_eq!(other.access.channels_of(&key).await.unwrap(), [None]);
}

async fn another_process_hears_without_the_bus(seam: Seam) {
    let house = House::new(seam).await;
    let other = house.elsewhere().await;
    let mut listener = other
        .access
        .changes()
        .listen(&[Subject::Member(house.guild, house.alice.user)]);
    let _ = house.kick(house.alice.user).await;
    tokio::time::timeout(PATIENCE, listener.changed()).await.unwrap();
    assert_eq!(
        other
            .access
            .channels_of(&[(house.general, house.alice.user)])
            .await
            .unwrap(),
        [None]
    );
}

async fn a_follower_hears_each_change_of_a_large_record(seam: Seam) {
    let house = House::new(seam).await;
    let other = house.elsewhere().await;
    let mut follower = other.access.changes().follow();
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

async fn a_revoked_session_has_no_tokens_anywhere(seam: Seam) {
    let house = House::new(seam).await;
    let header = format!("Bearer {}", house.alice.token);
    let home = &house.world.platform.tokens;
    assert!(home.actor(Some(&header)).is_ok());
    let revoked = house
        .write(&[Subject::Session(house.alice.session)], async |_| Ok(()))
        .await;
    house.announce(revoked).await;
    assert!(home.actor(Some(&header)).is_err());
    assert!(house.process.tokens.is_revoked(house.alice.session.0));

    // One that starts later knows it from the log, however many other changes came since.
    let _ = house.write(&members(&house, 2500), async |_| Ok(())).await;
    let late = house.elsewhere().await;
    assert!(late.tokens.is_revoked(house.alice.session.0));
    assert!(late.access.changes().is_revoked(house.alice.session));
    assert!(!late.access.changes().is_revoked(house.bob.session));

    // Connections outlive access tokens.
    house.world.clock.advance(chrono::TimeDelta::hours(23));
    let next_day = house.elsewhere().await;
    assert!(next_day.tokens.is_revoked(house.alice.session.0));
    house.world.clock.advance(chrono::TimeDelta::hours(2));
    let _ = house
        .write(&[Subject::Session(house.bob.session)], async |_| Ok(()))
        .await;
    let later = house.elsewhere().await;
    assert!(later.tokens.is_revoked(house.bob.session.0));
    assert!(
        !later.tokens.is_revoked(house.alice.session.0),
        "its tokens and connections have ended by themselves"
    );
}

async fn a_session_revoked_elsewhere_is_refused_here(seam: Seam) {
    let house = House::new(seam).await;
    let other = house.elsewhere().await;
    let session = SessionId(Uuid::from_u128(9));
    let _ = house.write(&[Subject::Session(session)], async |_| Ok(())).await;
    other.access.changes().read().await.unwrap();
    assert!(other.tokens.is_revoked(session.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_local_answer_is_older_than_an_announced_change() {
    no_answer_is_older_than_an_announced_change(Seam::Local, 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_remote_answer_is_older_than_an_announced_change() {
    no_answer_is_older_than_an_announced_change(Seam::Remote, 20).await;
}

/// Standings are asked for without pause while permissions change: once a change is announced, no
/// answer is from before it.
async fn no_answer_is_older_than_an_announced_change(seam: Seam, rounds: u32) {
    let house = Arc::new(House::new(seam).await);
    let done = Arc::new(AtomicBool::new(false));
    let askers: Vec<_> = (0..8)
        .map(|_| {
            let (house, done) = (house.clone(), done.clone());
            commons_platform::task::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    house.permissions(&house.alice).await;
                    // What is kept answers at once: without this the task would never let go.
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for round in 0..rounds {
        let more = if round % 2 == 0 {
            Permissions::VOTE
        } else {
            Permissions::CONNECT
        };
        let permissions = Permissions::VIEW_CHANNEL | more;
        let recorded = house.set_everyone(permissions).await;
        house.announce(recorded).await;
        assert_eq!(
            house.permissions(&house.alice).await,
            Some(permissions),
            "round {round}"
        );
    }
    done.store(true, Ordering::Relaxed);
    for asker in askers {
        asker.await.unwrap();
    }
}
