//! Sends announcements to the bus, behind the back of who wrote the events.
//!
//! A mutation is answered after its commit, not after the bus took notice; and a caller that goes
//! away between the two loses nobody's wake-up. Order is kept; what does not fit the queue is dropped.

use crate::{Event, meter, wire};
use commons_platform::{bus::Bus, task};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use uuid::Uuid;

/// Batches that may wait for the bus.
const QUEUE: usize = 1024;
/// Events of one message on the bus: some KiB.
const EVENTS: usize = 32;
/// A bus that takes longer is as good as gone; heads are compared then.
const PATIENCE: Duration = Duration::from_secs(1);

/// The way to the bus.
#[derive(Debug)]
pub(crate) struct Announcer {
    queue: mpsc::Sender<Vec<Arc<Event>>>,
    _task: task::Guard,
}

impl Announcer {
    pub(crate) fn new(bus: Arc<dyn Bus>, origin: Uuid) -> Self {
        let (queue, receiver) = mpsc::channel(QUEUE);
        Self {
            queue,
            _task: task::Guard::background("stream announcer", run(bus, origin, receiver)),
        }
    }

    /// Announces events of one stream, in order. Never waits.
    pub(crate) fn send(&self, events: &[Arc<Event>]) {
        if self.queue.try_send(events.to_vec()).is_err() {
            meter::unannounced();
        }
    }
}

async fn run(bus: Arc<dyn Bus>, origin: Uuid, mut queue: mpsc::Receiver<Vec<Arc<Event>>>) {
    while let Some(events) = queue.recv().await {
        for events in events.chunks(EVENTS) {
            let subject = wire::subject(events[0].stream);
            let publish = bus.publish(&subject, wire::encode(origin, events));
            if tokio::time::timeout(PATIENCE, publish).await.is_err() {
                meter::unannounced();
            }
        }
    }
}
