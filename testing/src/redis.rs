//! A namespace of a test's own in the Redis that `TEST_REDIS_URL` names; without one, tests have the
//! cache and the bus of their process.
//!
//! Nobody wipes that server: tests share it. Whoever wants to hurt a Redis starts one, see [`server`].

pub mod server;

use commons_platform::{
    bus::Bus,
    cache::{Cache, RedisCache},
    clock::{Clock, SystemClock},
    config::{Config, RedisConfig},
    redis::Redis,
};
use std::{sync::Arc, time::Duration};

/// The address of the Redis server that tests share.
pub const REDIS_URL: &str = "TEST_REDIS_URL";

/// Milliseconds that a call may take: a busy machine is no fault.
const SLOW_MS: u64 = 5000;
/// How long the bus and the cache may take to connect.
const PATIENCE: Duration = Duration::from_secs(20);

/// Settings that lead to a namespace of the caller's own on a server.
pub fn settings(url: &str, slow_ms: u64) -> RedisConfig {
    let namespace = format!(
        "test-{}",
        &SystemClock::default().new_id().simple().to_string()[8..]
    );
    let settings = format!("[redis]\nurl = {url:?}\nnamespace = {namespace:?}\nslow_ms = {slow_ms}");
    Config::from_toml(&settings).unwrap().redis
}

/// A new namespace on the shared server, where there is one.
pub async fn own() -> Option<RedisConfig> {
    let config = settings(&std::env::var(REDIS_URL).ok()?, SLOW_MS);
    declare_new(&config).await;
    Some(config)
}

/// Lets caches of a new namespace give leases from the start.
pub async fn declare_new(config: &RedisConfig) {
    let cache = RedisCache::bare(&Redis::open(config).unwrap(), Arc::new(SystemClock::default()));
    cache.declare_new().await.unwrap();
}

/// Waits until a bus is connected and a cache may be read from.
pub async fn ready(bus: &dyn Bus, cache: &dyn Cache) {
    let connecting = async {
        while !(bus.connected() && cache.trusted()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, connecting)
        .await
        .expect("Redis answers");
}
