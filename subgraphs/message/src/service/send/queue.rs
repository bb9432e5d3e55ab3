//! The queue of accepted sends and the one task that writes them down.

use super::{
    batch::{self, Written},
    pending::Pending,
};
use crate::Error;
use commons_platform::{ApiError, Platform, task};
use commons_streams::Streams;
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc};

/// How many sends wait at most; one more is refused.
const WAITING: usize = 4_096;
/// How many go into one transaction.
const BATCH: usize = 256;

/// The way into the queue.
#[derive(Debug)]
pub struct Sender {
    queue: std::sync::Mutex<Option<mpsc::Sender<Pending>>>,
    writer: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl Sender {
    /// Starts the writer of this process.
    pub(in crate::service) fn start(platform: Platform, streams: Streams) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING);
        let writer = task::spawn(write_forever(platform, streams, waiting));
        Self {
            queue: std::sync::Mutex::new(Some(queue)),
            writer: Mutex::new(Some(writer)),
        }
    }

    /// Puts a send into the queue.
    ///
    /// # Errors
    /// `OVERLOADED` at once when the queue is full; `UNAVAILABLE` while the process ends.
    pub(super) fn push(&self, pending: Pending) -> Result<(), Error> {
        let queue = self
            .queue
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let queue = queue.as_ref().ok_or_else(ending)?;
        metrics::gauge!("commons_send_queue").set((WAITING - queue.capacity()) as f64);
        queue.try_send(pending).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => ApiError::overloaded().into(),
            mpsc::error::TrySendError::Closed(_) => ending(),
        })
    }

    /// Takes no more and waits until what was accepted is written.
    pub(in crate::service) async fn drain(&self) {
        self.queue
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let Some(writer) = self.writer.lock().await.take()
            && let Err(error) = writer.await
        {
            tracing::error!(%error, "the writer of messages died");
        }
    }
}

fn ending() -> Error {
    ApiError::new(
        commons_platform::Code::Unavailable,
        "the service is shutting down, try again",
    )
    .into()
}

/// Writes batch after batch until the queue is closed and empty.
async fn write_forever(platform: Platform, streams: Streams, mut waiting: mpsc::Receiver<Pending>) {
    let platform = Arc::new(platform);
    let mut next: Vec<Pending> = Vec::with_capacity(BATCH);
    loop {
        let room = BATCH.saturating_sub(next.len());
        if next.is_empty() {
            if waiting.recv_many(&mut next, BATCH).await == 0 {
                return;
            }
        } else {
            // Sends whose stream was held go first; whoever came meanwhile joins them.
            for _ in 0..room {
                match waiting.try_recv() {
                    Ok(pending) => next.push(pending),
                    Err(_) => break,
                }
            }
        }
        metrics::histogram!("commons_send_batch").record(next.len() as f64);
        let (platform, batch) = (platform.clone(), std::mem::take(&mut next));
        // On a task of its own: a panic fails this batch, whose senders hear it, and no other.
        let written = task::spawn(async move { batch::write(&platform, batch).await }).await;
        let Written {
            settled,
            events,
            held,
        } = written.unwrap_or_else(|error| {
            tracing::error!(%error, "a batch of messages failed");
            Written::default()
        });
        // Followers have the events before the senders have their answers.
        streams.announce(&events);
        for (pending, outcome) in settled {
            pending.settle(outcome);
        }
        next = held;
    }
}
