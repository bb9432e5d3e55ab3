//! The queue of accepted sends and the tasks that write them down.

use super::{
    batch::{self, Written},
    lanes::{Hand, Lanes, Refused, Taken},
    pending::Pending,
};
use crate::Error;
use commons_entities::ChannelId;
use commons_platform::{
    ApiError, Platform, task,
    telemetry::{
        metric::{self, Measured},
        span,
    },
};
use commons_streams::Streams;
use std::{
    pin::pin,
    sync::{Arc, MutexGuard, PoisonError},
};
use tokio::{
    sync::{Mutex, Notify},
    time::Instant,
};
use tracing::Instrument;

/// Writers on PostgreSQL: while one waits for its commit, another collects other channels. SQLite lets
/// one write at a time.
const WRITERS: usize = 2;
/// Writers that wait for a channel that somebody else holds for long.
const PATIENT: usize = 2;

/// The way into the queue.
#[derive(Debug)]
pub struct Sender {
    queue: Arc<Queue>,
    writers: Mutex<Vec<tokio::task::JoinHandle<()>>>,
    _measured: Measured,
}

impl Sender {
    /// Starts the writers of this process.
    pub(in crate::service) fn start(platform: &Platform, streams: &Streams) -> Self {
        let (quick, patient) = match platform.db.is_postgres() {
            true => (WRITERS, PATIENT),
            false => (1, 1),
        };
        let queue = Arc::new(Queue::new(patient));
        let hands = [(Hand::Quick, quick), (Hand::Patient, patient)];
        let writers = hands
            .into_iter()
            .flat_map(|(hand, count)| std::iter::repeat_n(hand, count))
            .map(|hand| {
                let writer = Writer {
                    platform: platform.clone(),
                    streams: streams.clone(),
                    queue: queue.clone(),
                    hand,
                };
                task::background("message writer", writer.run())
            })
            .collect();
        let counted = Arc::downgrade(&queue);
        let measured = metric::when_read(move || {
            if let Some(queue) = counted.upgrade() {
                metrics::gauge!("commons_send_queue").set(queue.lanes().waiting() as f64);
            }
        });
        Self {
            queue,
            writers: Mutex::new(writers),
            _measured: measured,
        }
    }

    /// Puts a send into the queue.
    ///
    /// # Errors
    /// `OVERLOADED` at once when the queue is full; `UNAVAILABLE` while the process ends.
    pub(super) fn push(&self, pending: Pending) -> Result<(), Error> {
        let pushed = self.queue.lanes().push(pending.seat.channel(), pending);
        match pushed {
            Ok(()) => {
                self.queue.ready.notify_one();
                Ok(())
            }
            Err(Refused::Full) => Err(ApiError::overloaded().into()),
            Err(Refused::Closed) => Err(ApiError::new(
                commons_platform::Code::Unavailable,
                "the service is shutting down, try again",
            )
            .into()),
        }
    }

    /// Takes no more and waits until what was accepted is written.
    pub(in crate::service) async fn drain(&self) {
        self.queue.lanes().close();
        self.queue.wake_all();
        for writer in self.writers.lock().await.drain(..) {
            if let Err(error) = writer.await {
                tracing::error!(%error, "a writer of messages died");
            }
        }
    }
}

impl Drop for Sender {
    /// Nobody can send any more: the writers end when what was accepted is written.
    fn drop(&mut self) {
        self.queue.lanes().close();
        self.queue.wake_all();
    }
}

#[derive(Debug)]
struct Queue {
    /// Never held over an await.
    lanes: std::sync::Mutex<Lanes<Pending>>,
    /// Something is there for a quick writer.
    ready: Notify,
    /// Something is there for a patient one.
    stuck: Notify,
}

impl Queue {
    fn new(patient: usize) -> Self {
        Self {
            lanes: std::sync::Mutex::new(Lanes::new(patient)),
            ready: Notify::new(),
            stuck: Notify::new(),
        }
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes<Pending>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_all(&self) {
        self.ready.notify_waiters();
        self.stuck.notify_waiters();
    }

    /// The next sends, as soon as there are some; none when there will be none.
    async fn next(&self, hand: Hand) -> Option<Taken<Pending>> {
        let told = match hand {
            Hand::Quick => &self.ready,
            Hand::Patient => &self.stuck,
        };
        loop {
            let mut told = pin!(told.notified());
            told.as_mut().enable();
            let rested = {
                let mut lanes = self.lanes();
                if let Some(taken) = lanes.take(hand, Instant::now()) {
                    // A notice may have come for many, and has woken one.
                    if lanes.has_ready() {
                        self.ready.notify_one();
                    }
                    return Some(taken);
                }
                if lanes.ended() {
                    return None;
                }
                lanes.next_ready().filter(|_| hand == Hand::Quick)
            };
            match rested {
                None => told.await,
                Some(at) => {
                    // Either is a reason to look again.
                    let _ = tokio::time::timeout_at(at, told).await;
                }
            }
        }
    }

    fn give_back(&self, hand: Hand, taken: &[ChannelId], held: Vec<Pending>) {
        let held = held
            .into_iter()
            .map(|pending| (pending.seat.channel(), pending))
            .collect();
        let mut lanes = self.lanes();
        lanes.give_back(hand, taken, held, Instant::now());
        // Also for a channel that rests: who is idle may be the one who takes it next.
        if lanes.has_ready() || lanes.next_ready().is_some() {
            self.ready.notify_one();
        }
        if lanes.has_stuck() {
            self.stuck.notify_one();
        }
        if lanes.ended() {
            self.wake_all();
        }
    }
}

/// One task that writes batch after batch until the queue is closed and empty.
struct Writer {
    platform: Platform,
    streams: Streams,
    queue: Arc<Queue>,
    hand: Hand,
}

impl Writer {
    async fn run(self) {
        while let Some(Taken { channels, sends }) = self.queue.next(self.hand).await {
            metrics::histogram!("commons_send_batch").record(sends.len() as f64);
            let (platform, wait) = (self.platform.clone(), self.hand == Hand::Patient);
            // On a task of its own: a panic fails this batch, whose senders hear it, and no other.
            let traced = span::together("send batch", sends.iter().map(|send| &send.trace));
            let write = async move { batch::write(&platform, sends, wait).await };
            let written = task::spawn(write.instrument(traced)).await;
            let Written {
                settled,
                events,
                held,
            } = written.unwrap_or_else(|error| {
                tracing::error!(%error, "a batch of messages failed");
                Written::default()
            });
            // Followers have the events before the senders have their answers.
            self.streams.announce(&events);
            for (pending, outcome) in settled {
                pending.settle(outcome);
            }
            metrics::counter!("commons_sends_held_total").increment(held.len() as u64);
            self.queue.give_back(self.hand, &channels, held);
        }
    }
}
