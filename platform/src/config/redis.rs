//! The settings of Redis.

use super::ConfigError;
use crate::redis::Redis;
use serde::Deserialize;

/// Redis.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// `redis://…` or `rediss://…`; empty is none.
    pub url: String,
    /// Whether the address is a node of a Redis Cluster.
    pub cluster: bool,
    /// What the names of all keys and subjects begin with.
    pub namespace: String,
    /// Milliseconds after which a call is given up and Redis taken out until it answers again.
    pub slow_ms: u64,
}

impl std::fmt::Debug for RedisConfig {
    /// Without the address, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisConfig")
            .field("set", &!self.url.is_empty())
            .field("cluster", &self.cluster)
            .field("namespace", &self.namespace)
            .field("slow_ms", &self.slow_ms)
            .finish()
    }
}

impl RedisConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let impossible = |setting, problem: String| Err(ConfigError::Impossible { setting, problem });
        if !(self.url.is_empty() || self.url.starts_with("redis://") || self.url.starts_with("rediss://")) {
            return impossible("redis.url", "must be redis://… or rediss://…".into());
        }
        if let Err(error) = Redis::open_if_set(self) {
            return impossible("redis.url", error.to_string());
        }
        let plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
        if self.namespace.is_empty() || !self.namespace.chars().all(plain) {
            return impossible("redis.namespace", "must be of letters, digits and -_.".into());
        }
        if !(1..=10_000).contains(&self.slow_ms) {
            return impossible("redis.slow_ms", "must be from 1 to 10000".into());
        }
        Ok(())
    }
}
