//! Following in peace: where a subscription starts, what it yields, and that nothing stays behind.

use crate::{
    bus::Faults,
    fixture::{Fixture, by_hand, cramped, eventually, head, next, seqs, stored, until},
};
use commons_platform::{ApiError, Code};
use commons_streams::{Delivery, StreamError, Tuning};
use futures_util::{FutureExt, StreamExt};
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn without_a_position_it_starts_at_the_head() {
    let fixture = Fixture::new(Faults::NONE, by_hand()).await;
    fixture.send(3).await;
    let mut subscription = fixture.follow(None).await;
    assert_eq!(head(&mut subscription).await, 3);
    assert!(subscription.next().now_or_never().is_none());
    let sent = fixture.send(2).await;
    assert_eq!(until(&mut subscription, 5).await, sent);
}

#[tokio::test]
async fn a_position_is_followed_by_what_came_after_it() {
    for tuning in [by_hand(), cramped()] {
        let fixture = Fixture::new(Faults::NONE, tuning).await;
        fixture.send(30).await;
        for after in [0, 1, 17, 29] {
            let mut subscription = fixture.follow(after).await;
            assert_eq!(head(&mut subscription).await, 30);
            assert_eq!(
                until(&mut subscription, 30).await,
                stored(fixture.db(), fixture.stream, after).await
            );
        }
        let mut subscription = fixture.follow(30).await;
        assert_eq!(head(&mut subscription).await, 30);
        let sent = fixture.send(1).await;
        assert_eq!(until(&mut subscription, 31).await, sent);
    }
}

#[tokio::test]
async fn many_subscribers_share_one_follower_and_the_events_themselves() {
    let fixture = Fixture::new(Faults::NONE, by_hand()).await;
    let mut subscriptions = Vec::new();
    for _ in 0..100 {
        subscriptions.push(fixture.follow(None).await);
    }
    assert_eq!((fixture.streams.followed(), fixture.bus.subjects()), (1, 1));
    let before = fixture.db().query_count();
    let sent = fixture.send(3).await;
    let writing = fixture.db().query_count() - before;
    for subscription in &mut subscriptions {
        head(subscription).await;
        let events = until(subscription, 3).await;
        assert!(
            events
                .iter()
                .zip(&sent)
                .all(|(a, b)| std::sync::Arc::ptr_eq(a, b))
        );
    }
    assert_eq!(
        fixture.db().query_count() - before,
        writing,
        "delivering needs no query"
    );
}

#[tokio::test]
async fn a_stream_of_another_process_is_followed_over_the_bus() {
    let fixture = Fixture::new(Faults::NONE, by_hand()).await;
    let other = fixture.other(by_hand()).await;
    let mut here = fixture.follow(None).await;
    let mut there = other.follow(fixture.stream, None).await.unwrap();
    assert_eq!((head(&mut here).await, head(&mut there).await), (0, 0));
    let sent = fixture.send(100).await;
    assert_eq!(until(&mut there, 100).await, sent);
    assert_eq!(until(&mut here, 100).await, sent);
    let events = fixture.write(2).await;
    other.announce(&events);
    assert_eq!(until(&mut here, 102).await, events);
    assert_eq!(until(&mut there, 102).await, events);
}

#[tokio::test]
async fn streams_announced_together_go_their_own_ways() {
    let fixture = Fixture::new(Faults::NONE, by_hand()).await;
    let second = Uuid::from_u128(2);
    crate::fixture::create(fixture.db(), second).await;
    let mut one = fixture.follow(None).await;
    let mut two = fixture.streams.follow(second, None).await.unwrap();
    let a = fixture.write(2).await;
    let b = crate::fixture::write(fixture.db(), second, 2).await;
    fixture
        .streams
        .announce(&[b[0].clone(), a[0].clone(), b[1].clone(), a[1].clone()]);
    fixture.streams.announce(&[]);
    head(&mut one).await;
    head(&mut two).await;
    assert_eq!(until(&mut one, 2).await, a);
    assert_eq!(until(&mut two, 2).await, b);
}

#[tokio::test]
async fn what_is_gone_or_never_was_is_said_and_life_goes_on() {
    let fixture = Fixture::new(Faults::NONE, by_hand()).await;
    fixture.send(5).await;
    for after in [6, i64::MAX, -1, i64::MIN] {
        let mut subscription = fixture.follow(after).await;
        assert_eq!(head(&mut subscription).await, 5, "the head comes first");
        assert_eq!(
            next(&mut subscription).await.unwrap(),
            Delivery::Reset { head: 5 },
            "{after}"
        );
        assert!(subscription.next().now_or_never().is_none());
    }
    let mut subscription = fixture.follow(9).await;
    let sent = fixture.send(1).await;
    head(&mut subscription).await;
    next(&mut subscription).await.unwrap();
    assert_eq!(until(&mut subscription, 6).await, sent);
}

#[tokio::test]
async fn a_position_that_the_follower_has_not_heard_of_is_no_reset() {
    let fixture = Fixture::new(Faults::DEAF, by_hand()).await;
    let mut early = fixture.follow(None).await;
    fixture.write(4).await;
    let mut subscription = fixture.follow(4).await;
    assert_eq!(head(&mut subscription).await, 4);
    let sent = fixture.send(1).await;
    assert_eq!(until(&mut subscription, 5).await, sent);
    head(&mut early).await;
    assert_eq!(
        seqs(&until(&mut early, 5).await),
        [1, 2, 3, 4, 5],
        "the newcomer's question helped the others"
    );
}

