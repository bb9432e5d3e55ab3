//! One numbered subscription as it comes from the router, made whole: every event after the last one,
//! once and in order, whatever breaks on the way.
//!
//! No hop behind is trusted not to drop. A hole in the numbers, an answer without its root, a stream that
//! breaks or ends: each reopens the subscription behind the last event, after a pause that grows. What
//! cannot be mended by waiting (the stream is gone, the caller may not see it) is passed on.

use super::{
    engines::{Engines, Event, Events},
    meter,
    shape::{Numbered, Seen},
};
use crate::reply::Reply;
use commons_platform::{ApiError, Code, graphql::Call};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, sleep_until};

/// How long it is tried again before those who wait are told.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a subscription may take until it says where its stream stands.
const OPENING: Duration = Duration::from_secs(10);
/// How long silence is believed while events are missing, or may be.
const SILENCE: Duration = Duration::from_secs(2);
/// How many events at once mean that what is between may have had more than it holds.
const PRESSED: usize = 32;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How much of what is there already is taken together, in bytes.
const TOGETHER: usize = 32 * 1024;

/// What an upstream has to say.
#[derive(Debug)]
pub(super) enum Item {
    /// Where the stream stands. The first, and only once.
    Head(i64),
    /// Events in a row, each one more than the one before.
    Events(Vec<Seen>),
    /// What lies before is not known any more; events go on after this one's number.
    Reset(Seen),
    /// For this caller alone, beside the numbered events.
    Aside(Seen),
    /// It is over.
    Refused(Reply),
}

/// As whom the upstream is opened.
pub(super) type Caller = Box<dyn Fn() -> Result<(Call, Option<Instant>), ApiError> + Send + Sync>;

/// A numbered subscription.
pub(super) struct Upstream {
    engines: Engines,
    numbered: Arc<Numbered>,
    /// A fresh caller, and until when it is good for.
    caller: Caller,
    request_id: Arc<str>,
    events: Option<Events>,
    renew: Option<Instant>,
    /// The last event that was given.
    last: Option<i64>,
    /// The newest event that is known of.
    head: i64,
    /// Whether the head was given.
    begun: bool,
    /// Whether this subscription has said where its stream stands.
    headed: bool,
    /// More may have come than got through.
    pressed: bool,
    /// Until when silence is believed.
    believed: Option<Instant>,
    pause: Duration,
    /// Since when nothing came of it.
    broken: Option<Instant>,
    ready: VecDeque<Item>,
}

impl Upstream {
    /// Begins after an event, or at the head. `request_id` is told in errors.
    pub(super) fn new(
        engines: Engines,
        numbered: Arc<Numbered>,
        caller: Caller,
        after: Option<i64>,
        request_id: Arc<str>,
    ) -> Self {
        Self {
            engines,
            numbered,
            caller,
            request_id,
            events: None,
            renew: None,
            last: after,
            head: 0,
            begun: false,
            headed: false,
            pressed: false,
            believed: None,
            pause: FIRST_PAUSE,
            broken: None,
            ready: VecDeque::new(),
        }
    }

