//! Every implementation runs the contract suites; those over Redis where tests have one.

use commons_platform::{
    bus::{Bus, MemoryBus, RedisBus},
    cache::{Cache, MemoryCache, RedisCache},
    clock::SystemClock,
    redis::Redis,
};
use commons_testing::{
    contract,
    redis::{self, server::Server},
};
use std::sync::Arc;

#[tokio::test]
async fn memory_cache() {
    contract::cache::cache(async |clock| Arc::new(MemoryCache::new(clock, 1 << 20)) as Arc<dyn Cache>).await;
}

#[tokio::test]
async fn memory_bus() {
    contract::bus::bus(async || Arc::new(MemoryBus::new()) as Arc<dyn Bus>).await;
}

#[tokio::test]
async fn redis_cache() {
    if redis::own().await.is_none() {
        return;
    }
    contract::cache::cache(async |clock| {
        let redis = Redis::open(&redis::own().await.unwrap()).unwrap();
        Arc::new(RedisCache::bare(&redis, clock)) as Arc<dyn Cache>
    })
    .await;
}

#[tokio::test]
async fn redis_bus() {
    if redis::own().await.is_none() {
        return;
    }
    contract::bus::bus(async || {
        let bus = RedisBus::new(&Redis::open(&redis::own().await.unwrap()).unwrap());
        redis::ready(&bus, &MemoryCache::new(Arc::new(SystemClock::default()), 0)).await;
        Arc::new(bus) as Arc<dyn Bus>
    })
    .await;
}

#[tokio::test]
async fn redis_cluster() {
    let Some(nodes) = Server::start_cluster().await else {
        return;
    };
    let settings = async || {
        let mut settings = redis::settings(&nodes[1].url(), 5000);
        settings.cluster = true;
        redis::declare_new(&settings).await;
        settings
    };
    contract::cache::cache(async |clock| {
        let redis = Redis::open(&settings().await).unwrap();
        Arc::new(RedisCache::bare(&redis, clock)) as Arc<dyn Cache>
    })
    .await;
    contract::bus::bus(async || {
        let bus = RedisBus::new(&Redis::open(&settings().await).unwrap());
        redis::ready(&bus, &MemoryCache::new(Arc::new(SystemClock::default()), 0)).await;
        Arc::new(bus) as Arc<dyn Bus>
    })
    .await;
}
