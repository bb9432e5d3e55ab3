//! Time and ids, injected so that tests own both.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use std::sync::{
    Mutex,
    atomic::{AtomicI64, Ordering},
};
use uuid::{ContextV7, Timestamp, Uuid};

/// Where a process gets its time and its ids from.
pub trait Clock: Send + Sync + 'static {
    /// Now, in whole milliseconds.
    fn now(&self) -> DateTime<Utc>;
    /// A UUIDv7 of now, above every other this clock gave in the same millisecond.
    fn new_id(&self) -> Uuid;
    /// Whether it is moved by hand, so that other clocks have to follow it.
    fn by_hand(&self) -> bool {
        false
    }
    /// A UUIDv7 of another time, for history that is imported.
    fn id_at(&self, at: DateTime<Utc>) -> Uuid {
        let seconds = u64::try_from(at.timestamp()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(
            uuid::NoContext,
            seconds,
            at.timestamp_subsec_nanos(),
        ))
    }
}

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock(Ids);

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the clock that the ban points to"
        )]
        Utc::now().trunc_subsecs(3)
    }

    fn new_id(&self) -> Uuid {
        self.0.at(self.now())
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    milliseconds: AtomicI64,
    ids: Ids,
}

impl ManualClock {
    /// A clock that shows `at`.
    pub fn new(at: DateTime<Utc>) -> Self {
        Self {
            milliseconds: AtomicI64::new(at.timestamp_millis()),
            ids: Ids::default(),
        }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: TimeDelta) {
        self.milliseconds
            .fetch_add(by.num_milliseconds(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.milliseconds.load(Ordering::SeqCst))
            .expect("the clock started at a valid time and moves by steps of tests")
    }

    fn by_hand(&self) -> bool {
        true
    }

    fn new_id(&self) -> Uuid {
        self.ids.at(self.now())
    }
}

/// Keeps ids of one millisecond in order.
#[derive(Debug)]
struct Ids(Mutex<ContextV7>);

impl Default for Ids {
    fn default() -> Self {
        Self(Mutex::new(ContextV7::new()))
    }
}

impl Ids {
    fn at(&self, now: DateTime<Utc>) -> Uuid {
        let context = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(
            &*context,
            seconds,
            now.timestamp_subsec_nanos(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_instant_rise() {
        let clock = ManualClock::new(DateTime::from_timestamp_millis(1_700_000_000_000).unwrap());
        let ids: Vec<Uuid> = (0..1000).map(|_| clock.new_id()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        clock.advance(TimeDelta::milliseconds(1));
        assert!(clock.new_id() > ids[999]);
    }

    #[test]
    fn time_has_whole_milliseconds() {
        assert_eq!(SystemClock::default().now().timestamp_subsec_micros() % 1000, 0);
    }
}
