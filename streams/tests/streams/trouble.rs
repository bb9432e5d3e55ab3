//! Following in trouble: a bus that loses and lies, a database that goes away or back.

use crate::{
    bus::Faults,
    fixture::{Fixture, HOUR, by_hand, cramped, head, next, seqs, stored, until},
};
use commons_entities::stream::{stream, stream_event};
use commons_platform::{ApiError, Code};
use commons_streams::{Delivery, StreamError, Tuning, log};
use futures_util::FutureExt;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use std::time::Duration;

#[tokio::test]
async fn what_nobody_announced_is_found_by_comparing_heads() {
    let fixture = Fixture::new(Faults::DEAF, cramped()).await;
    let other = fixture.other(cramped()).await;
    let mut here = fixture.follow(None).await;
    let mut there = other.follow(fixture.stream, None).await.unwrap();
    head(&mut here).await;
    head(&mut there).await;
    let written = fixture.write(23).await;
    for (streams, subscription) in [(&fixture.streams, &mut here), (&other, &mut there)] {
        assert!(subscription.next().now_or_never().is_none());
        let compared = streams.compare().await.unwrap();
        assert_eq!((compared.followed, compared.behind), (1, 1));
        assert_eq!(until(subscription, 23).await, written);
        assert_eq!(streams.compare().await.unwrap().behind, 0);
    }
}

#[tokio::test]
async fn heads_are_compared_without_being_asked() {
    let often = Tuning {
        compare: Duration::from_millis(5),
        ..by_hand()
    };
    let fixture = Fixture::new(Faults::DEAF, often).await;
    let mut subscription = fixture.follow(None).await;
    let written = fixture.write(3).await;
    head(&mut subscription).await;
    assert_eq!(until(&mut subscription, 3).await, written);
}

#[tokio::test]
async fn heads_are_compared_more_often_while_the_bus_is_down() {
    let tuning = Tuning {
        compare: HOUR,
        compare_fast: Duration::from_millis(5),
        ..by_hand()
    };
    let fixture = Fixture::new(Faults::NONE, tuning).await;
    fixture.bus.set_up(false);
    let other = fixture.other(tuning).await;
    let mut subscription = other.follow(fixture.stream, None).await.unwrap();
    let written = fixture.send(3).await;
    head(&mut subscription).await;
    assert_eq!(until(&mut subscription, 3).await, written);
}

#[tokio::test]
async fn the_bus_is_heard_again_when_it_is_back() {
    let fixture = Fixture::new(Faults::NONE, by_hand()).await;
    fixture.bus.set_up(false);
    let other = fixture.other(by_hand()).await;
    let mut subscription = other.follow(fixture.stream, None).await.unwrap();
    head(&mut subscription).await;
    let mut all = fixture.send(2).await;
    assert!(subscription.next().now_or_never().is_none());
    fixture.bus.set_up(true);
    fixture.bus.subscribed.notified().await;
    assert_eq!(
        until(&mut subscription, 2).await,
        all,
        "being back is a reason to compare"
    );
    all.extend(fixture.send(2).await);
    assert_eq!(until(&mut subscription, 4).await, all[2..]);
}

#[tokio::test]
async fn order_and_repetition_of_announcements_do_not_matter() {
    let fixture = Fixture::new(Faults::NONE, by_hand()).await;
    let mut subscription = fixture.follow(None).await;
    head(&mut subscription).await;
    let written = fixture.write(9).await;
    for at in [2, 1, 1, 0, 0, 8, 5, 6, 8] {
        fixture.streams.announce(&written[at..=at]);
    }
    assert_eq!(until(&mut subscription, 9).await, written);
    fixture.streams.announce(&written);
    assert!(subscription.next().now_or_never().is_none());
}

#[tokio::test]
async fn a_number_that_does_not_exist_is_a_false_alarm() {
    let fixture = Fixture::new(Faults::NONE, by_hand()).await;
    let mut subscription = fixture.follow(None).await;
    head(&mut subscription).await;
    let mut lie = (*fixture.write(1).await[0]).clone();
    lie.seq = 70;
    fixture.streams.announce(&[lie.into()]);
    assert_eq!(seqs(&until(&mut subscription, 1).await), [1]);
    let sent = fixture.send(2).await;
    assert_eq!(until(&mut subscription, 3).await, sent);
}

