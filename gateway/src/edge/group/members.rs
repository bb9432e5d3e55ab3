//! Who gets a group's events, in blocks: a lock is held for one block's writes only.

use super::{Group, SHARD};
use crate::{
    edge::{client::Line, frame::Stencil, meter, outlet::Refused},
    reply::Reply,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::time::Instant;

/// A block of clients.
#[derive(Debug, Default)]
pub(super) struct Shard(Mutex<Block>);

#[derive(Debug, Default)]
struct Block {
    members: BTreeMap<u64, Member>,
    numbers: u64,
}

#[derive(Debug)]
struct Member {
    line: Line,
    /// The last event it has.
    upto: i64,
}

/// Somebody for whom too much waits.
pub(super) struct Behind {
    line: Line,
    upto: i64,
}

impl Behind {
    /// Tells it from where to go on.
    pub(super) fn refuse(&self, request_id: &str) {
        meter::lagged();
        self.line.lag(self.upto, request_id);
    }
}

impl Shard {
    /// Writes answers up to `last` to everybody who does not have them; who has not the one `before`
    /// either has joined with more. Gives those who are taken out because they do not keep up.
    pub(super) fn write(
        &self,
        stencil: &mut Stencil<'_>,
        answers: &[&[u8]],
        before: Option<i64>,
        last: i64,
    ) -> Vec<Behind> {
        let mut block = self.block();
        let (mut behind, mut delivered) = (Vec::new(), 0);
        block.members.retain(|_, member| {
            let known = before.map_or(0, |before| (member.upto - before).max(0));
            let known = usize::try_from(known).unwrap_or(usize::MAX).min(answers.len());
            let sent = if known == 0 {
                member.line.send(stencil.with(member.line.id()))
            } else if known == answers.len() {
                return true;
            } else {
                let rest = Stencil::new(&answers[known..]).with(member.line.id()).to_vec();
                member.line.send(&rest)
            };
            match sent {
                Ok(()) => {
                    delivered += answers.len() - known;
                    member.upto = last;
                    true
                }
                Err(Refused::Full) => {
                    behind.push(Behind {
                        line: member.line.clone(),
                        upto: member.upto,
                    });
                    false
                }
                Err(Refused::Gone) => false,
            }
        });
        meter::delivered(delivered);
        behind
    }

    /// Takes everybody out.
    pub(super) fn empty(&self) -> Vec<Line> {
        let members = std::mem::take(&mut self.block().members);
        members.into_values().map(|member| member.line).collect()
    }

    fn block(&self) -> MutexGuard<'_, Block> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody's part in a group, from when they wish to join; dropping it leaves.
#[derive(Debug)]
pub(crate) struct Seat {
    group: Arc<Group>,
    /// Whether the group was opened for it.
    founds: bool,
    place: Option<(Arc<Shard>, u64)>,
}

impl Seat {
    pub(super) fn new(group: Arc<Group>, founds: bool) -> Self {
        {
            let mut state = group.state();
            state.seats += 1;
            state.lasting |= state.seats > 1;
        }
        Self {
            group,
            founds,
            place: None,
        }
    }

    pub(super) fn founds(&self) -> bool {
        self.founds
    }

    /// Brings the client up to date; from then on the group writes to it, until the seat is dropped.
    ///
    /// # Errors
    /// What the client is told when that is not possible.
    pub(in crate::edge) async fn join(self, line: &Line, after: Option<i64>) -> Result<Self, Reply> {
        let group = self.group.clone();
        group.join(self, line, after).await
    }

    /// Takes a place in the first block that has one.
    pub(super) fn take(&mut self, shards: &mut Vec<Arc<Shard>>, line: Line, upto: i64) {
        let free = shards
            .iter()
            .find(|shard| shard.block().members.len() < SHARD)
            .cloned();
        let shard = free.unwrap_or_else(|| {
            let shard = Arc::<Shard>::default();
            shards.push(shard.clone());
            shard
        });
        let number = {
            let mut block = shard.block();
            block.numbers += 1;
            let number = block.numbers;
            block.members.insert(number, Member { line, upto });
            number
        };
        self.place = Some((shard, number));
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some((shard, number)) = self.place.take() {
            let member = shard.block().members.remove(&number);
            // Its end may want the lock.
            drop(member);
        }
        let mut state = self.group.state();
        state.seats -= 1;
        if state.seats == 0 {
            state.empty_since = Instant::now();
        }
    }
}
