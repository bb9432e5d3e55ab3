//! The bus, when what carries it goes away.

use super::fleet::eventually;
use bytes::Bytes;
use commons_platform::{
    bus::{Bus, Heard, Listener, RedisBus},
    redis::Redis,
};
use commons_testing::redis::{server::Server, settings};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(10);

async fn bus(server: &Server, namespace: &str) -> RedisBus {
    let mut config = settings(&server.url(), 250);
    namespace.clone_into(&mut config.namespace);
    let bus = RedisBus::new(&Redis::open(&config).unwrap());
    eventually(PATIENCE, "the bus connects", async || bus.connected()).await;
    bus
}

async fn hear(listener: &mut Listener) -> Heard {
    tokio::time::timeout(PATIENCE, listener.recv())
        .await
        .unwrap()
        .unwrap()
}

/// Says something until it is heard, or a loss is.
async fn heard_again(bus: &RedisBus, listener: &mut Listener) -> Heard {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        bus.publish("a", Bytes::from_static(b"again")).await;
        if let Ok(heard) = tokio::time::timeout(Duration::from_millis(100), listener.recv()).await {
            return heard.unwrap();
        }
    }
    panic!("nothing is heard any more");
}

#[tokio::test]
async fn processes_hear_each_other_and_not_other_installations() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (one, two, other) = (
        bus(&server, "here").await,
        bus(&server, "here").await,
        bus(&server, "there").await,
    );
    let (mut listener, mut elsewhere) = (
        two.subscribe("a").await.unwrap(),
        other.subscribe("a").await.unwrap(),
    );
    other.publish("a", Bytes::from_static(b"there")).await;
    one.publish("a", Bytes::from_static(b"here")).await;
    assert_eq!(
        hear(&mut listener).await,
        Heard::Message(Bytes::from_static(b"here"))
    );
    assert_eq!(
        hear(&mut elsewhere).await,
        Heard::Message(Bytes::from_static(b"there"))
    );
}

#[tokio::test]
async fn a_restart_is_a_loss_that_every_listener_hears() {
    let Some(mut server) = Server::start().await else {
        return;
    };
    let (one, two) = (bus(&server, "here").await, bus(&server, "here").await);
    let mut listener = two.subscribe("a").await.unwrap();
    server.kill();
    eventually(PATIENCE, "the loss is known", async || {
        !one.connected() && !two.connected()
    })
    .await;
    let mut late = two.subscribe("a").await.unwrap();
    one.publish("a", Bytes::from_static(b"lost")).await;
    server.restart().await;
    eventually(Duration::from_secs(4), "the bus is back", async || {
        one.connected() && two.connected()
    })
    .await;
    assert_eq!(hear(&mut listener).await, Heard::Missed);
    assert_eq!(hear(&mut late).await, Heard::Missed, "also who came meanwhile");
    while heard_again(&one, &mut listener).await == Heard::Missed {}
}

#[tokio::test]
async fn publishing_and_listening_never_wait_for_a_server_that_hangs() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (one, two) = (bus(&server, "here").await, bus(&server, "here").await);
    let mut listener = two.subscribe("a").await.unwrap();
    server.hang();
    let begun = Instant::now();
    for _ in 0..20_000 {
        one.publish("a", Bytes::from_static(b"more than the queue holds"))
            .await;
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let begun = Instant::now();
    let _hears_later = one.subscribe("a").await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    eventually(Duration::from_secs(4), "the loss is known", async || {
        !two.connected()
    })
    .await;
    server.go_on();
    eventually(Duration::from_secs(4), "the bus is back", async || {
        two.connected()
    })
    .await;
    while heard_again(&one, &mut listener).await != Heard::Missed {}
    while heard_again(&one, &mut listener).await == Heard::Missed {}
}