#[tokio::test]
async fn a_fence_resets_everybody() {
    let fixture = Fixture::new(Faults::NONE, cramped()).await;
    fixture.send(30).await;
    let mut live = fixture.follow(30).await;
    let mut lagging = fixture.follow(3).await;
    head(&mut live).await;
    head(&mut lagging).await;
    let tx = fixture.db().begin().await.unwrap();
    log::fence(&tx, 1000).await.unwrap();
    tx.commit().await.unwrap();
    let mut late = fixture.follow(12).await;
    assert_eq!(head(&mut late).await, 1030);
    assert_eq!(next(&mut late).await.unwrap(), Delivery::Reset { head: 1030 });
    fixture.streams.compare().await.unwrap();
    assert_eq!(next(&mut live).await.unwrap(), Delivery::Reset { head: 1030 });
    assert_eq!(next(&mut lagging).await.unwrap(), Delivery::Reset { head: 1030 });
    let sent = fixture.send(1).await;
    for subscription in [&mut live, &mut lagging, &mut late] {
        assert_eq!(until(subscription, 1031).await, sent);
    }
}

#[tokio::test]
async fn a_database_that_went_back_is_noticed() {
    let fixture = Fixture::new(Faults::NONE, by_hand()).await;
    fixture.send(9).await;
    let mut live = fixture.follow(None).await;
    head(&mut live).await;
    let tx = fixture.db().begin().await.unwrap();
    stream_event::Entity::delete_many()
        .filter(stream_event::Column::Seq.gt(4))
        .exec(&tx)
        .await
        .unwrap();
    let back = stream::Entity::update_many().col_expr(stream::Column::HeadSeq, Expr::value(4i64));
    back.exec(&tx).await.unwrap();
    tx.commit().await.unwrap();
    fixture.streams.compare().await.unwrap();
    assert_eq!(next(&mut live).await.unwrap(), Delivery::Reset { head: 4 });
    let sent = fixture.send(2).await;
    assert_eq!(until(&mut live, 6).await, sent);
}

#[tokio::test]
async fn a_stream_that_is_deleted_ends_its_subscriptions() {
    let fixture = Fixture::new(Faults::NONE, by_hand()).await;
    let mut live = fixture.follow(None).await;
    head(&mut live).await;
    stream::Entity::delete_by_id(fixture.stream)
        .exec(fixture.db().writer())
        .await
        .unwrap();
    fixture.streams.compare().await.unwrap();
    assert!(matches!(next(&mut live).await, Err(StreamError::Unknown(_))));
    assert_eq!(fixture.streams.followed(), 0);
}

#[tokio::test]
async fn a_database_that_stays_away_ends_subscriptions_and_a_client_resumes() {
    let impatient = Tuning {
        patience: Duration::from_millis(60),
        ..cramped()
    };
    let fixture = Fixture::new(Faults::NONE, impatient).await;
    let other = fixture.other(cramped()).await;
    fixture.send(20).await;
    let mut live = fixture.follow(None).await;
    let mut lagging = fixture.follow(2).await;
    head(&mut live).await;
    head(&mut lagging).await;
    let written = fixture.write(2).await;
    fixture.db().clone().close().await.unwrap();

    // What is announced needs no database, what is missing does.
    fixture.streams.announce(&written[..1]);
    assert_eq!(until(&mut live, 21).await, written[..1]);
    let error = next(&mut lagging).await.unwrap_err();
    assert_eq!(ApiError::from(error).code(), Code::Unavailable);
    assert!(next(&mut lagging).await.is_err(), "it stays ended");
    let mut lie = (*written[1]).clone();
    lie.seq = 30;
    fixture.streams.announce(&[lie.into()]);
    let error = next(&mut live).await.unwrap_err();
    assert!(matches!(error, StreamError::Unavailable(Some(_))), "{error:?}");
    let error = fixture.streams.follow(fixture.stream, None).await.unwrap_err();
    assert!(matches!(error, StreamError::Unavailable(_)), "{error:?}");

    let mut resumed = other.follow(fixture.stream, Some(21)).await.unwrap();
    head(&mut resumed).await;
    assert_eq!(until(&mut resumed, 22).await, written[1..]);
}

#[tokio::test]
async fn a_failure_that_passes_is_not_noticed() {
    let fixture = Fixture::new(Faults::DEAF, cramped()).await;
    let mut live = fixture.follow(None).await;
    head(&mut live).await;
    let written = fixture.write(12).await;
    let writer = fixture.db().writer();
    let rename = |from: &str, to: &str| format!("ALTER TABLE {from} RENAME TO {to}");
    sea_orm::ConnectionTrait::execute_unprepared(writer, &rename("stream_event", "away"))
        .await
        .unwrap();
    fixture.streams.compare().await.unwrap();
    assert!(
        tokio::time::timeout(Duration::from_millis(50), live.next())
            .await
            .is_err()
    );
    sea_orm::ConnectionTrait::execute_unprepared(writer, &rename("away", "stream_event"))
        .await
        .unwrap();
    assert_eq!(until(&mut live, 12).await, written);
    assert_eq!(stored(fixture.db(), fixture.stream, 0).await, written);
}
