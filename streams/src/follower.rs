//! Follows one stream for all subscribers of this process.
//!
//! It listens to the bus first and reads the head then, so that nothing falls between the two.
//! Announcements move it on; whatever they leave out it reads from the database.

use crate::{
    Event, Head, StreamError,
    hub::Hub,
    meter,
    ring::{Change, Mark, Ring},
    source::Source,
    wire::{self, Announced},
};
use commons_platform::bus::{Bus, Heard, Listener};
use std::{
    future,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use uuid::Uuid;

/// How long to wait for the bus before going on without it.
const BUS_PATIENCE: Duration = Duration::from_millis(500);
/// Between two attempts to listen.
const BUS_PAUSE: Duration = Duration::from_secs(1);

/// The shared half of a follower: what subscribers, `announce` and the comparison of heads touch.
#[derive(Debug)]
pub(crate) struct Follower {
    pub(crate) stream: Uuid,
    /// What is known, and the wake-up of subscribers when it changes.
    pub(crate) ring: watch::Sender<Ring>,
    /// Changed under the lock of the hub's table alone when it rises.
    pub(crate) subscribers: AtomicUsize,
    gap: Notify,
    left: Notify,
}

impl Follower {
    pub(crate) fn new(stream: Uuid, capacity: usize) -> Self {
        meter::followers(1.0);
        Self {
            stream,
            ring: watch::Sender::new(Ring::new(capacity)),
            subscribers: AtomicUsize::new(0),
            gap: Notify::new(),
            left: Notify::new(),
        }
    }

    /// Events exist.
    pub(crate) fn hear(&self, events: &[Arc<Event>]) {
        self.change(|ring| ring.hear(events));
    }

    /// The stream has reached `seq`.
    pub(crate) fn know(&self, seq: i64) {
        self.change(|ring| ring.know(seq));
    }

    /// The numbers do not go on after `mark`.
    pub(crate) fn jump(&self, mark: Mark, head: Head) {
        self.change(|ring| ring.jump(mark, head));
    }

    /// The stream is followed no more; subscribers end with this error.
    pub(crate) fn end(&self, error: StreamError) {
        self.ring.send_if_modified(|ring| ring.end(error));
    }

    /// A subscriber has gone.
    pub(crate) fn leave(&self) {
        if self.subscribers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.left.notify_one();
        }
    }

    fn change(&self, change: impl FnOnce(&mut Ring) -> Change) {
        let mut gap = false;
        self.ring.send_if_modified(|ring| {
            let change = change(ring);
            gap = change.gap;
            change.moved
        });
        if gap {
            self.gap.notify_one();
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        meter::followers(-1.0);
    }
}

/// The working half of a follower; its task runs as long as the hub keeps it.
pub(crate) struct Work {
    pub(crate) follower: Arc<Follower>,
    pub(crate) hub: Weak<Hub>,
    pub(crate) source: Arc<Source>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) origin: Uuid,
    pub(crate) linger: Duration,
}

impl Work {
    /// Follows until nobody subscribes any more, or the database has been away for too long.
    pub(crate) async fn run(self) {
        // However this task ends, also by a panic, no subscriber waits for it in vain.
        let _end = End(self.follower.clone());
        let outcome = self.follow().await;
        if let Err(error) = &outcome {
            tracing::warn!(stream = %self.follower.stream, %error, "following a stream ended");
        }
        if let Some(hub) = self.hub.upgrade() {
            let error = outcome.err().unwrap_or(StreamError::Unavailable(None));
            hub.drop_follower(&self.follower, error);
        }
    }

