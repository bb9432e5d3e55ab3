//! The services of one process, over one platform.

use anyhow::Context;
use commons_access::{Access, LocalAccess};
use commons_channel::ChannelService;
use commons_message::MessageService;
use commons_migrations::{Migrator, MigratorTrait};
use commons_platform::{Platform, config::Config, graphql::Subgraph};
use commons_streams::Streams;
use commons_user::UserService;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

const LAST_COMMITS: Duration = Duration::from_secs(2);
const CLOSING: Duration = Duration::from_millis(800);

/// Every service, started.
#[derive(Debug)]
pub struct Services {
    /// What they share.
    pub platform: Platform,
    /// Accounts and sessions.
    pub user: Arc<UserService>,
    /// Guilds and channels.
    pub channel: Arc<ChannelService>,
    /// Messages.
    pub message: Arc<MessageService>,
    /// The event log that channel and message share.
    pub streams: Streams,
}

impl Services {
    /// Opens the database, brings it up to date and starts everything on it.
    ///
    /// # Errors
    /// When a part does not start; the message is meant for whoever runs the instance.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let platform = Platform::start(config).await?;
        Migrator::up(platform.db.writer(), None)
            .await
            .context("the database cannot be brought up to date")?;
        let access = LocalAccess::start(&platform)
            .await
            .context("access does not start")?;
        let streams = Streams::new(platform.db.clone(), platform.bus.clone(), platform.clock.clone());
        let user = UserService::start(platform.clone(), access.changes().clone()).await?;
        let channel = ChannelService::start(platform.clone(), access.clone(), streams.clone()).await?;
        let message = MessageService::start(platform.clone(), access, streams.clone());
        Ok(Self {
            platform,
            user,
            channel,
            message,
            streams,
        })
    }

    /// Their subgraphs.
    pub fn subgraphs(&self) -> [Subgraph; 3] {
        [
            commons_user::subgraph(self.user.clone()),
            commons_channel::subgraph(self.channel.clone()),
            commons_message::subgraph(self.message.clone()),
        ]
    }

    /// Writes down what was accepted and closes the database, in three seconds at most; what is open
    /// then, the system closes.
    pub async fn stop(self) {
        if timeout(LAST_COMMITS, self.message.drain()).await.is_err() {
            tracing::error!(
                "accepted messages could not be written in time; their senders were not answered"
            );
        }
        match timeout(CLOSING, self.platform.db.clone().close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the database did not close cleanly"),
            Err(_) => tracing::debug!("the database is still closing"),
        }
    }
}
