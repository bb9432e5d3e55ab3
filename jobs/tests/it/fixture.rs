//! A database with jobs in it, processes that work on them, and runners that do what a test says.

use commons_entities::{GuildId, job::job};
use commons_jobs::{Effect, Enqueued, Owner, Progress, Runner, Worker, enqueue};
use commons_platform::{ApiError, Platform};
use commons_testing::World;
use sea_orm::EntityTrait;
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

/// How long a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(20);

/// Another process on the same database; it hears nothing of the first one's bus.
pub(crate) async fn another_process(world: &World) -> Platform {
    Platform::assemble(
        world.database.config.clone(),
        world.database.reconnect().await,
        world.platform.secret.clone(),
        world.clock.clone(),
    )
}

/// As many effects, each of a guild of its own; the message service alone works on them here.
pub(crate) fn effects(world: &World, count: usize) -> Vec<Effect> {
    (0..count)
        .map(|_| Effect::EraseGuild {
            guild: GuildId(world.platform.clock.new_id()),
        })
        .collect()
}

/// Puts effects down in a transaction of their own.
pub(crate) async fn put_down(world: &World, effects: &[Effect]) -> Enqueued {
    let tx = world.platform.db.begin().await.unwrap();
    let enqueued = enqueue(&tx, world.platform.clock.now(), effects).await.unwrap();
    tx.commit().await.unwrap();
    enqueued
}

/// The jobs of an owner that are there.
pub(crate) async fn jobs(platform: &Platform, owner: Owner) -> Vec<job::Model> {
    let rows = job::Entity::find().all(platform.db.read()).await.unwrap();
    let mut rows: Vec<_> = rows
        .into_iter()
        .filter(|row| row.owner == owner.as_str())
        .collect();
    rows.sort_by_key(|row| row.id);
    rows
}

/// Asks until the answer is yes.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> F) {
    let asking = async {
        let mut turns = tokio::time::interval(Duration::from_millis(5));
        while !ask().await {
            turns.tick().await;
        }
    };
    let answered = tokio::time::timeout(PATIENCE, asking).await;
    assert!(answered.is_ok(), "in vain: {what}");
}

/// Waits until an owner has no job left.
pub(crate) async fn all_done(platform: &Platform, owner: Owner) {
    until("all jobs are done", || async {
        jobs(platform, owner).await.is_empty()
    })
    .await;
}

type Step = Pin<Box<dyn Future<Output = Result<Progress, ApiError>> + Send>>;

struct Doing<F>(F);

#[async_trait::async_trait]
impl<F: Fn(Effect) -> Step + Send + Sync + 'static> Runner for Doing<F> {
    async fn run(&self, effect: &Effect) -> Result<Progress, ApiError> {
        (self.0)(effect.clone()).await
    }
}

/// A worker of the message service whose steps are these.
pub(crate) fn worker<F, Fut>(platform: &Platform, step: F) -> Worker
where
    F: Fn(Effect) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Progress, ApiError>> + Send + 'static,
{
    worker_of(Owner::Message, platform, step)
}

/// A worker of any service.
pub(crate) fn worker_of<F, Fut>(owner: Owner, platform: &Platform, step: F) -> Worker
where
    F: Fn(Effect) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Progress, ApiError>> + Send + 'static,
{
    let runner = Doing(move |effect| Box::pin(step(effect)) as Step);
    Worker::start(platform.clone(), owner, Arc::new(runner))
}
