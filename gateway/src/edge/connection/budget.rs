//! How many operations a socket may start: many at once, fewer in the long run.

use commons_platform::ApiError;
use std::time::Duration;
use tokio::time::Instant;

/// How many at once: a client that comes back follows all its channels again.
const BURST: f64 = 200.0;
/// How many a second in the long run.
const RATE: f64 = 100.0;

/// What is left of it.
#[derive(Debug)]
pub(super) struct Budget {
    left: f64,
    at: Instant,
}

impl Budget {
    pub(super) fn full() -> Self {
        Self {
            left: BURST,
            at: Instant::now(),
        }
    }

    /// Takes one.
    ///
    /// # Errors
    /// `RATE_LIMITED` with the time until the next.
    pub(super) fn spend(&mut self) -> Result<(), ApiError> {
        let now = Instant::now();
        self.left = (self.left + (now - self.at).as_secs_f64() * RATE).min(BURST);
        self.at = now;
        if self.left < 1.0 {
            return Err(ApiError::rate_limited(Duration::from_secs(1)));
        }
        self.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn many_at_once_then_so_many_a_second() {
        let mut budget = Budget::full();
        let spent = |budget: &mut Budget| std::iter::from_fn(|| budget.spend().ok()).count();
        assert_eq!(spent(&mut budget), 200);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(spent(&mut budget), 100);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(spent(&mut budget), 200);
    }
}
