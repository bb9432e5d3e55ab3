//! Everybody who follows the same: one upstream, executed once, encoded once, and a frame for each.
//!
//! Whoever joins is brought up to date by its own task, piece by piece, from the ring or from what a
//! catch-up reads ([`super::catch_up`]); at the exact number where nothing is missing it takes its place
//! under the lock that events are added under, so that none is missed and none comes twice. Then events
//! are written to it by the group.

mod members;
mod probe;
mod registry;

pub(super) use self::registry::{Groups, Shared};

use self::{
    members::{Seat, Shard},
    probe::Probe,
};
use super::{
    catch_up::{Pieces, Segment},
    client::Line,
    engines::Engines,
    frame::Stencil,
    outlet::Refused,
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
/// How long an upstream and its ring outlive the last client.
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
    empty_since: Instant,
}

enum Phase {
    Opening,
    Live,
    Over(Reply),
}

/// How far somebody who joins has come.
struct Progress {
    at: Option<i64>,
    /// Whether the head that we know is younger than its request.
    fresh: bool,
    greeted: bool,
}

enum Step {
    Wait,
    /// Ask where the stream stands.
    Ask,
    /// Send this, then the position is that.
    Send(Vec<u8>, i64),
    CatchUp(i64),
    Joined,
    Gone,
    Over(Reply),
}

impl Group {
    /// Brings a client up to date and gives it its place, which it has until the seat is dropped.
    ///
    /// # Errors
    /// What the client is told when that is not possible.
    async fn join(self: &Arc<Self>, mut seat: Seat, line: &Line, after: Option<i64>) -> Result<Seat, Reply> {
        let mut progress = Progress {
            at: after,
            fresh: seat.founds(),
            greeted: false,
        };
        loop {
            let changed = self.changed.notified();
            match self.step(&mut seat, line, &mut progress) {
                Step::Joined => return Ok(seat),
                Step::Over(reply) => return Err(reply),
                Step::Gone => return std::future::pending().await,
                Step::Wait => changed.await,
                Step::Ask => {
                    self.ask_head().await?;
                    progress.fresh = true;
                }
                Step::Send(frames, at) => {
                    self.put(line, &frames).await;
                    progress.at = Some(at);
                }
                Step::CatchUp(at) => progress.at = Some(self.catch_up(line, at).await?),
            }
        }
    }

    fn step(&self, seat: &mut Seat, line: &Line, progress: &mut Progress) -> Step {
        let mut state = self.state();
        match &state.phase {
            Phase::Opening => return Step::Wait,
            Phase::Over(reply) => return Step::Over(reply.clone()),
            Phase::Live => {}
        }
        // What somebody was told of before they came counts as known to them.
        if !progress.fresh && progress.at.is_none_or(|at| at > state.head) {
            return Step::Ask;
        }
        let at = progress.at.unwrap_or(state.head);
        if !progress.greeted {
            progress.greeted = true;
            let head = self.numbered.head_answer(state.head, self.clock.now());
            return Step::Send(Stencil::new(&[&head]).with(line.id()).to_vec(), at);
        }
        if !state.ring.covers(at) {
            // The ring is on its way there, or the client knows more than we do.
            let on_its_way = (state.ring.last()..=state.head).contains(&at);
            return if on_its_way { Step::Wait } else { Step::CatchUp(at) };
        }
        let piece = state.ring.piece(at);
        let frames = frames(line, &piece.answers);
        if piece.upto < state.ring.last() {
            return Step::Send(frames, piece.upto);
        }
        match line.send(&frames) {
            Ok(()) => {
                seat.take(&mut state.shards, line.clone(), piece.upto);
                Step::Joined
            }
            Err(Refused::Full) => Step::Send(frames, piece.upto),
            Err(Refused::Gone) => Step::Gone,
        }
    }

    /// Sends frames as soon as there is room; whoever is gone never gets further.
    async fn put(&self, line: &Line, frames: &[u8]) {
        if line.send_when_room(frames).await.is_err() {
            std::future::pending().await
        }
    }

