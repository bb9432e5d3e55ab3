//! A bus that does what a bus may do: lose, repeat, reorder, be away.

use bytes::Bytes;
use commons_platform::bus::{Bus, BusError, Hub, Listener};
use futures_util::future::BoxFuture;
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::Notify;

/// How likely each fault is, of 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    pub(crate) lose: f64,
    pub(crate) repeat: f64,
    pub(crate) keep_back: f64,
}

impl Faults {
    pub(crate) const NONE: Self = Self {
        lose: 0.0,
        repeat: 0.0,
        keep_back: 0.0,
    };
    pub(crate) const DEAF: Self = Self {
        lose: 1.0,
        ..Self::NONE
    };
    pub(crate) const BAD: Self = Self {
        lose: 0.3,
        repeat: 0.3,
        keep_back: 0.3,
    };
}

/// A bus within this process, with faults by a seed.
pub(crate) struct FaultyBus {
    hub: Hub,
    faults: Faults,
    state: Mutex<(StdRng, Vec<(String, Bytes)>)>,
    up: AtomicBool,
    /// Happens once, right before somebody listens.
    meanwhile: Mutex<Option<BoxFuture<'static, ()>>>,
    /// Somebody listens.
    pub(crate) subscribed: Notify,
}

impl FaultyBus {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        let state = Mutex::new((StdRng::seed_from_u64(seed), Vec::new()));
        Self {
            hub: Hub::new(64),
            faults,
            state,
            up: AtomicBool::new(true),
            meanwhile: Mutex::new(None),
            subscribed: Notify::new(),
        }
    }

    pub(crate) fn set_up(&self, up: bool) {
        self.up.store(up, Ordering::SeqCst);
    }

    pub(crate) fn meanwhile(&self, act: impl Future<Output = ()> + Send + 'static) {
        *self.meanwhile.lock().unwrap() = Some(Box::pin(act));
    }

    /// How many subjects are listened to.
    pub(crate) fn subjects(&self) -> usize {
        self.hub.subjects()
    }
}

#[async_trait::async_trait]
impl Bus for FaultyBus {
    async fn publish(&self, subject: &str, payload: Bytes) {
        if !self.connected() {
            return;
        }
        let mut state = self.state.lock().unwrap();
        let (rng, kept) = &mut *state;
        if rng.random_bool(self.faults.lose) {
            return;
        }
        if rng.random_bool(self.faults.keep_back) {
            kept.push((subject.to_owned(), payload));
            return;
        }
        self.hub.tell(subject, &payload);
        if rng.random_bool(self.faults.repeat) {
            self.hub.tell(subject, &payload);
        }
        for (subject, payload) in kept.drain(..).rev() {
            self.hub.tell(&subject, &payload);
        }
    }

    async fn subscribe(&self, subject: &str) -> Result<Listener, BusError> {
        if !self.connected() {
            return Err(BusError::Unavailable("the bus is down".into()));
        }
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(act) = meanwhile {
            act.await;
        }
        let listener = self.hub.listen(subject);
        self.subscribed.notify_one();
        Ok(listener)
    }

    fn connected(&self) -> bool {
        self.up.load(Ordering::SeqCst)
    }
}
