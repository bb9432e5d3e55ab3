//! One subscriber's view of a stream: every event after its start, once and in order.

use crate::{
    Event, StreamError, Streams,
    follower::{Follower, follows},
    meter,
    ring::{Look, Ring},
    source::Source,
};
use futures_util::{Stream, stream};
use std::{collections::VecDeque, fmt, sync::Arc};
use tokio::sync::watch;

/// What a subscriber is given.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// Where the stream stands. Always the first, and only there.
    Head(i64),
    /// The next event: its number is the one before plus one.
    Event(Arc<Event>),
    /// What lies before the head is not known any more; load the state anew. Events go on after it.
    Reset {
        /// The next event has this number plus one.
        head: i64,
    },
}

/// A live subscription; dropping it ends it.
pub struct Subscription {
    seat: Seat,
    source: Arc<Source>,
    ring: watch::Receiver<Ring>,
    epoch: u32,
    /// The last event that is in the queue or was given out.
    cursor: i64,
    /// At most a page.
    queue: VecDeque<Delivery>,
    ended: Option<StreamError>,
}

impl Subscription {
    pub(crate) async fn start(
        seat: Seat,
        source: Arc<Source>,
        after: Option<i64>,
    ) -> Result<Self, StreamError> {
        let mut ring = seat.follower.ring.subscribe();
        let (mark, covered) = {
            let ring = ring
                .wait_for(|ring| !ring.starting())
                .await
                .map_err(|_| StreamError::Unavailable(None))?;
            if let Some(error) = ring.ended() {
                return Err(error.clone());
            }
            (ring.mark(), after.is_none_or(|after| ring.covers(after)))
        };
        let mut this = Self {
            seat,
            source,
            ring,
            epoch: mark.epoch,
            cursor: after.unwrap_or(mark.last),
            queue: VecDeque::new(),
            ended: None,
        };
        if covered {
            this.queue.push_back(Delivery::Head(mark.last));
            return Ok(this);
        }
        let head = this.source.head(this.seat.follower.stream).await?;
        this.seat.follower.know(head.seq);
        this.queue.push_back(Delivery::Head(head.seq));
        if !head.resumes(this.cursor) {
            this.reset(head.seq);
        }
        Ok(this)
    }

    /// The next delivery, as soon as there is one. Safe to cancel.
    ///
    /// # Errors
    /// Every error ends the subscription: [`StreamError::Unavailable`] when the database was away for
    /// too long (resume after the last event), [`StreamError::Unknown`] when the stream is gone.
    pub async fn next(&mut self) -> Result<Delivery, StreamError> {
        loop {
            if let Some(delivery) = self.queue.pop_front() {
                return Ok(delivery);
            }
            if let Some(error) = &self.ended {
                return Err(error.clone());
            }
            let look = self
                .ring
                .borrow_and_update()
                .look(self.epoch, self.cursor, &mut self.queue);
            let outcome = match look {
                Look::Taken(cursor) => {
                    self.cursor = cursor;
                    Ok(())
                }
                Look::Wait => self
                    .ring
                    .changed()
                    .await
                    .map_err(|_| StreamError::Unavailable(None)),
                Look::Behind => self.catch_up().await,
                Look::Jump(epoch, jump) => {
                    self.epoch = epoch;
                    if let Some(head) = jump.reset(self.cursor) {
                        self.reset(head);
                    }
                    Ok(())
                }
                Look::Ended(error) => Err(error),
            };
            self.ended = outcome.err();
        }
    }

    /// The same as a stream, which ends after its first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Delivery, StreamError>> + Send {
        stream::unfold(Some(self), |this| async {
            let mut this = this?;
            let next = this.next().await;
            let rest = next.is_ok().then_some(this);
            Some((next, rest))
        })
    }

    /// Reads the next page; the follower has more than that, so an empty one means it is gone.
    async fn catch_up(&mut self) -> Result<(), StreamError> {
        let stream = self.seat.follower.stream;
        meter::catch_up();
        let events = self.source.page(stream, self.cursor).await?;
        if !follows(&events, self.cursor) {
            let head = self.source.head(stream).await?;
            self.seat.follower.know(head.seq);
            self.reset(head.seq);
            return Ok(());
        }
        self.cursor += events.len() as i64;
        self.queue.extend(events.into_iter().map(Delivery::Event));
        Ok(())
    }

    fn reset(&mut self, head: i64) {
        meter::reset();
        self.cursor = head;
        self.queue.push_back(Delivery::Reset { head });
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("stream", &self.seat.follower.stream)
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}

/// A subscriber's place at a follower; dropping it leaves.
pub(crate) struct Seat {
    follower: Arc<Follower>,
    /// Keeps the followers and the comparison of heads alive.
    _streams: Streams,
}

impl Seat {
    /// For a follower that has counted this subscriber already.
    pub(crate) fn new(follower: Arc<Follower>, streams: Streams) -> Self {
        meter::subscribers(1.0);
        Self {
            follower,
            _streams: streams,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        meter::subscribers(-1.0);
        self.follower.leave();
    }
}
