//! Fans messages out to the listeners of this process: the local half of every bus.

use super::{
    Heard, Listener,
    listener::{Feed, Seat, pair},
};
use bytes::Bytes;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// The subjects that somebody in this process listens to.
#[derive(Debug)]
pub struct Hub {
    subjects: Arc<Subjects>,
    capacity: usize,
}

/// Who listens to what. A subject is here exactly as long as somebody listens to it.
#[derive(Debug, Default)]
pub(super) struct Subjects(RwLock<Table>);

#[derive(Debug, Default)]
struct Table {
    feeds: HashMap<String, Vec<(u64, Feed)>>,
    last: u64,
}

impl Hub {
    /// A hub without subjects, whose listeners may be `capacity` messages behind.
    pub fn new(capacity: usize) -> Self {
        Self {
            subjects: Arc::default(),
            capacity,
        }
    }

    /// Listens to a subject.
    pub fn listen(&self, subject: &str) -> Listener {
        let mut table = self.subjects.0.write().unwrap_or_else(PoisonError::into_inner);
        table.last += 1;
        let seat = Seat {
            subjects: Arc::downgrade(&self.subjects),
            subject: subject.to_owned(),
            number: table.last,
        };
        let number = seat.number;
        let (feed, listener) = pair(self.capacity, seat);
        table
            .feeds
            .entry(subject.to_owned())
            .or_default()
            .push((number, feed));
        listener
    }

    /// Tells the listeners of a subject. Never waits: who is too far behind hears [`Heard::Missed`].
    pub fn tell(&self, subject: &str, payload: &Bytes) {
        let table = self.subjects.0.read().unwrap_or_else(PoisonError::into_inner);
        for (_, feed) in table.feeds.get(subject).into_iter().flatten() {
            feed.tell(Heard::Message(payload.clone()));
        }
    }

    /// Tells everybody that messages were lost.
    pub fn missed(&self) {
        metrics::counter!("commons_bus_missed_total").increment(1);
        let table = self.subjects.0.read().unwrap_or_else(PoisonError::into_inner);
        for (_, feed) in table.feeds.values().flatten() {
            feed.tell(Heard::Missed);
        }
    }

    /// How many subjects have listeners.
    pub fn subjects(&self) -> usize {
        self.subjects
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .feeds
            .len()
    }
}

impl Subjects {
    pub(super) fn leave(&self, subject: &str, number: u64) {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(feeds) = table.feeds.get_mut(subject) {
            feeds.retain(|(other, _)| *other != number);
            if feeds.is_empty() {
                table.feeds.remove(subject);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lost_connection_is_heard_by_all_also_when_they_wait_or_are_full() {
        let hub = Hub::new(1);
        let (mut waiting, mut full) = (hub.listen("a"), hub.listen("b"));
        hub.tell("b", &Bytes::from_static(b"1"));
        let (heard, ()) = tokio::join!(waiting.recv(), async { hub.missed() });
        assert_eq!(heard, Some(Heard::Missed));
        assert_eq!(
            full.recv().await,
            Some(Heard::Missed),
            "what was queued is not worth hearing any more"
        );
        hub.tell("b", &Bytes::from_static(b"2"));
        assert_eq!(full.recv().await, Some(Heard::Message(Bytes::from_static(b"2"))));
    }

    #[tokio::test]
    async fn a_subject_lives_as_long_as_its_listeners() {
        let hub = Hub::new(4);
        hub.tell("nobody", &Bytes::new());
        assert_eq!(hub.subjects(), 0);
        let (one, two) = (hub.listen("a"), hub.listen("a"));
        drop(one);
        assert_eq!(hub.subjects(), 1);
        drop(two);
        assert_eq!(hub.subjects(), 0);
    }

    #[tokio::test]
    async fn listeners_hear_the_end_of_the_hub() {
        let hub = Hub::new(4);
        let mut listener = hub.listen("a");
        hub.tell("a", &Bytes::from_static(b"last"));
        drop(hub);
        assert_eq!(
            listener.recv().await,
            Some(Heard::Message(Bytes::from_static(b"last")))
        );
        assert_eq!(listener.recv().await, None);
    }
}
