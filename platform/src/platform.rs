//! What a process is made of, handed to every service.

use crate::{
    auth::Tokens,
    bus::{Bus, MemoryBus, RedisBus},
    cache::{Cache, MemoryCache, RedisCache},
    clock::{Clock, SystemClock},
    config::Config,
    db::Db,
    redis::Redis,
    secret::Secret,
};
use std::{path::Path, sync::Arc};

/// How much the in-process cache holds, keys and values together.
const CACHE_BYTES: u64 = 16 << 20;

/// The mechanisms of a process; cheap to clone.
#[derive(Clone)]
pub struct Platform {
    /// The settings.
    pub config: Arc<Config>,
    /// The database: the truth.
    pub db: Db,
    /// The cache: a copy.
    pub cache: Arc<dyn Cache>,
    /// The bus: a wake-up.
    pub bus: Arc<dyn Bus>,
    /// Time and ids.
    pub clock: Arc<dyn Clock>,
    /// Who asks.
    pub tokens: Arc<Tokens>,
    /// Seals what must not be readable in a copy of the database.
    pub secret: Secret,
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Platform")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Platform {
    /// The platform that the settings describe, on the machine's clock.
    ///
    /// # Errors
    /// When the data folder, the secret or the database cannot be opened.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        create_private(&config.data_dir).map_err(|source| StartError::DataDir {
            path: config.data_dir.display().to_string(),
            source,
        })?;
        let secret = Secret::load(&config).map_err(StartError::Secret)?;
        let db = Db::connect(&config.database)
            .await
            .map_err(StartError::Database)?;
        Ok(Self::assemble(
            config,
            db,
            secret,
            Arc::new(SystemClock::default()),
        ))
    }

    /// The platform over parts that are there already. The cache and the bus are in Redis where one is
    /// set, whether it answers now or not; else in this process. Needs a tokio runtime.
    pub fn assemble(config: Config, db: Db, secret: Secret, clock: Arc<dyn Clock>) -> Self {
        let tokens = Tokens::new(&config.auth, &secret, clock.clone());
        let redis = Redis::open_if_set(&config.redis).expect("the settings were checked");
        let (cache, bus): (Arc<dyn Cache>, Arc<dyn Bus>) = match &redis {
            Some(redis) => {
                let bus = Arc::new(RedisBus::new(redis));
                let doubt = bus.doubt();
                (
                    Arc::new(RedisCache::new(redis, clock.clone(), db.clone(), doubt)),
                    bus,
                )
            }
            None => (
                Arc::new(MemoryCache::new(clock.clone(), CACHE_BYTES)),
                Arc::new(MemoryBus::new()),
            ),
        };
        Self {
            cache,
            bus,
            tokens: Arc::new(tokens),
            config: Arc::new(config),
            db,
            clock,
            secret,
        }
    }
}

/// Makes a folder that only its owner enters; one that exists keeps its mode.
///
/// # Errors
/// When it can't be made.
pub fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Why a process does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be made.
    #[error("data_dir {path}: {source}")]
    DataDir {
        /// The folder.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The secret can be neither read nor made.
    #[error("secret: {0}")]
    Secret(std::io::Error),
    /// The database cannot be opened.
    #[error("database: {0}")]
    Database(sea_orm::DbErr),
}
