//! Events in a row as clients get them: the ring of a live stream, and pieces of what lies before it.

use super::shape::Seen;
use bytes::Bytes;
use std::collections::VecDeque;

/// How much a tape holds, in bytes.
pub(super) const MAX_TAPE: usize = 1 << 20;
/// How much of it is given out at a time.
const MAX_PIECE: usize = 64 * 1024;

/// Answers with their numbers, each one more than the one before, all above `floor`.
#[derive(Debug)]
pub(super) struct Tape {
    floor: i64,
    events: VecDeque<Bytes>,
    bytes: usize,
}

/// What follows a position.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) answers: Vec<Bytes>,
    /// The position after it.
    pub(super) upto: i64,
}

impl Tape {
    pub(super) fn at(floor: i64) -> Self {
        Self {
            floor,
            events: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Who knows all up to here can go on from here.
    pub(super) fn floor(&self) -> i64 {
        self.floor
    }

    /// The number of the last event, or the floor.
    pub(super) fn last(&self) -> i64 {
        self.floor + self.events.len() as i64
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= MAX_TAPE
    }

    /// Whether all that follows a position is here.
    pub(super) fn covers(&self, after: i64) -> bool {
        (self.floor..=self.last()).contains(&after)
    }

    /// Adds the event after the last one.
    pub(super) fn push(&mut self, seen: &Seen) {
        debug_assert_eq!(seen.seq, self.last() + 1, "events are dense");
        self.bytes += seen.json.len();
        self.events.push_back(seen.json.clone());
    }

    /// Forgets the oldest while there is too much.
    pub(super) fn trim(&mut self) {
        while self.bytes > MAX_TAPE
            && let Some(oldest) = self.events.pop_front()
        {
            self.bytes -= oldest.len();
            self.floor += 1;
        }
    }

    /// Forgets everything up to the last event.
    pub(super) fn clear(&mut self) {
        *self = Self::at(self.last());
    }

    /// What follows a position that is covered, as much as is given out at a time.
    pub(super) fn piece(&self, after: i64) -> Piece {
        let skipped = usize::try_from(after - self.floor).unwrap_or(usize::MAX);
        let (mut answers, mut size) = (Vec::new(), 0);
        for answer in self.events.iter().skip(skipped) {
            if size > 0 && size + answer.len() > MAX_PIECE {
                break;
            }
            size += answer.len();
            answers.push(answer.clone());
        }
        let upto = after + answers.len() as i64;
        Piece { answers, upto }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tape(from: i64, to: i64, size: usize) -> Tape {
        let mut tape = Tape::at(from);
        for seq in from + 1..=to {
            let json = Bytes::from(format!("{seq:0size$}"));
            tape.push(&Seen::event(seq, json));
        }
        tape
    }

    #[test]
    fn what_follows_a_position_is_given_in_pieces() {
        let tape = tape(10, 210, 1024);
        let (mut at, mut seen) = (12, Vec::new());
        while at < tape.last() {
            let piece = tape.piece(at);
            assert!(piece.answers.len() <= 64);
            seen.extend(piece.answers);
            at = piece.upto;
        }
        let expected: Vec<_> = (13..=210)
            .map(|seq: i64| Bytes::from(format!("{seq:01024}")))
            .collect();
        assert_eq!(seen, expected);
        assert!(tape.piece(210).answers.is_empty());
    }

    #[test]
    fn it_covers_from_its_floor_to_its_last() {
        let mut tape = tape(10, 13, 1);
        let covered: Vec<i64> = (8..16).filter(|after| tape.covers(*after)).collect();
        assert_eq!(covered, [10, 11, 12, 13]);
        tape.clear();
        let covered: Vec<i64> = (8..16).filter(|after| tape.covers(*after)).collect();
        assert_eq!(covered, [13]);
    }

    #[test]
    fn too_much_pushes_out_the_oldest() {
        let mut tape = tape(0, 1100, 1024);
        assert!(tape.is_full());
        tape.trim();
        assert_eq!(tape.last(), 1100);
        assert!(!tape.covers(75) && tape.covers(76));
        let one = tape.piece(1099);
        assert_eq!((one.answers.len(), one.upto), (1, 1100));
    }

    #[test]
    fn a_large_event_is_a_piece_of_its_own() {
        let tape = tape(0, 2, 60_000);
        let piece = tape.piece(0);
        assert_eq!((piece.answers.len(), piece.upto), (1, 1));
    }
}