    /// Gives a client what lies before the ring, as far as one reading goes; the position after it.
    async fn catch_up(self: &Arc<Self>, line: &Line, mut at: i64) -> Result<i64, Reply> {
        let segment = self.segment(at);
        loop {
            match segment.after(at).await {
                Pieces::Piece(piece) => {
                    self.put(line, &frames(line, &piece.answers)).await;
                    at = piece.upto;
                }
                Pieces::Reset(seen) => {
                    self.put(line, &frames(line, &[seen.json])).await;
                    return Ok(seen.seq);
                }
                Pieces::Done => return Ok(at),
                Pieces::Refused(reply) => return Err(reply),
            }
        }
    }

    /// Learns where the stream stands now.
    async fn ask_head(self: &Arc<Self>) -> Result<(), Reply> {
        let probe = {
            let mut state = self.state();
            state.probe.get_or_insert_with(|| Probe::of(self)).clone()
        };
        probe.answer().await
    }

    fn upstream(&self, after: Option<i64>) -> Upstream {
        Upstream::new(
            self.engines.clone(),
            self.numbered.clone(),
            (self.caller)(),
            after,
            self.request_id.clone(),
        )
    }

    /// The reading that has this position, or a new one.
    fn segment(self: &Arc<Self>, at: i64) -> Arc<Segment> {
        let mut state = self.state();
        state.segments.retain(|segment| segment.is_fresh());
        if let Some(segment) = state.segments.iter().find(|segment| segment.covers(at)) {
            return segment.clone();
        }
        let upstream = self.upstream(Some(at));
        let group = Arc::downgrade(self);
        let enough = move |at: i64, head: i64| {
            let Some(group) = group.upgrade() else { return true };
            let mut state = group.state();
            state.head = state.head.max(head);
            at >= state.ring.floor()
        };
        let segment = Segment::read(upstream, at, self.catch_ups.clone(), enough);
        state.segments.push(segment.clone());
        segment
    }

    /// Follows the upstream until nobody is there, which `left` tells, or it is over.
    async fn run(
        self: &Arc<Self>,
        mut upstream: Upstream,
        after: Option<i64>,
        mut left: impl FnMut() -> bool,
    ) {
        let mut tick = tokio::time::interval(IDLE / 12);
        loop {
            let item = tokio::select! {
                item = upstream.next() => item,
                _ = tick.tick() => if left() { return } else { continue },
            };
            if !self.access.changes().is_fresh() && !self.heard_again().await {
                let late = "access cannot be checked in time, try again";
                let error = ApiError::new(Code::Unavailable, late);
                return self.end(&Reply::refusal(error, &self.request_id));
            }
            match item {
                Item::Head(head) => self.begin(after.unwrap_or(head), head),
                Item::Events(events) => self.publish(&events).await,
                Item::Reset(seen) => self.publish_reset(seen).await,
                // A shared stream has no viewer.
                Item::Aside(_) => {}
                Item::Refused(reply) => return self.end(&reply),
            }
        }
    }

    /// Holds back what would be shown until it is known again who may see it.
    async fn heard_again(&self) -> bool {
        let heard = timeout(HOLD, self.access.changes().fresh()).await.is_ok();
        if heard {
            sleep(SETTLE).await;
        }
        heard
    }

    fn begin(&self, floor: i64, head: i64) {
        let mut state = self.state();
        state.phase = Phase::Live;
        state.ring = Tape::at(floor);
        state.head = head.max(floor);
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
                if seen.rewrites() {
                    // What is deleted is not told again to whoever comes later.
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

    /// Tells everybody that it is over.
    fn end(&self, reply: &Reply) {
        let shards = {
            let mut state = self.state();
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

fn frames(line: &Line, answers: &[bytes::Bytes]) -> Vec<u8> {
    let answers: Vec<&[u8]> = answers.iter().map(|answer| &answer[..]).collect();
    Stencil::new(&answers).with(line.id()).to_vec()
}
