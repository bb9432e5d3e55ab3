//! The bus of all processes, over Redis' publish and subscribe.
//!
//! A message goes to one of 64 subjects in Redis, chosen by the hash of its own, and carries its own; so
//! a process needs one subscription for all it may ever listen to, and a Redis Cluster spreads them.
//! [`hear`] holds that subscription, [`tell`] publishes from a bounded queue, [`wire`] is what they say
//! to each other. What was or may have been lost, on whichever side, makes listeners hear
//! [`Heard::Missed`](super::Heard::Missed).

mod hear;
mod tell;
mod wire;

use super::{Bus, BusError, Hub, Listener, QUEUE};
use crate::{
    redis::{GROUPS, Redis, group},
    task::Guard,
};
use bytes::Bytes;
use hear::Hearing;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tell::Said;
use tokio::sync::mpsc;
use wire::Wire;

/// How many subjects there are in Redis: as many as a word has bits.
const SUBJECTS: usize = GROUPS;
/// How many messages may wait to be published.
const UNSAID: usize = 4096;
/// How long a new listener waits to be told that all from before has passed.
const PASSED: Duration = Duration::from_millis(250);

/// A [`Bus`] over Redis.
pub struct RedisBus {
    hearing: Arc<Hearing>,
    queue: mpsc::Sender<Said>,
    /// A bit for each subject in Redis on which something could not be said.
    lost: Arc<AtomicU64>,
    _tasks: [Guard; 2],
}

impl RedisBus {
    /// The bus of a Redis; it connects by itself. Needs a tokio runtime.
    pub fn new(redis: &Redis) -> Self {
        let subjects: Arc<[String]> = (0..SUBJECTS)
            .map(|number| {
                if redis.is_cluster() {
                    format!("{}:bus:{{{number:02}}}", redis.namespace())
                } else {
                    format!("{}:bus:{number:02}", redis.namespace())
                }
            })
            .collect();
        let hearing = Arc::new(Hearing::new(Hub::new(QUEUE)));
        let (queue, said) = mpsc::channel(UNSAID);
        let lost = Arc::new(AtomicU64::new(0));
        let publish = if redis.is_cluster() { "SPUBLISH" } else { "PUBLISH" };
        let tasks = [
            Guard::background(
                "bus listener",
                hear::follow(redis.clone(), subjects.clone(), hearing.clone()),
            ),
            Guard::background(
                "bus publisher",
                tell::publish(redis.line("bus"), publish, subjects, said, lost.clone()),
            ),
        ];
        Self {
            hearing,
            queue,
            lost,
            _tasks: tasks,
        }
    }

    /// What makes every listener of this process read the truth.
    pub(crate) fn doubt(&self) -> impl Fn() + Send + Sync + use<> {
        let hearing = self.hearing.clone();
        move || hearing.hub.missed()
    }

    /// Queues something for a subject's place, unless there is no room.
    fn say(&self, subject: &str, wire: &Wire) -> bool {
        let at = group(subject);
        let said = Said {
            at,
            payload: wire.encode(),
        };
        let queued = self.queue.try_send(said).is_ok();
        if !queued {
            tell::count_dropped(1);
            self.lost.fetch_or(1 << at, Ordering::AcqRel);
        }
        queued
    }
}

#[async_trait::async_trait]
impl Bus for RedisBus {
    async fn publish(&self, subject: &str, payload: Bytes) {
        self.say(
            subject,
            &Wire::Message {
                subject: subject.to_owned(),
                payload,
            },
        );
    }

    /// Never fails: who listens while Redis is away hears [`Missed`](super::Heard::Missed) when it is back.
    async fn subscribe(&self, subject: &str) -> Result<Listener, BusError> {
        // What this process said before is still under way. A mark sent after it begins the listening
        // when it comes back.
        if self.connected() {
            let (number, begun) = self.hearing.expect(subject);
            if self.say(subject, &Wire::Mark(number))
                && let Ok(Ok(listener)) = tokio::time::timeout(PASSED, begun).await
            {
                return Ok(listener);
            }
            self.hearing.forget(number);
        }
        Ok(self.hearing.hub.listen(subject))
    }

    fn connected(&self) -> bool {
        self.hearing.connected()
    }
}

impl std::fmt::Debug for RedisBus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisBus")
            .field("connected", &self.connected())
            .finish_non_exhaustive()
    }
}