    /// What comes next; after [`Item::Refused`] nothing does. Safe to cancel.
    pub(super) async fn next(&mut self) -> Item {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return item;
            }
            let Some(events) = &mut self.events else {
                if let Err(error) = self.open().await {
                    return self.give_up(Reply::refusal(error, &self.request_id));
                }
                continue;
            };
            let event = tokio::select! {
                event = events.recv() => event,
                () = until(self.renew) => {
                    self.events = None;
                    continue;
                }
                () = until(self.believed) => {
                    self.doubt();
                    continue;
                }
            };
            self.take(event);
            self.take_ready();
            self.believe();
        }
    }

    /// Silence has lasted too long for what is known: asks anew.
    fn doubt(&mut self) {
        if self.headed && self.last == Some(self.head) {
            self.pressed = false;
            self.events = None;
        } else {
            self.fail();
        }
    }

    fn believe(&mut self) {
        let doubtful = self.pressed || self.last != Some(self.head);
        if self.headed {
            self.believed = doubtful.then(|| Instant::now() + SILENCE);
        }
    }

    async fn open(&mut self) -> Result<(), ApiError> {
        if let Some(since) = self.broken {
            if since.elapsed() > PATIENCE {
                let late = "this stream could not be kept up, try again";
                return Err(ApiError::new(Code::Unavailable, late));
            }
            meter::reopened();
            // Not all at once: whoever came back has much to do.
            sleep(self.pause.mul_f64(rand::random_range(0.5..1.0))).await;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
        let (call, renew) = (self.caller)()?;
        self.renew = renew;
        match self.engines.start(self.numbered.at(self.last), call) {
            Ok(events) => {
                self.events = Some(events);
                self.headed = false;
                self.believed = Some(Instant::now() + OPENING);
            }
            Err(error) if !self.begun => return Err(error),
            Err(_) => self.fail(),
        }
        Ok(())
    }

    /// Takes what has come already together with what came.
    fn take_ready(&mut self) {
        let (mut size, mut count) = (0, 0);
        while size < TOGETHER {
            let Some(Ok(event)) = self.events.as_mut().map(Events::try_recv) else {
                return;
            };
            count += 1;
            self.pressed |= count >= PRESSED;
            if let Event::Next(reply) = &event {
                size += reply.json.len();
            }
            self.take(Some(event));
        }
    }

    fn take(&mut self, event: Option<Event>) {
        match event {
            Some(Event::Next(reply)) => match self.numbered.read(&reply.json) {
                Some(seen) => self.see(seen),
                None => self.refused(reply),
            },
            Some(Event::Error(reply)) => self.refused(reply),
            // A stream has no end of its own: what was between has.
            Some(Event::End) | None => self.fail(),
        }
    }

    fn see(&mut self, seen: Seen) {
        if seen.is_head() {
            if !self.begun {
                self.begun = true;
                self.ready.push_back(Item::Head(seen.seq));
            }
            self.headed = true;
            self.head = self.head.max(seen.seq);
            if *self.last.get_or_insert(seen.seq) >= seen.seq {
                self.healthy();
            }
            return;
        }
        if !self.headed {
            // Whoever says this first has lost what comes before it.
            meter::hole();
            return self.fail();
        }
        if seen.is_reset() {
            (self.last, self.head) = (Some(seen.seq), seen.seq);
            self.healthy();
            self.ready.push_back(Item::Reset(seen));
            return;
        }
        if seen.is_aside() {
            self.ready.push_back(Item::Aside(seen));
            return;
        }
        match self.last {
            Some(last) if seen.seq <= last => {}
            Some(last) if seen.seq == last + 1 => {
                self.last = Some(seen.seq);
                self.head = self.head.max(seen.seq);
                self.healthy();
                match self.ready.back_mut() {
                    Some(Item::Events(events)) => events.push(seen),
                    _ => self.ready.push_back(Item::Events(vec![seen])),
                }
            }
            _ => {
                meter::hole();
                self.fail();
            }
        }
    }

    fn healthy(&mut self) {
        self.broken = None;
        self.pause = FIRST_PAUSE;
    }

    /// What waiting mends is waited for, unless it never worked: then its caller is told at once.
    fn refused(&mut self, reply: Reply) {
        let passes = matches!(
            reply.code,
            Some(Code::Unavailable | Code::Overloaded | Code::Internal) | None
        );
        if passes && self.begun {
            self.fail();
        } else {
            let refusal = self.give_up(reply);
            self.ready.push_back(refusal);
        }
    }

    fn give_up(&mut self, reply: Reply) -> Item {
        self.events = None;
        Item::Refused(reply)
    }

    fn fail(&mut self) {
        self.events = None;
        self.broken.get_or_insert_with(Instant::now);
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream")
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}
