//! The contract of [`Bus`].

use bytes::Bytes;
use commons_platform::bus::{Bus, Heard, QUEUE};
use std::{sync::Arc, time::Duration};

/// How long a message may take to arrive before the test gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs every case against a fresh bus of its own. Those a maker gives must not hear each other.
pub async fn bus(make: impl AsyncFn() -> Arc<dyn Bus>) {
    every_listener_hears_in_order(&*make().await).await;
    subjects_are_apart(&*make().await).await;
    what_was_said_before_is_not_heard(&*make().await).await;
    who_is_too_far_behind_is_told(&*make().await).await;
    a_slow_listener_costs_nobody_else(&*make().await).await;
    who_left_is_forgotten(&*make().await).await;
    assert!(make().await.connected());
}

async fn every_listener_hears_in_order(bus: &dyn Bus) {
    let mut listeners = [listen(bus, "a").await, listen(bus, "a").await];
    for n in 0..100 {
        say(bus, "a", n).await;
    }
    for listener in &mut listeners {
        for n in 0..100 {
            assert_eq!(hear(listener).await, message(n));
        }
    }
}

async fn subjects_are_apart(bus: &dyn Bus) {
    let (mut short, mut long) = (listen(bus, "a").await, listen(bus, "a.b").await);
    say(bus, "a.b", 1).await;
    say(bus, "a", 2).await;
    say(bus, "a.*", 3).await;
    say(bus, "a.b", 4).await;
    say(bus, "a", 5).await;
    assert_eq!(
        [hear(&mut long).await, hear(&mut long).await],
        [message(1), message(4)]
    );
    assert_eq!(
        [hear(&mut short).await, hear(&mut short).await],
        [message(2), message(5)]
    );
}

async fn what_was_said_before_is_not_heard(bus: &dyn Bus) {
    say(bus, "a", 1).await;
    let mut listener = listen(bus, "a").await;
    say(bus, "a", 2).await;
    assert_eq!(hear(&mut listener).await, message(2));
}

async fn who_is_too_far_behind_is_told(bus: &dyn Bus) {
    let mut listener = listen(bus, "a").await;
    let said = 3 * QUEUE;
    for n in 0..said {
        say(bus, "a", n).await;
    }
    let mut next = 0;
    while next < said {
        match hear(&mut listener).await {
            Heard::Missed => break,
            heard => assert_eq!(heard, message(next), "a gap without a word"),
        }
        next += 1;
    }
    // It hears again what is said after it caught up.
    loop {
        say(bus, "a", said).await;
        if hear(&mut listener).await == message(said) {
            break;
        }
    }
}

async fn a_slow_listener_costs_nobody_else(bus: &dyn Bus) {
    let _slow = listen(bus, "a").await;
    let mut quick = listen(bus, "a").await;
    for n in 0..2 * QUEUE {
        say(bus, "a", n).await;
        assert_eq!(hear(&mut quick).await, message(n));
    }
}

async fn who_left_is_forgotten(bus: &dyn Bus) {
    let mut stays = listen(bus, "a").await;
    drop(listen(bus, "a").await);
    say(bus, "a", 1).await;
    assert_eq!(hear(&mut stays).await, message(1));
    drop(stays);
    say(bus, "a", 2).await;
    let mut back = listen(bus, "a").await;
    say(bus, "a", 3).await;
    assert_eq!(hear(&mut back).await, message(3));
}

async fn listen(bus: &dyn Bus, subject: &str) -> commons_platform::bus::Listener {
    bus.subscribe(subject).await.expect("the bus is up")
}

async fn say(bus: &dyn Bus, subject: &str, n: usize) {
    let said = tokio::time::timeout(PATIENCE, bus.publish(subject, payload(n))).await;
    said.expect("publishing never waits for a listener");
}

async fn hear(listener: &mut commons_platform::bus::Listener) -> Heard {
    let heard = tokio::time::timeout(PATIENCE, listener.recv()).await;
    heard
        .expect("a message or Missed arrives")
        .expect("the bus lives")
}

fn payload(n: usize) -> Bytes {
    Bytes::from(n.to_string())
}

fn message(n: usize) -> Heard {
    Heard::Message(payload(n))
}
