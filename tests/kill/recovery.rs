//! How soon after a fault there is an acknowledged send again, and an event.

use crate::process::lock;
use std::{
    sync::Mutex,
    time::{Duration, Instant},
};
use tokio::{sync::Notify, time::timeout_at};

/// What clients report to.
pub(crate) struct Recovery {
    open: Mutex<Open>,
    changed: Notify,
    gateways: usize,
    subscribers: usize,
    /// Milliseconds since 1970 at `began`, to compare with the times in ids.
    epoch_ms: i64,
    began: Instant,
}

#[derive(Default)]
struct Open {
    /// From here the first of anybody counts.
    first_from: Option<Instant>,
    send: Option<Duration>,
    event: Option<Duration>,
    /// From here each gateway and each subscriber has its own first.
    all_from: Option<Instant>,
    sends: Vec<Option<Duration>>,
    events: Vec<Option<Duration>>,
    /// How late the latest event of the round was.
    latest: Duration,
}

/// What came of a fault.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recovered {
    /// To the first acknowledged send that was begun after the clock's start.
    pub(crate) send: Option<Duration>,
    /// To the first event of a message that was accepted after the clock's start.
    pub(crate) event: Option<Duration>,
    /// To the first such send through every gateway, from the end of the disturbance.
    pub(crate) sends: Option<Duration>,
    /// To the first such event at every subscriber, from the end of the disturbance.
    pub(crate) events: Option<Duration>,
    /// The longest time between a message's acceptance and its event, of all events seen since.
    pub(crate) latest: Duration,
}

impl Recovery {
    pub(crate) fn new(gateways: usize, subscribers: usize, now_ms: i64) -> Self {
        Self {
            open: Mutex::default(),
            changed: Notify::new(),
            gateways,
            subscribers,
            epoch_ms: now_ms,
            began: Instant::now(),
        }
    }

    /// A fault begins; nothing is measured yet.
    pub(crate) fn reset(&self) {
        *lock(&self.open) = Open {
            sends: vec![None; self.gateways],
            events: vec![None; self.subscribers],
            ..Open::default()
        };
    }

    /// From now on the first send and the first event of anybody count.
    pub(crate) fn measure_first(&self) {
        lock(&self.open).first_from = Some(Instant::now());
    }

    /// From now on each has to find its way again.
    pub(crate) fn measure_all(&self) {
        lock(&self.open).all_from = Some(Instant::now());
    }

    /// A send was acknowledged.
    pub(crate) fn acknowledged(&self, begun: Instant, gateway: usize) {
        let now = Instant::now();
        let mut open = lock(&self.open);
        if let Some(from) = open.first_from.filter(|from| begun >= *from) {
            open.send.get_or_insert(now - from);
        }
        if let Some(from) = open.all_from.filter(|from| begun >= *from)
            && let Some(first) = open.sends.get_mut(gateway)
        {
            first.get_or_insert(now - from);
        }
        drop(open);
        self.changed.notify_waiters();
    }

    /// A subscriber saw the event of a message that was accepted at a time, in milliseconds since 1970.
    pub(crate) fn seen(&self, subscriber: usize, accepted_ms: i64) {
        let now = Instant::now();
        let since = u64::try_from(accepted_ms - self.epoch_ms).unwrap_or_default();
        let accepted = self.began + Duration::from_millis(since);
        let mut open = lock(&self.open);
        open.latest = open.latest.max(now.saturating_duration_since(accepted));
        if let Some(from) = open.first_from.filter(|from| accepted >= *from) {
            open.event.get_or_insert(now - from);
        }
        if let Some(from) = open.all_from.filter(|from| accepted >= *from)
            && let Some(first) = open.events.get_mut(subscriber)
        {
            first.get_or_insert(now - from);
        }
        drop(open);
        self.changed.notify_waiters();
    }

    /// Waits until everybody has found their way again, or the deadline.
    pub(crate) async fn wait(&self, deadline: Instant) -> Recovered {
        loop {
            let changed = self.changed.notified();
            let recovered = self.now();
            let is_over = recovered.send.is_some()
                && recovered.event.is_some()
                && recovered.sends.is_some()
                && recovered.events.is_some();
            if is_over || timeout_at(deadline.into(), changed).await.is_err() {
                return recovered;
            }
        }
    }

    fn now(&self) -> Recovered {
        let open = lock(&self.open);
        let slowest = |all: &[Option<Duration>]| {
            let all: Option<Vec<Duration>> = all.iter().copied().collect();
            all.map(|all| all.into_iter().max().unwrap_or_default())
        };
        Recovered {
            send: open.send,
            event: open.event,
            sends: slowest(&open.sends),
            events: slowest(&open.events),
            latest: open.latest,
        }
    }

    /// Who has not found their way again: gateways, subscribers.
    pub(crate) fn missing(&self) -> (Vec<usize>, Vec<usize>) {
        let open = lock(&self.open);
        let none = |all: &[Option<Duration>]| {
            let all = all.iter().enumerate();
            all.filter_map(|(number, first)| first.is_none().then_some(number))
                .collect()
        };
        (none(&open.sends), none(&open.events))
    }
}
