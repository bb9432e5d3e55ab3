//! What a process without the database does when the way to the one it asks is cut, held or refused.

use crate::{
    changes::members,
    house::{House, PATIENCE, Seam, actor},
    line::Line,
};
use axum::{extract::Request, middleware::map_request};
use commons_access::{Access, Ended, Permissions, RemoteAccess, Subject, changes::Heard, serve};
use commons_entities::{ChannelId, SessionId, UserId};
use commons_platform::{Code, auth::Tokens, clock::Clock, internal::InternalToken, secret::Secret};
use futures_util::{FutureExt, StreamExt, future::join_all, stream};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::time::timeout;
use uuid::Uuid;

/// What revocation and refusal may take.
const SECOND: Duration = Duration::from_secs(1);

fn line(house: &House) -> &Line {
    house.process.line.as_ref().unwrap()
}

/// Waits until a condition holds, and says how long it took.
async fn until(mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    let waiting = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap();
    began.elapsed()
}

#[tokio::test]
async fn a_stranger_is_told_nothing() {
    let house = House::new(Seam::Remote).await;
    let secret = Secret::new("of another instance");
    let config = &house.world.platform.config.auth;
    let tokens = Arc::new(Tokens::new(config, &secret, house.world.clock.clone()));
    let token = InternalToken::of(&secret);
    let stranger = RemoteAccess::start(&line(&house).address(), &token, tokens).unwrap();
    let (channel, guild) = (
        [(house.general, house.owner.user)],
        [(house.guild, house.owner.user)],
    );
    let refused = [
        stranger.channels_of(&channel).await.unwrap_err(),
        stranger.guilds_of(&guild).await.unwrap_err(),
        stranger
            .visible_channels_of(house.guild, house.owner.user)
            .await
            .unwrap_err(),
        stranger.changes().read().await.unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.code(), Code::Unavailable, "{error:?}");
    }
    assert!(!stranger.changes().is_fresh());
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    let house = House::new(Seam::Local).await;
    let platform = &house.world.platform;
    let token = InternalToken::of(&platform.secret);
    assert!(RemoteAccess::start("no address", &token, platform.tokens.clone()).is_err());
}

#[tokio::test]
async fn long_lists_are_answered_in_their_order() {
    let house = House::new(Seam::Remote).await;
    let channels: Vec<_> = (0..2500)
        .map(|i| match i % 3 {
            0 => (house.general, house.bob.user),
            1 => (house.general, UserId(Uuid::from_u128(i))),
            _ => (ChannelId(Uuid::from_u128(i)), house.alice.user),
        })
        .collect();
    let local = &house.process.home;
    let expected = local.channels_of(&channels).await.unwrap();
    assert_eq!(expected.iter().flatten().count(), 834);
    assert_eq!(house.access.channels_of(&channels).await.unwrap(), expected);
    let guilds: Vec<_> = channels.iter().map(|(_, user)| (house.guild, *user)).collect();
    assert_eq!(
        house.access.guilds_of(&guilds).await.unwrap(),
        local.guilds_of(&guilds).await.unwrap()
    );
    assert_eq!(house.access.channels_of(&[]).await.unwrap(), []);
    let user = house.owner.user;
    assert_eq!(
        house.access.visible_channels_of(house.guild, user).await.unwrap(),
        local.visible_channels_of(house.guild, user).await.unwrap()
    );
}

