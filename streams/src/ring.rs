//! What a follower knows of its stream: the newest events, what it heard too early, what it misses.
//!
//! Pure bookkeeping: no database, no bus, no waiting. Numbers are dense, so the newest events are a
//! window that ends at `last`, and a subscriber is nothing but a number: it takes what follows that
//! number from the window, or reads the database when the window has moved past it. That bounds the
//! memory, keeps a slow subscriber from holding up others and makes a skip impossible.

use crate::{Delivery, Event, Head, StreamError};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// Events that may wait for an earlier one; beyond, the database gives them again.
const EARLY: usize = 256;
/// Events that a subscriber takes at once.
const TAKEN: usize = 64;

/// The state of one follower; subscribers read it, the follower and `announce` change it.
#[derive(Debug)]
pub(crate) struct Ring {
    phase: Phase,
    /// Counts jumps; a subscriber with another count has to be told.
    epoch: u32,
    /// The last of them.
    jump: Jump,
    /// Everything up to here was given out.
    last: i64,
    /// The events up to `last`, without a hole.
    newest: VecDeque<Arc<Event>>,
    capacity: usize,
    /// Events beyond `last + 1`.
    early: BTreeMap<i64, Arc<Event>>,
    /// The highest number that is said to exist.
    known: i64,
}

#[derive(Debug)]
enum Phase {
    /// The head is not read yet.
    Starting,
    Live,
    Ended(StreamError),
}

/// What hearing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    /// There is something new for subscribers.
    pub(crate) moved: bool,
    /// Something before what is known to exist is missing.
    pub(crate) gap: bool,
}

/// A break in the numbers: what lay before it is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Jump {
    /// The next event has this number plus one.
    to: i64,
    /// Over a floor that has risen, so that no number from before can be `to` or more.
    ahead: bool,
}

impl Jump {
    /// Where a subscriber that has everything up to `cursor` starts anew; none when it stands behind
    /// the jump already.
    pub(crate) fn reset(self, cursor: i64) -> Option<i64> {
        (!self.ahead || cursor < self.to).then_some(self.to)
    }
}

/// Where a repair starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) epoch: u32,
    pub(crate) last: i64,
    pub(crate) known: i64,
}

/// What there is for a subscriber.
#[derive(Debug)]
pub(crate) enum Look {
    /// Events were added to its queue, up to this one.
    Taken(i64),
    /// Nothing until the ring changes.
    Wait,
    /// What it needs has left the window.
    Behind,
    /// The stream made a jump, which the subscriber does not know of yet.
    Jump(u32, Jump),
    Ended(StreamError),
}