#[tokio::test]
async fn an_unknown_stream_is_not_found_and_leaves_nothing() {
    let fixture = Fixture::new(Faults::NONE, by_hand()).await;
    let error = fixture
        .streams
        .follow(Uuid::from_u128(404), Some(1))
        .await
        .unwrap_err();
    assert!(matches!(error, StreamError::Unknown(_)), "{error}");
    assert_eq!(ApiError::from(error).code(), Code::NotFound);
    eventually(|| fixture.streams.followed() == 0 && fixture.bus.subjects() == 0).await;
}

#[tokio::test]
async fn dropping_frees_everything() {
    let fixture = Fixture::new(Faults::NONE, by_hand()).await;
    let first = fixture.follow(None).await;
    let second = fixture.follow(0).await;
    drop(first);
    assert!(
        fixture
            .streams
            .follow(fixture.stream, None)
            .now_or_never()
            .is_some(),
        "the follower is there"
    );
    assert_eq!(fixture.streams.followed(), 1);
    drop(second);
    eventually(|| fixture.streams.followed() == 0 && fixture.bus.subjects() == 0).await;

    // Given up while it starts.
    assert!(
        fixture
            .streams
            .follow(fixture.stream, None)
            .now_or_never()
            .is_none()
    );
    eventually(|| fixture.streams.followed() == 0 && fixture.bus.subjects() == 0).await;

    // And a new one starts from nothing.
    let sent = fixture.send(1).await;
    let mut again = fixture.follow(0).await;
    head(&mut again).await;
    assert_eq!(until(&mut again, 1).await, sent);
}

#[tokio::test]
async fn whoever_comes_back_within_the_linger_finds_the_follower() {
    let fixture = Fixture::new(
        Faults::NONE,
        Tuning {
            linger: Duration::from_secs(600),
            ..by_hand()
        },
    )
    .await;
    let first = fixture.follow(None).await;
    fixture.send(4).await;
    drop(first);
    let before = fixture.db().query_count();
    let mut second = fixture.follow(1).await;
    head(&mut second).await;
    assert_eq!(seqs(&until(&mut second, 4).await), [2, 3, 4]);
    assert_eq!(fixture.db().query_count(), before, "its window has them");
}

#[tokio::test]
async fn whoever_comes_as_the_last_one_leaves_is_not_forgotten() {
    let fixture = Fixture::new(Faults::NONE, by_hand()).await;
    drop(fixture.follow(None).await);
    let mut late = fixture.follow(None).await;
    head(&mut late).await;
    for _ in 0..100 {
        assert!(late.next().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    let sent = fixture.send(1).await;
    assert_eq!(until(&mut late, 1).await, sent);
}

#[tokio::test]
async fn followers_end_with_the_last_handle() {
    let Fixture {
        database,
        bus,
        streams,
        stream,
    } = Fixture::new(Faults::NONE, by_hand()).await;
    let mut subscription = streams.follow(stream, None).await.unwrap();
    drop(streams);
    let head = next(&mut subscription).await.unwrap();
    assert_eq!(
        (head, bus.subjects()),
        (Delivery::Head(0), 1),
        "a subscription keeps it alive"
    );
    drop(subscription);
    eventually(|| bus.subjects() == 0 && std::sync::Arc::strong_count(&bus) == 1).await;
    drop(database);
}

#[tokio::test]
async fn a_slow_subscriber_gets_everything_and_holds_up_nobody() {
    let fixture = Fixture::new(Faults::NONE, cramped()).await;
    let mut slow = fixture.follow(None).await;
    let mut fast = fixture.follow(None).await;
    head(&mut fast).await;
    for round in 1..=50 {
        let sent = fixture.send(7).await;
        assert_eq!(until(&mut fast, 7 * round).await, sent);
    }
    head(&mut slow).await;
    assert_eq!(
        until(&mut slow, 350).await,
        stored(fixture.db(), fixture.stream, 0).await
    );
    let sent = fixture.send(1).await;
    assert_eq!(until(&mut slow, 351).await, sent);
}

#[tokio::test]
async fn it_can_be_cancelled_at_any_point() {
    let fixture = Fixture::new(Faults::NONE, cramped()).await;
    fixture.send(40).await;
    let mut subscription = fixture.follow(0).await;
    head(&mut subscription).await;
    let mut events = Vec::new();
    while events.len() < 40 {
        match subscription.next().now_or_never() {
            Some(delivery) => match delivery.unwrap() {
                Delivery::Event(event) => events.push(event),
                other => panic!("{other:?}"),
            },
            // Cancelled while it reads; somebody else may work before it tries again.
            None => events.extend(until(&mut subscription, events.len() as i64 + 1).await),
        }
    }
    assert_eq!(events, stored(fixture.db(), fixture.stream, 0).await);
}

#[tokio::test]
async fn it_is_a_stream_too() {
    let fixture = Fixture::new(Faults::NONE, by_hand()).await;
    let sent = fixture.send(2).await;
    let deliveries: Vec<_> = fixture.follow(0).await.into_stream().take(3).collect().await;
    let deliveries: Vec<_> = deliveries.into_iter().map(Result::unwrap).collect();
    let expected = [
        Delivery::Head(2),
        Delivery::Event(sent[0].clone()),
        Delivery::Event(sent[1].clone()),
    ];
    assert_eq!(deliveries, expected);
}
