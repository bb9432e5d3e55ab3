//! Rate limits: a token bucket a key on the injected clock, bounded in memory.

use crate::{ApiError, clock::Clock};
use chrono::{DateTime, Utc};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

const KEYS: u64 = 100_000;

/// How many at once, and how fast they come back.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    /// Requests in `per`, and at most at once.
    pub requests: u32,
    /// The time in which they come back.
    pub per: Duration,
}

/// A limiter; cheap to clone.
#[derive(Clone)]
pub struct Limiter {
    quota: Quota,
    clock: Arc<dyn Clock>,
    buckets: moka::sync::Cache<String, Arc<Mutex<Bucket>>>,
}

impl std::fmt::Debug for Limiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limiter")
            .field("quota", &self.quota)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: DateTime<Utc>,
}

impl Limiter {
    /// A limiter of full buckets.
    pub fn new(quota: Quota, clock: Arc<dyn Clock>) -> Self {
        let buckets = moka::sync::Cache::builder()
            .max_capacity(KEYS)
            .time_to_idle(quota.per * 2)
            .build();
        Self {
            quota,
            clock,
            buckets,
        }
    }

    /// Takes one from the bucket of `key`.
    ///
    /// # Errors
    /// `RATE_LIMITED` with the time until the next one, when the bucket is empty.
    pub fn check(&self, key: &str) -> Result<(), ApiError> {
        let now = self.clock.now();
        let full = f64::from(self.quota.requests);
        let per_second = full / self.quota.per.as_secs_f64();
        let bucket = self.buckets.get_with_by_ref(key, || {
            Arc::new(Mutex::new(Bucket {
                tokens: full,
                at: now,
            }))
        });
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = (now - bucket.at).to_std().unwrap_or_default();
        bucket.tokens = full.min(bucket.tokens + passed.as_secs_f64() * per_second);
        bucket.at = now;
        if bucket.tokens < 1.0 {
            let wait = Duration::from_secs_f64((1.0 - bucket.tokens) / per_second);
            return Err(ApiError::rate_limited(wait));
        }
        bucket.tokens -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use chrono::TimeDelta;

    #[test]
    fn a_bucket_empties_and_refills() {
        let clock = Arc::new(ManualClock::new(DateTime::from_timestamp_millis(0).unwrap()));
        let limiter = Limiter::new(
            Quota {
                requests: 2,
                per: Duration::from_secs(10),
            },
            clock.clone(),
        );
        assert!(limiter.check("a").is_ok());
        assert!(limiter.check("a").is_ok());
        assert!(limiter.check("a").is_err());
        assert!(limiter.check("b").is_ok());
        clock.advance(TimeDelta::seconds(5));
        assert!(limiter.check("a").is_ok());
        assert!(limiter.check("a").is_err());
    }
}
