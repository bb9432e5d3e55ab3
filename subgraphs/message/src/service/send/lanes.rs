//! Sends that wait, by channel: who may write which of them down next.
//!
//! A channel is with one writer at a time, so its sends keep their order; writers take different
//! channels. A channel whose stream another process holds rests for a moment, and after three times is
//! handed to a patient writer, who waits for it alone while the others go on. Pure bookkeeping: no
//! clock of its own, no database.

use commons_entities::ChannelId;
use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};
use tokio::time::Instant;

/// How many sends wait at most; one more is refused.
pub(super) const WAITING: usize = 4_096;
/// How many go into one transaction.
pub(super) const BATCH: usize = 256;
/// After so many times a channel that is held is waited for.
const PATIENCE: u8 = 3;
/// Between two attempts at a channel that is held: about as long as a transaction takes.
const REST: Duration = Duration::from_millis(2);

/// What a writer does about a channel that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hand {
    /// Skips it.
    Quick,
    /// Waits for it, and does nothing else meanwhile.
    Patient,
}

/// Why a send may not wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Full,
    Closed,
}

/// What a writer takes: sends in the order of acceptance, channel by channel.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken<T> {
    pub(super) channels: Vec<ChannelId>,
    pub(super) sends: Vec<T>,
}

/// All sends that wait.
#[derive(Debug)]
pub(super) struct Lanes<T> {
    /// The channels that have sends, and those that are with a writer.
    lanes: HashMap<ChannelId, Lane<T>>,
    /// For quick writers, the longest waiting first.
    ready: VecDeque<ChannelId>,
    /// Ready again from then on; the earliest first.
    resting: VecDeque<(Instant, ChannelId)>,
    /// For patient writers.
    stuck: VecDeque<ChannelId>,
    /// Patient writers to whom no channel is promised.
    patient: usize,
    waiting: usize,
    open: bool,
}

#[derive(Debug)]
struct Lane<T> {
    sends: VecDeque<T>,
    skips: u8,
}

impl<T> Lanes<T> {
    /// Nothing waits; there are so many patient writers.
    pub(super) fn new(patient: usize) -> Self {
        Self {
            lanes: HashMap::new(),
            ready: VecDeque::new(),
            resting: VecDeque::new(),
            stuck: VecDeque::new(),
            patient,
            waiting: 0,
            open: true,
        }
    }

    /// How many sends wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Takes no more.
    pub(super) fn close(&mut self) {
        self.open = false;
    }

    /// Whether nothing waits, nothing is with a writer, and nothing will come.
    pub(super) fn ended(&self) -> bool {
        !self.open && self.lanes.is_empty()
    }

    /// Whether a quick writer would find something now.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether a patient writer would find something now.
    pub(super) fn has_stuck(&self) -> bool {
        !self.stuck.is_empty()
    }

    /// When the next resting channel is ready.
    pub(super) fn next_ready(&self) -> Option<Instant> {
        self.resting.front().map(|(at, _)| *at)
    }

    /// Puts a send behind those of its channel.
    pub(super) fn push(&mut self, channel: ChannelId, send: T) -> Result<(), Refused> {
        if !self.open {
            return Err(Refused::Closed);
        }
        if self.waiting >= WAITING {
            return Err(Refused::Full);
        }
        self.waiting += 1;
        if let Some(lane) = self.lanes.get_mut(&channel) {
            lane.sends.push_back(send);
            return Ok(());
        }
        let sends = VecDeque::from([send]);
        self.lanes.insert(channel, Lane { sends, skips: 0 });
        self.ready.push_back(channel);
        Ok(())
    }

    /// The next sends for a writer: of many channels for a quick one, of one for a patient one.
    pub(super) fn take(&mut self, hand: Hand, now: Instant) -> Option<Taken<T>> {
        while self.resting.front().is_some_and(|(at, _)| *at <= now) {
            let rested = self.resting.pop_front();
            self.ready.extend(rested.map(|(_, channel)| channel));
        }
        let mut taken = Taken {
            channels: Vec::new(),
            sends: Vec::new(),
        };
        while taken.sends.len() < BATCH {
            let next = match hand {
                Hand::Quick => self.ready.pop_front(),
                Hand::Patient if taken.channels.is_empty() => self.stuck.pop_front(),
                Hand::Patient => None,
            };
            let Some(channel) = next else { break };
            let lane = self.lanes.get_mut(&channel).expect("who is in a list has a lane");
            let count = lane.sends.len().min(BATCH - taken.sends.len());
            self.waiting -= count;
            taken.sends.extend(lane.sends.drain(..count));
            taken.channels.push(channel);
        }
        (!taken.channels.is_empty()).then_some(taken)
    }

    /// A writer is done with its channels; `held` comes back, in order, to be taken again.
    pub(super) fn give_back(
        &mut self,
        hand: Hand,
        channels: &[ChannelId],
        held: Vec<(ChannelId, T)>,
        now: Instant,
    ) {
        if hand == Hand::Patient {
            self.patient += 1;
        }
        let mut again = HashMap::<ChannelId, Vec<T>>::new();
        for (channel, send) in held {
            again.entry(channel).or_default().push(send);
        }
        for channel in channels {
            let again = again.remove(channel);
            let lane = self.lanes.get_mut(channel).expect("it was taken from here");
            match again {
                None if lane.sends.is_empty() => {
                    self.lanes.remove(channel);
                }
                None => {
                    lane.skips = 0;
                    self.ready.push_back(*channel);
                }
                Some(again) => {
                    self.waiting += again.len();
                    for send in again.into_iter().rev() {
                        lane.sends.push_front(send);
                    }
                    lane.skips = lane.skips.saturating_add(1);
                    if lane.skips >= PATIENCE && self.patient > 0 {
                        self.patient -= 1;
                        self.stuck.push_back(*channel);
                    } else {
                        self.resting.push_back((now + REST, *channel));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