#[tokio::test]
async fn who_asks_at_the_same_time_asks_together() {
    let house = House::new(Seam::Local).await;
    let platform = &house.world.platform;
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let count = map_request(move |request: Request| {
        let is_counted = request.uri().path().ends_with("/Channels");
        counted.fetch_add(usize::from(is_counted), Ordering::Relaxed);
        async move { request }
    });
    let token = InternalToken::of(&platform.secret);
    let line = Line::to(serve(house.process.home.clone(), token.clone()).layer(count)).await;
    let remote = RemoteAccess::start(&line.address(), &token, platform.tokens.clone()).unwrap();

    let keys: Vec<_> = (0..200)
        .map(|number| match number % 2 {
            0 => (house.general, house.bob.user),
            _ => (house.general, UserId(Uuid::from_u128(number))),
        })
        .collect();
    let asking = keys
        .iter()
        .map(|key| remote.channels_of(std::slice::from_ref(key)));
    for (number, answer) in join_all(asking).await.into_iter().enumerate() {
        let standing = answer.unwrap().pop().flatten();
        assert_eq!(standing.is_some(), number % 2 == 0, "{number}");
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

/// While nothing can be asked: no guess, within a second, and soon nothing is given to anybody.
async fn is_out(house: &House, key: &[(ChannelId, UserId)]) {
    let began = Instant::now();
    let error = house.access.channels_of(key).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(
        began.elapsed() < SECOND + Duration::from_millis(200),
        "{:?}",
        began.elapsed()
    );
    let stale = until(async || !house.access.changes().is_fresh()).await;
    assert!(stale < SECOND, "{stale:?}");
}

async fn is_back(house: &House, key: &[(ChannelId, UserId)]) {
    let back =
        until(async || house.access.changes().is_fresh() && house.access.channels_of(key).await.is_ok());
    let back = back.await;
    assert!(back < 2 * SECOND, "{back:?}");
}

#[tokio::test]
async fn a_killed_server_is_missed_and_found_again() {
    let house = House::new(Seam::Remote).await;
    let key = [(house.general, house.alice.user)];
    let mut follower = house.access.changes().follow();
    let guard = async |who| {
        house
            .access
            .guard_channel(&actor(who), house.general)
            .await
            .unwrap()
    };
    let mut alice = Box::pin(guard(&house.alice).await.guard(stream::repeat(1)));
    let mut bob = Box::pin(guard(&house.bob).await.guard(stream::repeat(1)));
    assert_eq!(alice.next().await.unwrap().unwrap(), 1);
    for _ in 0..2 {
        line(&house).cut();
        is_out(&house, &key).await;
        assert!(alice.next().now_or_never().is_none(), "held back");
        let refused = house
            .access
            .guard_channel(&actor(&house.alice), house.general)
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);

        // What happens meanwhile is known when it is back.
        let session = SessionId(house.world.clock.new_id());
        let _ = house.write(&[Subject::Session(session)], async |_| Ok(())).await;
        let _ = house.write(&members(&house, 2500), async |_| Ok(())).await;
        line(&house).mend().await;
        is_back(&house, &key).await;
        assert!(house.process.tokens.is_revoked(session.0));
        assert_eq!(
            timeout(PATIENCE, alice.next()).await.unwrap().unwrap().unwrap(),
            1
        );
    }
    while timeout(PATIENCE, follower.next()).await.unwrap() != Some(Heard::Missed) {}

    line(&house).cut();
    is_out(&house, &key).await;
    let _ = house.kick(house.alice.user).await;
    assert!(alice.next().now_or_never().is_none());
    line(&house).mend().await;
    let lost = timeout(PATIENCE, alice.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();
    assert_eq!(lost.code(), Code::NotFound);
    assert_eq!(timeout(PATIENCE, bob.next()).await.unwrap().unwrap().unwrap(), 1);
}

#[tokio::test]
async fn a_server_that_stands_still_is_not_believed() {
    let house = House::new(Seam::Remote).await;
    let key = [(house.general, house.alice.user)];
    let changes = house.access.changes();
    line(&house).hold(true);
    is_out(&house, &key).await;
    let session = SessionId(Uuid::from_u128(1));
    let _ = house.write(&[Subject::Session(session)], async |_| Ok(())).await;
    assert_eq!(changes.read().await.unwrap_err().code(), Code::Unavailable);
    assert!(!house.process.tokens.is_revoked(session.0));
    line(&house).hold(false);
    // Whatever was on the way says nothing of now: fresh is only who knows all.
    timeout(PATIENCE, changes.fresh()).await.unwrap();
    assert!(house.process.tokens.is_revoked(session.0));
    is_back(&house, &key).await;
}

/// The server cannot read the log: it answers nobody, and no watcher believes it.
#[tokio::test]
async fn a_server_without_its_database_is_not_believed() {
    let house = House::new(Seam::Remote).await;
    let other = house.elsewhere().await;
    assert!(other.access.changes().is_fresh());
    let platform = house.platform_elsewhere().await;
    let blind = crate::house::Process::new(Seam::Remote, &platform).await;
    platform.db.clone().close().await.unwrap();
    let stale = until(async || !blind.access.changes().is_fresh()).await;
    assert!(stale < SECOND, "{stale:?}");
    let asked = blind
        .access
        .channels_of(&[(house.general, house.alice.user)])
        .await;
    assert_eq!(asked.unwrap_err().code(), Code::Unavailable);
}

/// From the commit elsewhere, which nobody announces, to the listener here and to the refusal of its
/// tokens.
#[tokio::test]
async fn a_revocation_is_heard_within_a_second() {
    let house = House::new(Seam::Remote).await;
    let mut longest = Duration::ZERO;
    for _ in 0..10 {
        let who = house.world.identity(house.alice.user).await;
        let mut watch = house
            .access
            .guard_channel(&actor(&who), house.general)
            .await
            .unwrap();
        let _ = house
            .write(&[Subject::Session(who.session)], async |_| Ok(()))
            .await;
        let began = Instant::now();
        let ended = timeout(PATIENCE, watch.ended()).await.unwrap();
        longest = longest.max(began.elapsed());
        assert!(matches!(ended, Ended::Revoked), "{ended:?}");
        assert!(house.process.tokens.is_revoked(who.session.0));
    }
    println!("longest of ten revocations: {longest:?}");
    assert!(longest < SECOND, "{longest:?}");
}

/// More at once than the server's feed holds: the watch is begun anew, and no session is lost.
#[tokio::test]
async fn a_watcher_that_falls_behind_learns_who_was_revoked() {
    let house = House::new(Seam::Remote).await;
    let mut follower = house.access.changes().follow();
    let session = Subject::Session(house.bob.session);
    let mut subjects = members(&house, 6000);
    subjects.push(session);
    let recorded = house.write(&subjects, async |_| Ok(())).await;
    let later = house.write(&members(&house, 6000), async |_| Ok(())).await;
    house.process.home.changes().announce(recorded).await;
    house.process.home.changes().announce(later).await;
    until(async || house.process.tokens.is_revoked(house.bob.session.0)).await;
    timeout(PATIENCE, house.access.changes().fresh()).await.unwrap();
    while timeout(PATIENCE, follower.next()).await.unwrap() != Some(Heard::Missed) {}
    assert_eq!(house.permissions(&house.alice).await, Some(Permissions::DEFAULT));
}
