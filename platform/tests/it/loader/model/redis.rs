//! The same orders on the cache in Redis, which can also lose what it holds.

use super::{ACCIDENTS, Accident, Stage, Who, everything, run, sample};
use chrono::DateTime;
use commons_platform::{cache::RedisCache, clock::ManualClock, redis::Redis, task::Guard};
use commons_testing::redis::{declare_new, server::Server, settings};
use std::sync::Arc;

impl Stage {
    /// A server of its own, where tests have Redis. From here on time stands still.
    async fn new() -> Option<(Self, Guard)> {
        let server = Server::start().await?;
        let config = settings(&server.url(), 10_000);
        declare_new(&config).await;
        let clock = Arc::new(ManualClock::new(
            DateTime::from_timestamp_millis(1_700_000_000_000).unwrap(),
        ));
        let stage = Self {
            cache: Arc::new(RedisCache::bare(&Redis::open(&config).unwrap(), clock.clone())),
            clock,
            server,
            namespace: config.namespace,
        };
        tokio::time::pause();
        // A runtime that rests would move the time to the next deadline while Redis answers.
        let restless = Guard::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        Some((stage, restless))
    }

    pub(super) async fn say(&self, command: &[&str]) {
        self.server.say(command).await;
    }

    pub(super) async fn lose_guards(&self) {
        let guards: Vec<String> = (0..64)
            .map(|number| format!("{}:guard:{number:02}", self.namespace))
            .collect();
        let command: Vec<&str> = ["DEL"]
            .into_iter()
            .chain(guards.iter().map(String::as_str))
            .collect();
        self.say(&command).await;
    }
}

/// All that can happen to Redis, and to a process.
fn accidents() -> impl Iterator<Item = Accident> {
    ACCIDENTS
        .into_iter()
        .chain([Accident::Lost, Accident::GuardsLost])
}

#[tokio::test]
async fn a_reader_a_writer_and_an_accident() {
    let Some((stage, _restless)) = Stage::new().await else {
        return;
    };
    for accident in accidents() {
        for steps in 2..=3 {
            let bag = [
                (Who::Reader(0), 3),
                (Who::Writer(1), steps),
                (Who::Accident(accident), 1),
            ];
            for order in super::orders(&bag) {
                run(Some(&stage), &order, true).await;
            }
        }
    }
}

#[tokio::test]
async fn two_readers_two_writers_and_accidents_by_chance() {
    let Some((stage, _restless)) = Stage::new().await else {
        return;
    };
    for (seed, accident) in (0..).zip(accidents()) {
        for (dies, other) in [
            ([3, 3], Accident::Lost),
            ([3, 2], Accident::Evict),
            ([2, 1], Accident::Late),
        ] {
            for order in sample(&everything(dies, &[accident, other]), seed, 40) {
                run(Some(&stage), &order, seed % 2 == 0).await;
            }
        }
    }
}
