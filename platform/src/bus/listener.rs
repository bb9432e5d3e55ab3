//! One listener's bounded queue, and its end.

use super::hub::Subjects;
use bytes::Bytes;
use std::sync::{
    Arc, Weak,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::mpsc;

/// What a listener hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A message.
    Message(Bytes),
    /// Messages were lost: the queue overflowed, or the connection was lost and is back. Read the truth.
    Missed,
}

/// The receiving end of a subscription; dropping it ends the subscription.
#[derive(Debug)]
pub struct Listener {
    queue: mpsc::Receiver<Heard>,
    overflowed: Arc<AtomicBool>,
    /// Declared after the queue, so that it goes when the queue is closed already.
    _seat: Seat,
}

/// A listener's place at its subject; dropping it leaves.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) subjects: Weak<Subjects>,
    pub(super) subject: String,
    pub(super) number: u64,
}

/// The bus's end of a listener. It never waits.
#[derive(Debug)]
pub(super) struct Feed {
    queue: mpsc::Sender<Heard>,
    overflowed: Arc<AtomicBool>,
}

/// A listener that may be `capacity` messages behind, and its feed.
pub(super) fn pair(capacity: usize, seat: Seat) -> (Feed, Listener) {
    let (sender, receiver) = mpsc::channel(capacity);
    let overflowed = Arc::new(AtomicBool::new(false));
    let feed = Feed {
        queue: sender,
        overflowed: overflowed.clone(),
    };
    (
        feed,
        Listener {
            queue: receiver,
            overflowed,
            _seat: seat,
        },
    )
}

impl Listener {
    /// The next message, in order; none once the bus itself has ended. Safe to cancel.
    ///
    /// After an overflow the queue is thrown away: [`Heard::Missed`] stands for all that was in it.
    pub async fn recv(&mut self) -> Option<Heard> {
        if self.overflowed.swap(false, Ordering::AcqRel) {
            while self.queue.try_recv().is_ok() {}
            return Some(Heard::Missed);
        }
        self.queue.recv().await
    }
}

impl Feed {
    /// Hands something to the listener, or notes that it did not fit.
    pub(super) fn tell(&self, heard: Heard) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.queue.try_send(heard) {
            self.overflowed.store(true, Ordering::Release);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(subjects) = self.subjects.upgrade() {
            subjects.leave(&self.subject, self.number);
        }
    }
}
