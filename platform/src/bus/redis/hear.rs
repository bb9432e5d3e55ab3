//! Holds the subscription and hands on what it hears.

use super::wire::Wire;
use crate::{
    bus::{Hub, Listener},
    redis::{Ears, Redis, Sound},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::oneshot;

/// How long to wait before subscribing again, at first and at most.
const PAUSE: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

/// The listeners of this process, and whether they hear anything.
pub(super) struct Hearing {
    pub(super) hub: Hub,
    connected: AtomicBool,
    /// Listeners that begin when their mark comes back.
    expected: Mutex<HashMap<u128, (String, oneshot::Sender<Listener>)>>,
}

impl Hearing {
    pub(super) fn new(hub: Hub) -> Self {
        Self {
            hub,
            connected: AtomicBool::new(false),
            expected: Mutex::default(),
        }
    }

    pub(super) fn connected(&self) -> bool {
        self.connected.load(Ordering::Acquire)
    }

    /// A mark's number, and the listener that begins when it is heard.
    pub(super) fn expect(&self, subject: &str) -> (u128, oneshot::Receiver<Listener>) {
        let (begin, begun) = oneshot::channel();
        let number = rand::random();
        self.expected().insert(number, (subject.to_owned(), begin));
        (number, begun)
    }

    /// Nobody waits for a mark any more.
    pub(super) fn forget(&self, number: u128) {
        self.expected().remove(&number);
    }

    fn hear(&self, wire: Option<Wire>) {
        match wire {
            Some(Wire::Message { subject, payload }) => self.hub.tell(&subject, &payload),
            Some(Wire::Mark(number)) => {
                if let Some((subject, begin)) = self.expected().remove(&number) {
                    // Whoever waited may be gone; then so is the listener.
                    let _ = begin.send(self.hub.listen(&subject));
                }
            }
            // Lost, or said by another version: it could have been anything.
            Some(Wire::Lost) | None => self.hub.missed(),
        }
    }

    fn expected(&self) -> MutexGuard<'_, HashMap<u128, (String, oneshot::Sender<Listener>)>> {
        // Nothing under this lock can panic half-way.
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Subscribes, hears until that is lost, and subscribes again. Never ends.
pub(super) async fn follow(redis: Redis, subjects: Arc<[String]>, hearing: Arc<Hearing>) {
    let [mut pause, longest] = PAUSE;
    let mut known = false;
    loop {
        match redis.listen(&subjects).await {
            Ok(ears) => {
                // Told before anybody trusts the bus again, and heard before anything new.
                hearing.hub.missed();
                hearing.connected.store(true, Ordering::Release);
                tracing::info!("the bus is connected");
                (pause, known) = (PAUSE[0], false);
                hear(ears, &hearing).await;
                hearing.connected.store(false, Ordering::Release);
                hearing.expected().clear();
                tracing::warn!("the bus is lost");
            }
            Err(error) => {
                if !std::mem::replace(&mut known, true) {
                    tracing::warn!(%error, "the bus cannot be reached");
                }
            }
        }
        tokio::time::sleep(pause).await;
        pause = longest.min(pause * 2);
    }
}

async fn hear(mut ears: Ears, hearing: &Hearing) {
    while let Sound::Message(payload) = ears.hear().await {
        hearing.hear(Wire::decode(payload));
    }
}
