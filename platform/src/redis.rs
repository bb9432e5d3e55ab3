//! Redis, version 7 or newer: how a process connects to it, and how it does without.
//!
//! One setup for the cache and the bus, each of which has a line of its own: [`line`] sends commands,
//! [`breaker`] takes a line out that is slow or fails, [`slots`] says what lives together in a Redis
//! Cluster. A Redis that is away stops nothing: calls fail at once and their callers do without. What is
//! kept there and why it is never wrong is the matter of [`crate::cache`] and [`crate::bus`].

mod breaker;
mod line;
mod slots;

pub(crate) use line::{CallError, Ears, Line, Sound};
pub(crate) use slots::{GROUPS, group, tags};

use crate::config::RedisConfig;
use ::redis::{
    Client, RedisError,
    cluster::{ClusterClient, ClusterClientBuilder},
};
use std::time::Duration;

/// How long a connection may take to be made.
const CONNECTING: Duration = Duration::from_millis(200);

/// Where Redis is and how it is spoken to; no connection yet.
#[derive(Clone)]
pub struct Redis {
    place: Place,
    namespace: String,
    patience: Duration,
}

#[derive(Clone)]
enum Place {
    One(Box<Client>),
    Cluster(Box<ClusterClient>, String),
}

/// Why the address of Redis cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AddressError(#[from] RedisError);

impl Redis {
    /// The Redis that the settings name, if they name one.
    ///
    /// # Errors
    /// When the address is none.
    pub fn open_if_set(config: &RedisConfig) -> Result<Option<Self>, AddressError> {
        if config.url.is_empty() {
            return Ok(None);
        }
        Self::open(config).map(Some)
    }

    /// Reads the settings; nothing is sent.
    ///
    /// # Errors
    /// When the address is none.
    pub fn open(config: &RedisConfig) -> Result<Self, AddressError> {
        if config.url.starts_with("rediss:") {
            // Whoever was first has chosen one already, and any will do.
            let _chosen_before = rustls::crypto::ring::default_provider().install_default();
        }
        let patience = Duration::from_millis(config.slow_ms);
        let place = if config.cluster {
            let client = cluster(&config.url, patience).build()?;
            Place::Cluster(Box::new(client), config.url.clone())
        } else {
            Place::One(Box::new(Client::open(config.url.as_str())?))
        };
        Ok(Self {
            place,
            namespace: config.namespace.clone(),
            patience,
        })
    }

    /// What every name in Redis begins with.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Whether this is a Redis Cluster, where one script or one sharded subject stays in one slot.
    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self.place, Place::Cluster(..))
    }
}

fn cluster(url: &str, patience: Duration) -> ClusterClientBuilder {
    ClusterClientBuilder::new([url])
        .connection_timeout(CONNECTING)
        .response_timeout(patience)
        .overall_response_timeout(Some(patience))
        // Enough to follow a slot that moved; the breaker does the rest.
        .retries(2)
        .min_retry_wait(1)
        .max_retry_wait(20)
}

impl std::fmt::Debug for Redis {
    /// Without the address, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis")
            .field("cluster", &self.is_cluster())
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}
