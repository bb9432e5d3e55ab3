//! Everybody who follows the same: one upstream, executed once, encoded once, and a frame for each.
//!
//! Whoever joins is brought up to date by its own task, piece by piece, from the ring or from what a
//! catch-up reads ([`super::catch_up`]); at the exact number where nothing is missing it takes its place
//! under the lock that events are added under, so that none is missed and none comes twice. Then events
//! are written to it by the group.

mod join;
mod members;
mod probe;
mod registry;

pub(super) use self::registry::{Groups, Shared};

use self::{
    members::{Seat, Shard},
    probe::Probe,
};
use super::{
    catch_up::Segment,
    engines::Engines,
    frame::Stencil,
    shape::{Numbered, Seen},
    tape::Tape,
    upstream::{Caller, Item, Upstream},
};
use crate::reply::Reply;
use commons_access::Access;
use commons_platform::{ApiError, Code, clock::Clock};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, Semaphore},
    time::{Instant, sleep, timeout},
};

/// How many write at a time before somebody else has a turn.
const SHARD: usize = 500;
/// How long an upstream and its ring outlive the last of several clients; one alone pays for its own.
const IDLE: Duration = Duration::from_secs(60);
/// How long events are held back while changes of standing are not heard.
const HOLD: Duration = Duration::from_secs(10);
/// How long, once they are heard again, clients have to be checked.
const SETTLE: Duration = Duration::from_millis(500);

/// Clients of one operation on one stream.
pub(super) struct Group {
    numbered: Arc<Numbered>,
    engines: Engines,
    access: Arc<dyn Access>,
    clock: Arc<dyn Clock>,
    caller: Arc<dyn Fn() -> Caller + Send + Sync>,
    catch_ups: Arc<Semaphore>,
    request_id: Arc<str>,
    state: Mutex<State>,
    /// The state is another one: it opened, it went on, it is over.
    changed: Notify,
    /// Whoever asks where the stream stands does so in turn.
    probing: Arc<Semaphore>,
}

struct State {
    phase: Phase,
    ring: Tape,
    /// The newest event that is known of; the ring may be behind it while it fills.
    head: i64,
    shards: Vec<Arc<Shard>>,
    segments: Vec<Arc<Segment>>,
    /// A question where the stream stands that was not asked yet.
    probe: Option<Arc<Probe>>,
    seats: usize,
    /// Several were there at a time: others may come back for it.
    lasting: bool,
    empty_since: Instant,
}

enum Phase {
    Opening,
    Live,
    Over(Reply),
}

impl Group {
    fn upstream(&self, after: Option<i64>) -> Upstream {
        Upstream::new(
            self.engines.clone(),
            self.numbered.clone(),
            (self.caller)(),
            after,
            self.request_id.clone(),
        )
    }

    /// Follows the upstream until nobody is there, which `left` tells, or it is over.
    async fn run(self: &Arc<Self>, mut upstream: Upstream, mut left: impl FnMut() -> bool) {
        let mut tick = tokio::time::interval(IDLE / 12);
        loop {
            let item = tokio::select! {
                item = upstream.next() => item,
                _ = tick.tick() => {
                    if left() {
                        return;
                    }
                    self.state().segments.retain(|segment| segment.is_fresh());
                    continue;
                }
            };
            if let Err(reply) = self.hold().await {
                return self.end(&reply);
            }
            match item {
                Item::Head(head) => self.begin(head),
                Item::Events(events) => self.publish(&events).await,
                Item::Reset(seen) => self.publish_reset(seen).await,
                // A shared stream has no viewer.
                Item::Aside(_) => {}
                Item::Refused(reply) => return self.end(&reply),
            }
        }
    }

    /// Holds back what would be shown until it is known who may see it.
    ///
    /// # Errors
    /// What clients are told when that takes too long.
    async fn hold(&self) -> Result<(), Reply> {
        let changes = self.access.changes();
        if changes.is_fresh() {
            return Ok(());
        }
        if timeout(HOLD, changes.fresh()).await.is_err() {
            let late = ApiError::new(Code::Unavailable, "access cannot be checked in time, try again");
            return Err(Reply::refusal(late, &self.request_id));
        }
        sleep(SETTLE).await;
        Ok(())
    }

    fn begin(&self, head: i64) {
        let mut state = self.state();
        state.phase = Phase::Live;
        state.ring = Tape::at(head);
        state.head = head;
        drop(state);
        self.changed.notify_waiters();
    }

    async fn publish(&self, events: &[Seen]) {
        let Some(last) = events.last().map(|seen| seen.seq) else {
            return;
        };
        let shards = {
            let mut state = self.state();
            for seen in events {
                state.ring.push(seen);
                if seen.rewrites() || seen.partial {
                    // What is deleted is not told again to whoever comes later, nor what was not whole.
                    state.ring.clear();
                    state.segments.clear();
                }
            }
            state.ring.trim();
            state.head = state.head.max(last);
            state.shards.clone()
        };
        let answers: Vec<&[u8]> = events.iter().map(|seen| &seen.json[..]).collect();
        self.deliver(&shards, &answers, Some(events[0].seq - 1), last)
            .await;
    }

    async fn publish_reset(&self, seen: Seen) {
        let shards = {
            let mut state = self.state();
            state.ring = Tape::at(seen.seq);
            state.head = seen.seq;
            state.segments.clear();
            state.shards.clone()
        };
        self.deliver(&shards, &[&seen.json], None, seen.seq).await;
    }

    async fn deliver(&self, shards: &[Arc<Shard>], answers: &[&[u8]], before: Option<i64>, last: i64) {
        let mut stencil = Stencil::new(answers);
        for shard in shards {
            for behind in shard.write(&mut stencil, answers, before, last) {
                behind.refuse(&self.request_id);
            }
            // Thousands of writes: others have a turn in between.
            tokio::task::yield_now().await;
        }
        self.changed.notify_waiters();
    }

    /// Tells everybody that it is over, if it is not already.
    fn end(&self, reply: &Reply) {
        let shards = {
            let mut state = self.state();
            if matches!(state.phase, Phase::Over(_)) {
                return;
            }
            state.phase = Phase::Over(reply.clone());
            std::mem::take(&mut state.shards)
        };
        for shard in shards {
            for line in shard.empty() {
                line.refuse(reply);
            }
        }
        self.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Group").finish_non_exhaustive()
    }
}
