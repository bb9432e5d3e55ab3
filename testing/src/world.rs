//! One process' worth of platform over a test database, and people to ask as.

use crate::{TestDatabase, redis, seed};
use chrono::DateTime;
use commons_entities::{SessionId, UserId};
use commons_platform::{
    Origin, Platform,
    auth::{KeySet, SigningKey},
    clock::ManualClock,
    graphql::Call,
    secret::Secret,
    telemetry::TracePoint,
};
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

/// A platform over a database of its own, and a part of Redis where tests have one, on a clock that stands still until it is moved.
#[derive(Debug)]
pub struct World {
    /// The mechanisms.
    pub platform: Platform,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// Its database.
    pub database: TestDatabase,
}

/// Somebody with an account and a session.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The account.
    pub user: UserId,
    /// The device.
    pub session: SessionId,
    /// A live access token.
    pub token: String,
}

impl World {
    /// A new world in November 2023.
    pub async fn new() -> Self {
        let database = TestDatabase::new().await;
        let clock = Arc::new(ManualClock::new(
            DateTime::from_timestamp_millis(1_700_000_000_000).unwrap(),
        ));
        let secret = Secret::new("a secret of the test world");
        let platform = Platform::assemble(
            database.config.clone(),
            database.db.clone(),
            secret,
            clock.clone(),
        );
        redis::ready(&*platform.bus, &*platform.cache).await;
        let key = SigningKey::generate();
        platform.tokens.set_keys(KeySet::new(&key, &[]).unwrap());
        Self {
            platform,
            clock,
            database,
        }
    }

    /// A new account with a session.
    pub async fn person(&self, username: &str) -> Identity {
        let user = seed::user(&self.platform.db, &*self.clock, username).await;
        self.identity(user).await
    }

    /// A new session of an account.
    pub async fn identity(&self, user: UserId) -> Identity {
        let session = seed::session(&self.platform.db, &*self.clock, user).await;
        let token = self.platform.tokens.issue(user.0, session.0).unwrap().text;
        Identity { user, session, token }
    }
}

impl Identity {
    /// A call with this identity's token.
    pub fn call(&self) -> Call {
        call(Some(format!("Bearer {}", self.token)))
    }
}

/// A call with any `authorization` value, from loopback.
pub fn call(authorization: Option<String>) -> Call {
    Call {
        authorization,
        origin: Origin {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            request_id: "test".into(),
            device: None,
            trace: TracePoint::default(),
        },
    }
}
