//! A circuit breaker: after the first slow or failed call nobody waits for a line that is away.
//!
//! While it is open every call fails at once. A task asks the line once a second, and closes it after the
//! first answer in time. What the calls say is not known here.

use crate::{task, telemetry::span};
use futures_util::future::BoxFuture;
use metrics::{Counter, Gauge, counter, gauge};
use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tracing::Instrument;

/// How often a line that is out is asked whether it is back.
const PROBE: Duration = Duration::from_secs(1);

/// Asks a line whether it works.
pub(super) type Probe = Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// See the module's text.
pub(super) struct Breaker {
    name: &'static str,
    /// How long a call may take.
    patience: Duration,
    open: AtomicBool,
    probe: Probe,
    gauge: Gauge,
    trips: Counter,
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The line is out; nothing was sent.
    #[error("Redis is taken out until it answers again")]
    Out,
    /// There was no answer in time. The call may still take effect.
    #[error("Redis did not answer in time")]
    TimedOut,
    /// The line or the server failed. The call may have taken effect.
    #[error(transparent)]
    Failed(Box<dyn Error + Send + Sync>),
}

impl Breaker {
    pub(super) fn new(name: &'static str, patience: Duration, probe: Probe) -> Arc<Self> {
        let gauge = gauge!("commons_redis_out", "line" => name);
        gauge.set(0.0);
        Arc::new(Self {
            name,
            patience,
            open: AtomicBool::new(false),
            probe,
            gauge,
            trips: counter!("commons_redis_trips_total", "line" => name),
        })
    }

    /// Makes a call, unless the line is out. Takes the line out when the call is slow or fails.
    pub(super) async fn call<T, E: Into<Box<dyn Error + Send + Sync>>>(
        self: &Arc<Self>,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, CallError> {
        if self.open.load(Ordering::Acquire) {
            return Err(CallError::Out);
        }
        let error = match tokio::time::timeout(self.patience, call.instrument(span::redis(self.name))).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => CallError::Failed(error.into()),
            Err(_) => CallError::TimedOut,
        };
        self.trip(&error);
        Err(error)
    }

    fn trip(self: &Arc<Self>, error: &CallError) {
        if self.open.swap(true, Ordering::AcqRel) {
            return;
        }
        tracing::warn!(%error, line = self.name, "Redis is taken out");
        self.gauge.set(1.0);
        self.trips.increment(1);
        let breaker = Arc::downgrade(self);
        task::background("redis probe", async move {
            loop {
                tokio::time::sleep(PROBE).await;
                let Some(breaker) = breaker.upgrade() else { return };
                let answered = tokio::time::timeout(breaker.patience, (breaker.probe)()).await;
                if answered == Ok(true) {
                    tracing::info!(line = breaker.name, "Redis is back");
                    breaker.gauge.set(0.0);
                    breaker.open.store(false, Ordering::Release);
                    return;
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{convert::Infallible, sync::atomic::AtomicUsize};

    const PATIENCE: Duration = Duration::from_millis(250);

    /// A breaker whose line answers a probe when it is up, and how often it was probed.
    fn breaker() -> (Arc<Breaker>, Arc<AtomicBool>, Arc<AtomicUsize>) {
        let (up, probes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (seen, counted) = (up.clone(), probes.clone());
        let probe: Probe = Box::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            let up = seen.load(Ordering::SeqCst);
            Box::pin(async move { up })
        });
        (Breaker::new("test", PATIENCE, probe), up, probes)
    }

    async fn answers(breaker: &Arc<Breaker>) -> Result<u8, CallError> {
        breaker.call(async { Ok::<_, Infallible>(1) }).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_call_takes_the_line_out_until_a_probe_succeeds() {
        let (breaker, up, probes) = breaker();
        assert_eq!(answers(&breaker).await.unwrap(), 1);
        let begun = tokio::time::Instant::now();
        let never = breaker.call(std::future::pending::<Result<u8, Infallible>>());
        assert!(matches!(never.await, Err(CallError::TimedOut)));
        assert_eq!(begun.elapsed(), PATIENCE);
        for seconds in 1..4 {
            assert!(matches!(answers(&breaker).await, Err(CallError::Out)));
            tokio::time::sleep(PROBE).await;
            tokio::task::yield_now().await;
            assert_eq!(probes.load(Ordering::SeqCst), seconds, "one probe a second");
        }
        up.store(true, Ordering::SeqCst);
        tokio::time::sleep(PROBE * 2).await;
        assert_eq!(answers(&breaker).await.unwrap(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_call_takes_the_line_out_once_however_many_fail() {
        let (breaker, _, probes) = breaker();
        let fail = || breaker.call(async { Err::<u8, _>("broken") });
        let (one, two) = tokio::join!(fail(), fail());
        assert!(matches!(one, Err(CallError::Failed(_))));
        assert!(matches!(two, Err(CallError::Out)));
        tokio::time::sleep(PROBE + PATIENCE).await;
        assert_eq!(probes.load(Ordering::SeqCst), 1);
    }
}