    async fn follow(&self) -> Result<(), StreamError> {
        let mut ear = Ear::new(self.bus.clone(), wire::subject(self.follower.stream));
        ear.listen().await;
        let head = self.source.head(self.follower.stream).await?;
        self.follower.change(|ring| ring.open(head.seq));
        let mut until = None;
        loop {
            tokio::select! {
                heard = ear.hear() => self.heard(heard),
                () = self.follower.gap.notified() => self.repair().await?,
                () = self.follower.left.notified() => until = Some(Instant::now() + self.linger),
                () = wait(until) => {
                    until = None;
                    if self.hub.upgrade().is_none_or(|hub| hub.retire(&self.follower)) {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn heard(&self, heard: Heard) {
        let announced = match &heard {
            Heard::Message(bytes) => wire::decode(self.origin, self.follower.stream, bytes),
            Heard::Missed => Announced::Unclear,
        };
        match announced {
            Announced::Events(events) => {
                self.follower.hear(&events);
                self.measure(&events);
            }
            Announced::Own => {}
            // When the bus is back, all followers hear so at once: one comparison serves them all.
            Announced::Unclear => {
                if let Some(hub) = self.hub.upgrade() {
                    hub.compare_soon();
                }
            }
        }
    }

    /// Reads what is missing until nothing is.
    async fn repair(&self) -> Result<(), StreamError> {
        let stream = self.follower.stream;
        loop {
            let mark = self.follower.ring.borrow().mark();
            if mark.known <= mark.last {
                return Ok(());
            }
            let events = self.source.page(stream, mark.last).await?;
            if follows(&events, mark.last) {
                self.fill(mark, &events);
                continue;
            }
            // The head first, then the page: what the head counts is in the page, or it is gone.
            let head = self.source.head(stream).await?;
            let events = self.source.page(stream, mark.last).await?;
            if follows(&events, mark.last) {
                self.fill(mark, &events);
            } else if head.seq == mark.last {
                self.follower.ring.send_if_modified(|ring| {
                    ring.settle(mark);
                    false
                });
            } else {
                self.follower.jump(mark, head);
            }
        }
    }

    fn fill(&self, mark: Mark, events: &[Arc<Event>]) {
        let mut moved = false;
        self.follower.change(|ring| {
            let change = ring.fill(mark, events);
            moved = change.moved;
            // This loop goes on by itself.
            Change { gap: false, ..change }
        });
        if moved {
            meter::repaired(events.len());
            self.measure(events);
        }
    }

    fn measure(&self, events: &[Arc<Event>]) {
        if let Some(hub) = self.hub.upgrade() {
            hub.measure(events);
        }
    }
}

/// Whether the events start right after `after` and have no hole.
pub(crate) fn follows(events: &[Arc<Event>], after: i64) -> bool {
    !events.is_empty()
        && events
            .iter()
            .zip(after + 1..)
            .all(|(event, seq)| event.seq == seq)
}

async fn wait(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => future::pending().await,
    }
}

/// Ends the subscribers when the task is gone.
struct End(Arc<Follower>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end(StreamError::Unavailable(None));
    }
}

/// Listens to the bus, and again when it is back.
struct Ear {
    bus: Arc<dyn Bus>,
    subject: String,
    listener: Option<Listener>,
    again: Instant,
}

impl Ear {
    fn new(bus: Arc<dyn Bus>, subject: String) -> Self {
        Self {
            bus,
            subject,
            listener: None,
            again: Instant::now(),
        }
    }

    async fn listen(&mut self) {
        self.again = Instant::now() + BUS_PAUSE;
        let subscribe = tokio::time::timeout(BUS_PATIENCE, self.bus.subscribe(&self.subject));
        match subscribe.await {
            Ok(Ok(listener)) => self.listener = Some(listener),
            Ok(Err(error)) => tracing::debug!(%error, "following a stream without the bus"),
            Err(_) => tracing::debug!("following a stream without the bus, which does not answer"),
        }
    }

    /// What comes next. Safe to cancel.
    async fn hear(&mut self) -> Heard {
        loop {
            match &mut self.listener {
                Some(listener) => match listener.recv().await {
                    Some(heard) => return heard,
                    None => self.listener = None,
                },
                None => {
                    tokio::time::sleep_until(self.again).await;
                    self.listen().await;
                    if self.listener.is_some() {
                        return Heard::Missed;
                    }
                }
            }
        }
    }
}
