//! Background tasks: the one place that may call `tokio::spawn`.

use crate::telemetry::span;
use tokio::task::JoinHandle;
use tracing::Instrument;

/// Runs a future on its own task, inside the caller's tracing span: a part of what the caller does.
///
/// A panic ends that task alone; it comes back from the handle, and [`crate::telemetry`] logs it.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the wrapper that the ban points to"
    )]
    tokio::spawn(future.in_current_span())
}

/// Runs a future on its own task, in no request: work that goes on when the caller has its answer. The
/// name is in each line of its log.
pub fn background<F>(name: &'static str, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the wrapper that the ban points to"
    )]
    tokio::spawn(future.instrument(span::task(name)))
}

/// A task that ends when this is dropped.
#[derive(Debug)]
pub struct Guard(JoinHandle<()>);

impl Guard {
    /// Runs a future until it ends or the guard is dropped; a part of what the caller does.
    pub fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(spawn(future))
    }

    /// The same as [`background`] work.
    pub fn background(name: &'static str, future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(background(name, future))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}
