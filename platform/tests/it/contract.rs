//! The implementations of one process run the contract suites.

use commons_platform::{
    bus::{Bus, MemoryBus},
    cache::{Cache, MemoryCache},
};
use commons_testing::contract;
use std::sync::Arc;

#[tokio::test]
async fn memory_cache() {
    contract::cache::cache(async |clock| Arc::new(MemoryCache::new(clock, 1 << 20)) as Arc<dyn Cache>).await;
}

#[tokio::test]
async fn memory_bus() {
    contract::bus::bus(async || Arc::new(MemoryBus::new()) as Arc<dyn Bus>).await;
}
