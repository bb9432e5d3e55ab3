//! How a client comes in: it is brought up to date by its own task, piece by piece, from the ring or from
//! what a catch-up reads, and takes its place at the exact number where nothing is missing.

use super::{Group, Phase, members::Seat, probe::Probe};
use crate::{
    edge::{
        catch_up::{Pieces, Segment},
        client::Line,
        frame::Stencil,
        meter,
        outlet::Refused,
    },
    reply::Reply,
};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// How long a client may take until there is room for the next piece.
const SLOW: Duration = Duration::from_secs(30);

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
    /// Send so many answers, then the position is that.
    Send(Vec<u8>, usize, i64),
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
    pub(super) async fn join(
        self: &Arc<Self>,
        mut seat: Seat,
        line: &Line,
        after: Option<i64>,
    ) -> Result<Seat, Reply> {
        let mut progress = Progress {
            at: after,
            fresh: seat.founds(),
            greeted: false,
        };
        loop {
            self.hold().await?;
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
                Step::Send(frames, count, at) => {
                    let known = progress.at.unwrap_or(at);
                    self.put(line, &frames, known).await?;
                    meter::delivered(count);
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
            return Step::Send(Stencil::new(&[&head]).with(line.id()).to_vec(), 1, at);
        }
        if !state.ring.covers(at) {
            // The ring is on its way there, or the client knows more than we do.
            let on_its_way = (state.ring.last()..=state.head).contains(&at);
            return if on_its_way { Step::Wait } else { Step::CatchUp(at) };
        }
        let piece = state.ring.piece(at);
        let (frames, count) = (frames(line, &piece.answers), piece.answers.len());
        if piece.upto < state.ring.last() {
            return Step::Send(frames, count, piece.upto);
        }
        match line.send(&frames) {
            Ok(()) => {
                meter::delivered(count);
                seat.take(&mut state.shards, line.clone(), piece.upto);
                Step::Joined
            }
            Err(Refused::Full) => Step::Send(frames, count, piece.upto),
            Err(Refused::Gone) => Step::Gone,
        }
    }

    /// Sends frames as soon as there is room; whoever does not make any is behind after `upto`, and whoever
    /// is gone never gets further.
    async fn put(&self, line: &Line, frames: &[u8], upto: i64) -> Result<(), Reply> {
        match timeout(SLOW, line.send_when_room(frames)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_gone)) => std::future::pending().await,
            Err(_) => {
                meter::lagged();
                Err(Reply::lagged(upto, &self.request_id))
            }
        }
    }

    /// Gives a client what lies before the ring, as far as one reading goes; the position after it.
    async fn catch_up(self: &Arc<Self>, line: &Line, mut at: i64) -> Result<i64, Reply> {
        let segment = self.segment(at);
        loop {
            match segment.after(at).await {
                Pieces::Piece(piece) => {
                    self.hold().await?;
                    self.put(line, &frames(line, &piece.answers), at).await?;
                    meter::delivered(piece.answers.len());
                    at = piece.upto;
                }
                Pieces::Reset(seen) => {
                    self.put(line, &frames(line, &[seen.json]), at).await?;
                    meter::delivered(1);
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
}

fn frames(line: &Line, answers: &[Bytes]) -> Vec<u8> {
    let answers: Vec<&[u8]> = answers.iter().map(|answer| &answer[..]).collect();
    Stencil::new(&answers).with(line.id()).to_vec()
}
