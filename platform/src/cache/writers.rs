//! Who writes one key right now: the bookkeeping of tombstones, for every layer that has them.
//!
//! Pure: no clock, no lock, no value. [`super`] has the rule this serves.

use super::Writer;
use chrono::{DateTime, Utc};

/// The standing tombstones of one key.
#[derive(Debug, Default)]
pub(crate) struct Writers {
    standing: Vec<(Writer, DateTime<Utc>)>,
    /// Two writers overlapped, or somebody wrote without a tombstone, while one of these stood.
    mixed: bool,
}

impl Writers {
    /// A tombstone is placed, or renewed.
    pub(crate) fn enter(&mut self, writer: Writer, until: DateTime<Utc>, now: DateTime<Utc>) {
        self.expire(now);
        if let Some(own) = self.standing.iter_mut().find(|(other, _)| *other == writer) {
            own.1 = until;
            return;
        }
        self.mixed |= !self.standing.is_empty();
        self.standing.push((writer, until));
    }

    /// A tombstone is taken down. True when its writer was alone all the time, so that its value is
    /// the row's last.
    pub(crate) fn leave(&mut self, writer: Writer, now: DateTime<Utc>) -> bool {
        self.expire(now);
        let Some(own) = self.standing.iter().position(|(other, _)| *other == writer) else {
            self.disturb();
            return false;
        };
        self.standing.swap_remove(own);
        let alone = self.standing.is_empty() && !self.mixed;
        self.expire(now);
        alone
    }

    /// Somebody wrote without a tombstone: none of the standing writers knows the last value.
    pub(crate) fn disturb(&mut self) {
        self.mixed |= !self.standing.is_empty();
    }

    /// Whether a tombstone stands.
    pub(crate) fn any(&mut self, now: DateTime<Utc>) -> bool {
        self.expire(now);
        !self.standing.is_empty()
    }

    fn expire(&mut self, now: DateTime<Utc>) {
        self.standing.retain(|(_, until)| *until > now);
        self.mixed &= !self.standing.is_empty();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn alone_may_leave_its_value() {
        let (mut writers, a) = (Writers::default(), Writer::random());
        writers.enter(a, at(10), at(0));
        assert!(writers.any(at(9)));
        assert!(writers.leave(a, at(9)));
        assert!(!writers.any(at(9)));
    }

    #[test]
    fn overlapping_writers_leave_nothing_in_either_order() {
        for first_to_leave in [0, 1] {
            let (mut writers, pair) = (Writers::default(), [Writer::random(), Writer::random()]);
            writers.enter(pair[0], at(10), at(0));
            writers.enter(pair[1], at(11), at(1));
            assert!(!writers.leave(pair[first_to_leave], at(2)));
            assert!(!writers.leave(pair[1 - first_to_leave], at(3)));
            let next = Writer::random();
            writers.enter(next, at(14), at(4));
            assert!(writers.leave(next, at(5)), "the key is clean again");
        }
    }

    #[test]
    fn a_writer_that_died_beside_another_spoils_it_even_after_expiry() {
        let (mut writers, dead, slow) = (Writers::default(), Writer::random(), Writer::random());
        writers.enter(dead, at(10), at(0));
        writers.enter(slow, at(15), at(5));
        assert!(
            !writers.leave(slow, at(11)),
            "the dead one may have committed last"
        );
    }

    #[test]
    fn a_writer_that_expired_before_does_not_spoil_the_next() {
        let (mut writers, dead, next) = (Writers::default(), Writer::random(), Writer::random());
        writers.enter(dead, at(10), at(0));
        writers.enter(next, at(20), at(10));
        assert!(writers.leave(next, at(11)));
    }

    #[test]
    fn an_expired_or_unknown_token_leaves_nothing_and_spoils_the_standing_one() {
        let (mut writers, late, other) = (Writers::default(), Writer::random(), Writer::random());
        writers.enter(late, at(10), at(0));
        writers.enter(other, at(21), at(11));
        assert!(!writers.leave(late, at(12)));
        assert!(!writers.leave(other, at(13)));
    }

    #[test]
    fn a_renewed_tombstone_is_one_tombstone() {
        let (mut writers, a) = (Writers::default(), Writer::random());
        writers.enter(a, at(10), at(0));
        writers.enter(a, at(18), at(8));
        assert!(writers.any(at(17)));
        assert!(writers.leave(a, at(17)));
    }
}
