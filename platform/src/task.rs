//! Background tasks: the one place that may call `tokio::spawn`.

use tokio::task::JoinHandle;
use tracing::Instrument;

/// Runs a future on its own task, inside the caller's tracing span.
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

/// A task that ends when this is dropped.
#[derive(Debug)]
pub struct Guard(JoinHandle<()>);

impl Guard {
    /// Runs a future until it ends or the guard is dropped.
    pub fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(spawn(future))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}
