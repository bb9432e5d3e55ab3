//! Having jobs done: claim one, run one step of it, settle it, look again.
//!
//! A step that succeeds and has more to do puts its job behind those that wait, so a long job holds up
//! no short one, and several workers share it step by step. A claim is a lease: whoever dies keeps it
//! until it ends, and whoever was too slow finds it gone when it settles. So a step may run twice, and
//! is idempotent.

use crate::{Effect, Owner, export, store};
use chrono::{DateTime, TimeDelta, Utc};
use commons_entities::job::{ShareState, job};
use commons_platform::{
    ApiError, Platform,
    bus::Listener,
    task::{self, Guard},
    telemetry::{TracePoint, span},
};
use sea_orm::DbErr;
use std::{error::Error as _, sync::Arc, time::Duration};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};
use tracing::Instrument;

/// How long a claim lasts.
pub const LEASE: TimeDelta = TimeDelta::seconds(30);
/// How often a step is tried before its job is given up: for about an hour.
pub const MAX_ATTEMPTS: i32 = 20;

/// How long a step may take: less than the lease, so that nobody else begins before it ends.
const STEP: Duration = Duration::from_secs(20);
/// How often a worker looks without being woken.
const POLL: Duration = Duration::from_secs(2);
/// How long the bus may take to be listened to.
const BUS: Duration = Duration::from_secs(1);
/// How long the end of a process waits for the step that runs: less than the two seconds it gives all of
/// its last work.
const LAST_STEP: Duration = Duration::from_millis(1500);
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(1);
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(5);

/// What a step achieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// All is done; the job goes.
    Done,
    /// There is more: call again.
    More,
}

/// Does the effects that a domain owes.
#[async_trait::async_trait]
pub trait Runner: Send + Sync + 'static {
    /// Does one step of an effect: one transaction of bounded size, within two seconds; 20 s are its
    /// end. A step may run again after it succeeded, and must then do no harm. An effect that is not
    /// this domain's is [`Progress::Done`].
    ///
    /// # Errors
    /// Whatever is worth another attempt.
    async fn run(&self, effect: &Effect) -> Result<Progress, ApiError>;
}

/// Runs the jobs of an owner; any number of them may, in any number of processes. Dropping it stops at
/// once: a step that runs is cut off, and its job runs again when the lease ends.
#[derive(Debug)]
pub struct Worker {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Worker {
    /// Starts to work.
    pub fn start(platform: Platform, owner: Owner, runner: Arc<dyn Runner>) -> Self {
        let (stop, stopping) = watch::channel(false);
        let work = Work {
            platform,
            owner,
            runner,
        };
        Self {
            stop,
            task: task::background("jobs", work.run(stopping)),
        }
    }

