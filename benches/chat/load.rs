//! Closed-loop load: so many workers, each asking again as soon as it has its answer.

use anyhow::Context;
use commons_platform::task;
use std::time::{Duration, Instant};

/// What workers did together.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// How long they worked, the last answer included.
    pub(crate) took: Duration,
    /// Every answer's time.
    pub(crate) times: Vec<Duration>,
}

impl Done {
    /// Answers in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.times.len() as f64 / self.took.as_secs_f64()
    }

    /// The time within which this share of the answers came.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        quantile(&self.times, share)
    }

    /// Another round of the same work.
    pub(crate) fn add(&mut self, other: Self) {
        self.took += other.took;
        self.times.extend(other.times);
    }
}

/// The value below which this share of the values lies; zero of none.
pub(crate) fn quantile<T: Copy + Ord + Default>(values: &[T], share: f64) -> T {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() as f64 * share) as usize;
    sorted
        .get(place.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

/// Lets `workers` work for a time; `work` gets the worker's number and makes one request of it.
///
/// # Errors
/// The first request that fails ends its worker and the run.
pub(crate) async fn closed_loop<W, F>(workers: usize, time: Duration, work: W) -> anyhow::Result<Done>
where
    W: Fn(usize) -> F + Clone + Send + 'static,
    F: Future<Output = anyhow::Result<()>> + Send,
{
    let started = Instant::now();
    let tasks: Vec<_> = (0..workers)
        .map(|worker| {
            let work = work.clone();
            task::spawn(async move {
                let mut times = Vec::new();
                while started.elapsed() < time {
                    let asked = Instant::now();
                    work(worker).await?;
                    times.push(asked.elapsed());
                }
                anyhow::Ok(times)
            })
        })
        .collect();
    let mut done = Done::default();
    for task in tasks {
        done.times.extend(task.await.context("a worker died")??);
    }
    done.took = started.elapsed();
    Ok(done)
}