impl Ring {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            phase: Phase::Starting,
            epoch: 0,
            jump: Jump { to: 0, ahead: true },
            last: 0,
            newest: VecDeque::new(),
            capacity,
            early: BTreeMap::new(),
            known: 0,
        }
    }

    pub(crate) fn starting(&self) -> bool {
        matches!(self.phase, Phase::Starting)
    }

    pub(crate) fn live(&self) -> bool {
        matches!(self.phase, Phase::Live)
    }

    pub(crate) fn ended(&self) -> Option<&StreamError> {
        match &self.phase {
            Phase::Ended(error) => Some(error),
            _ => None,
        }
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark {
            epoch: self.epoch,
            last: self.last,
            known: self.known,
        }
    }

    /// The head was read: what was heard meanwhile follows it.
    pub(crate) fn open(&mut self, head: i64) -> Change {
        if !self.starting() {
            return Change {
                moved: false,
                gap: false,
            };
        }
        self.phase = Phase::Live;
        self.last = head;
        self.absorb();
        Change {
            moved: true,
            gap: self.known > self.last,
        }
    }

    /// Events were announced, in any order and any number of times.
    pub(crate) fn hear(&mut self, events: &[Arc<Event>]) -> Change {
        let before = self.last;
        if self.ended().is_some() {
            return Change {
                moved: false,
                gap: false,
            };
        }
        for event in events {
            self.known = self.known.max(event.seq);
            if self.live() && event.seq == self.last + 1 {
                self.push(event.clone());
            } else if self.starting() || event.seq > self.last {
                self.early.insert(event.seq, event.clone());
                if self.early.len() > EARLY {
                    self.early.pop_last();
                }
            }
        }
        if self.live() {
            self.absorb();
        }
        Change {
            moved: self.last > before,
            gap: self.live() && self.known > self.last,
        }
    }

    /// Events were read from the database after `mark`.
    pub(crate) fn fill(&mut self, mark: Mark, events: &[Arc<Event>]) -> Change {
        if self.epoch != mark.epoch {
            return Change {
                moved: false,
                gap: false,
            };
        }
        self.hear(events)
    }

    /// The stream is said to have reached `seq`.
    pub(crate) fn know(&mut self, seq: i64) -> Change {
        self.known = self.known.max(seq);
        Change {
            moved: false,
            gap: self.live() && self.known > self.last,
        }
    }

    /// The database has nothing after `mark`: what was said to exist does not.
    pub(crate) fn settle(&mut self, mark: Mark) {
        if self.mark() == mark {
            self.known = self.last;
            self.early.clear();
        }
    }

    /// The numbers do not go on after `mark`: a floor has risen above it, or the database went back.
    pub(crate) fn jump(&mut self, mark: Mark, head: Head) -> Change {
        if self.epoch != mark.epoch || !self.live() {
            return Change {
                moved: false,
                gap: false,
            };
        }
        let ahead = head.floor > self.last;
        if !ahead {
            // What was heard belongs to a past that the database has lost.
            self.early.clear();
            self.known = 0;
        }
        let to = if ahead { head.floor } else { head.seq };
        self.jump = Jump { to, ahead };
        self.epoch += 1;
        self.last = to;
        self.known = self.known.max(head.seq);
        self.newest.clear();
        self.absorb();
        Change {
            moved: true,
            gap: self.known > self.last,
        }
    }

    /// Nobody follows the stream any more.
    pub(crate) fn end(&mut self, error: StreamError) -> bool {
        let first = self.ended().is_none();
        if first {
            self.phase = Phase::Ended(error);
            self.early.clear();
        }
        first
    }

    /// Whether the window has all that follows `after`, so that no database is needed to start there.
    pub(crate) fn covers(&self, after: i64) -> bool {
        after <= self.last && after >= self.last - self.newest.len() as i64
    }

    /// What there is for a subscriber that has everything up to `cursor`.
    pub(crate) fn look(&self, epoch: u32, cursor: i64, queue: &mut VecDeque<Delivery>) -> Look {
        if epoch != self.epoch {
            return Look::Jump(self.epoch, self.jump);
        }
        if cursor >= self.last {
            return self
                .ended()
                .map_or(Look::Wait, |error| Look::Ended(error.clone()));
        }
        if !self.covers(cursor) {
            return self
                .ended()
                .map_or(Look::Behind, |error| Look::Ended(error.clone()));
        }
        let pending = usize::try_from(self.last - cursor).expect("the window covers it");
        let start = self.newest.len() - pending;
        let end = self.newest.len().min(start + TAKEN);
        queue.extend(self.newest.range(start..end).cloned().map(Delivery::Event));
        Look::Taken(cursor + (end - start) as i64)
    }

    fn push(&mut self, event: Arc<Event>) {
        self.last = event.seq;
        if self.newest.len() == self.capacity {
            self.newest.pop_front();
        }
        self.newest.push_back(event);
    }

    /// Takes over what was early and is due now.
    fn absorb(&mut self) {
        while let Some(entry) = self.early.first_entry() {
            let seq = *entry.key();
            if seq > self.last + 1 {
                break;
            }
            let event = entry.remove();
            if seq == self.last + 1 {
                self.push(event);
            }
        }
    }
}

#[cfg(test)]
mod tests;