    /// Begins nothing more and waits for the step that runs, 1.5 s at most.
    pub async fn stop(mut self) {
        // An error is that the task has ended.
        let _heard = self.stop.send(true);
        if timeout(LAST_STEP, &mut self.task).await.is_err() {
            tracing::warn!("a job's step is cut off; it runs again when its lease ends");
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Work {
    platform: Platform,
    owner: Owner,
    runner: Arc<dyn Runner>,
}

/// A job that is ours until `claim`.
struct Claimed {
    row: job::Model,
    claim: DateTime<Utc>,
}

impl Work {
    async fn run(self, mut stopping: watch::Receiver<bool>) {
        let mut polls = interval(POLL);
        polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ears = None;
        loop {
            tokio::select! {
                biased;
                () = stopped(&mut stopping) => return,
                _ = polls.tick() => {
                    ears = match ears {
                        None => self.listen().await,
                        kept => kept,
                    };
                    self.measure().await;
                }
                heard = hear(&mut ears) => if !heard {
                    ears = None;
                },
            }
            while !*stopping.borrow() {
                match self.turn().await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        tracing::warn!(owner = self.owner.as_str(), %error, "jobs cannot be looked at");
                        break;
                    }
                }
            }
        }
    }

    async fn listen(&self) -> Option<Listener> {
        let subject = self.owner.subject();
        let listening = self.platform.bus.subscribe(&subject);
        // Without the bus, the polls find everything.
        timeout(BUS, listening).await.ok()?.ok()
    }

    async fn measure(&self) {
        let now = self.platform.clock.now();
        if let Ok(due) = store::count_due(self.platform.db.background(), self.owner, now).await {
            metrics::gauge!("commons_jobs_due", "owner" => self.owner.as_str()).set(due as f64);
        }
        if let Ok(oldest) = store::oldest_due(self.platform.db.background(), self.owner, now).await {
            let age = oldest.map_or(0, |since| (now - since).num_seconds().max(0));
            metrics::gauge!("commons_jobs_oldest_seconds", "owner" => self.owner.as_str()).set(age as f64);
        }
    }

    /// Runs one step of one job; false when there is nothing to do.
    async fn turn(&self) -> Result<bool, DbErr> {
        let Some(claimed) = self.claim().await? else {
            return Ok(false);
        };
        let row = &claimed.row;
        let logged = tracing::info_span!("job", id = %row.id, owner = row.owner, kind = row.kind);
        let effect = Effect::from_payload(&row.payload);
        let cause = effect
            .as_ref()
            .map_or_else(|_| TracePoint::default(), |(_, cause)| cause.clone());
        let traced = span::caused("job", &row.kind, &cause);
        async {
            let outcome = match effect {
                Ok(_) if row.attempts >= MAX_ATTEMPTS => Err(match &row.last_error {
                    Some(error) => format!("the last attempt ended with its process; before: {error}"),
                    None => "every attempt ended with its process".to_owned(),
                }),
                Ok((effect, _)) => self.step(effect).await,
                Err(error) => Err(format!("the payload: {error}")),
            };
            self.settle(&claimed, outcome).await
        }
        .instrument(traced)
        .instrument(logged)
        .await?;
        Ok(true)
    }

    async fn claim(&self) -> Result<Option<Claimed>, DbErr> {
        let (db, now) = (&self.platform.db, self.platform.clock.now());
        if !store::is_due(db.background(), self.owner, now).await? {
            return Ok(None);
        }
        let claim = now + LEASE;
        let tx = db.begin().await?;
        let row = store::claim(&tx, self.owner, now, claim).await?;
        tx.commit().await?;
        Ok(row.map(|row| Claimed { row, claim }))
    }

    /// Runs a step on a task of its own, so that a panic ends the step alone.
    async fn step(&self, effect: Effect) -> Result<Progress, String> {
        let (tell, told) = oneshot::channel();
        let (runner, began) = (self.runner.clone(), tokio::time::Instant::now());
        let kind = effect.kind();
        let _running = Guard::spawn(async move {
            // Nobody waits for the end of a step that took too long.
            let _told = tell.send(runner.run(&effect).await);
        });
        let outcome = match timeout(STEP, told).await {
            Ok(Ok(Ok(progress))) => Ok(progress),
            Ok(Ok(Err(error))) => Err(causes(&error)),
            Ok(Err(_)) => Err("the step panicked".to_owned()),
            Err(_) => Err("the step took too long".to_owned()),
        };
        metrics::histogram!("commons_job_step_seconds", "owner" => self.owner.as_str(), "kind" => kind)
            .record(began.elapsed().as_secs_f64());
        outcome
    }

    async fn settle(&self, claimed: &Claimed, outcome: Result<Progress, String>) -> Result<(), DbErr> {
        let Claimed { row, claim } = claimed;
        let now = self.platform.clock.now();
        let attempt = row.attempts.saturating_add(1);
        let tx = self.platform.db.begin().await?;
        let (word, is_ours) = match &outcome {
            Ok(Progress::Done) => ("done", store::remove(&tx, row.id, *claim).await?),
            Ok(Progress::More) => ("more", store::put_back(&tx, row.id, *claim, now).await?),
            Err(error) if attempt < MAX_ATTEMPTS => {
                let at = now + pause(attempt);
                ("retried", store::retry(&tx, row.id, *claim, at, error).await?)
            }
            Err(error) => ("failed", store::give_up(&tx, row.id, *claim, now, error).await?),
        };
        if !is_ours {
            tracing::warn!("a job's lease ended before its step; another worker has it");
            return tx.rollback().await;
        }
        match word {
            "done" => self.close(&tx, row, ShareState::Done, now).await?,
            "failed" => self.close(&tx, row, ShareState::Failed, now).await?,
            _ => {}
        }
        tx.commit().await?;
        match (&outcome, word) {
            (Err(error), "failed") => tracing::error!(error, attempt, "a job is given up"),
            (Err(error), _) => tracing::warn!(error, attempt, "a job's step failed"),
            (Ok(_), _) => {}
        }
        metrics::counter!(
            "commons_jobs_total",
            "owner" => self.owner.as_str(), "kind" => row.kind.clone(), "outcome" => word
        )
        .increment(1);
        Ok(())
    }

    /// An owner's share of an export ends with its job.
    async fn close(
        &self,
        tx: &impl sea_orm::ConnectionTrait,
        row: &job::Model,
        state: ShareState,
        now: DateTime<Utc>,
    ) -> Result<(), DbErr> {
        match Effect::from_payload(&row.payload) {
            Ok((Effect::ExportAccount { export, .. }, _)) => {
                export::close(tx, export, self.owner, state, now).await
            }
            _ => Ok(()),
        }
    }
}

/// Ready when the worker is to stop.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error is that the worker is dropped.
    let _asked = stopping.wait_for(|stopping| *stopping).await;
}

/// Waits to be woken; false when the bus says nothing any more.
async fn hear(ears: &mut Option<Listener>) -> bool {
    match ears {
        Some(ears) => ears.recv().await.is_some(),
        None => std::future::pending().await,
    }
}

/// How long to wait before the next attempt: 1 s, doubled each time, 5 min at most.
fn pause(attempt: i32) -> TimeDelta {
    let doublings = u32::try_from(attempt - 1).unwrap_or_default().min(16);
    (FIRST_PAUSE * 2i32.pow(doublings)).min(LONGEST_PAUSE)
}

/// An error with all that caused it: for the row and the log, never for a client.
fn causes(error: &ApiError) -> String {
    let mut text = format!("{}: {error}", error.code().as_str());
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let pauses: Vec<i64> = (1..=MAX_ATTEMPTS)
            .map(|attempt| pause(attempt).num_seconds())
            .collect();
        assert_eq!(pauses[..10], [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert_eq!(pauses[19], 300);
    }
}
