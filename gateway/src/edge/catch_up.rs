//! What lies before a group's ring, read once for all who ask for it at about the same time.

use super::{
    meter,
    shape::Seen,
    tape::{Piece, Tape},
    upstream::{Item, Upstream},
};
use crate::reply::Reply;
use commons_platform::task::Guard;
use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, Semaphore},
    time::Instant,
};

/// How long others may take what was read for one.
const FRESH: Duration = Duration::from_secs(5);

/// A reading, from a position to where the ring goes on, or as much as is held at a time.
#[derive(Debug)]
pub(super) struct Segment {
    state: Mutex<State>,
    changed: Notify,
    begun: Instant,
    task: OnceLock<Guard>,
}

#[derive(Debug)]
struct State {
    tape: Tape,
    end: Option<End>,
}

#[derive(Debug, Clone)]
enum End {
    Enough,
    Reset(Seen),
    Refused(Reply),
}

/// What a reading has for a position.
pub(super) enum Pieces {
    Piece(Piece),
    /// The position is not known any more.
    Reset(Seen),
    /// There is nothing more in this reading.
    Done,
    Refused(Reply),
}

impl Segment {
    /// Begins to read behind a position, until `enough` says so of what was read and the stream's head.
    pub(super) fn read(
        upstream: Upstream,
        after: i64,
        turns: Arc<Semaphore>,
        enough: impl Fn(i64, i64) -> bool + Send + 'static,
    ) -> Arc<Self> {
        let segment = Arc::new(Self {
            state: Mutex::new(State {
                tape: Tape::at(after),
                end: None,
            }),
            changed: Notify::new(),
            begun: Instant::now(),
            task: OnceLock::new(),
        });
        let weak = Arc::downgrade(&segment);
        let task = Guard::background("catch-up", async move {
            meter::caught_up();
            // It is never closed.
            let _turn = turns.acquire().await;
            let mut upstream = upstream;
            let (mut at, mut head) = (after, after);
            loop {
                let item = upstream.next().await;
                let Some(segment) = weak.upgrade() else { return };
                let end = match item {
                    Item::Head(seq) => {
                        head = seq;
                        None
                    }
                    Item::Events(events) => {
                        at = segment.add(&events);
                        head = head.max(at);
                        None
                    }
                    Item::Aside(_) => None,
                    Item::Reset(seen) => Some(End::Reset(seen)),
                    Item::Refused(reply) => Some(End::Refused(reply)),
                };
                // Asked without our lock: who answers has one of its own, and comes to us with it.
                let full = segment.state().tape.is_full();
                // A position above the head is answered with a reset, or by a head that has grown.
                let enough = full || (at == head && enough(at, head));
                let end = end.or(enough.then_some(End::Enough));
                let ended = end.is_some();
                segment.state().end = end;
                segment.changed.notify_waiters();
                if ended {
                    return;
                }
            }
        });
        // Nobody else has it yet.
        let _set = segment.task.set(task);
        segment
    }

    /// Adds events; gives the number of the last.
    fn add(&self, events: &[Seen]) -> i64 {
        let mut state = self.state();
        events.iter().for_each(|seen| state.tape.push(seen));
        state.tape.last()
    }

    /// Whether those who come now may take part.
    pub(super) fn is_fresh(&self) -> bool {
        self.begun.elapsed() < FRESH
    }

    /// Whether it has something for a position, or will have.
    pub(super) fn covers(&self, after: i64) -> bool {
        let state = self.state();
        state.tape.covers(after) && (state.end.is_none() || after < state.tape.last())
    }

    /// What it has for a position, as soon as it has something.
    pub(super) async fn after(&self, at: i64) -> Pieces {
        loop {
            let changed = self.changed.notified();
            {
                let state = self.state();
                if at < state.tape.last() {
                    return Pieces::Piece(state.tape.piece(at));
                }
                match &state.end {
                    Some(End::Enough) => return Pieces::Done,
                    Some(End::Reset(seen)) => return Pieces::Reset(seen.clone()),
                    Some(End::Refused(reply)) => return Pieces::Refused(reply.clone()),
                    None => {}
                }
            }
            changed.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
