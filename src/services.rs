//! The services of one process, over one platform.

use crate::migrate;
use anyhow::Context;
use commons_access::{Access, LocalAccess};
use commons_channel::ChannelService;
use commons_jobs::Worker;
use commons_message::MessageService;
use commons_platform::{Platform, config::Config, create_private, graphql::Subgraph, health};
use commons_streams::Streams;
use commons_user::UserService;
use futures_util::future::{join, join_all};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

const LAST_COMMITS: Duration = Duration::from_secs(2);

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
    /// Who may do what.
    pub access: Arc<dyn Access>,
    /// The event log that channel and message share.
    pub streams: Streams,
    /// What each does for the others, later.
    workers: [Worker; 3],
}

impl Services {
    /// Opens the database, brings it up to date and starts everything on it.
    ///
    /// # Errors
    /// When a part does not start; the message is meant for whoever runs the instance.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        create_private(&config.data_dir)
            .with_context(|| format!("data_dir {}", config.data_dir.display()))?;
        migrate(&config).await?;
        let platform = Platform::start(config).await?;
        let access = LocalAccess::start(&platform)
            .await
            .context("access does not start")?;
        let streams = Streams::new(platform.db.clone(), platform.bus.clone(), platform.clock.clone());
        let user = UserService::start(platform.clone(), access.changes().clone()).await?;
        let channel = ChannelService::start(platform.clone(), access.clone(), streams.clone()).await?;
        let message = MessageService::start(platform.clone(), access.clone(), streams.clone());
        let workers = [user.work(), channel.work(), message.work()];
        Ok(Self {
            platform,
            user,
            channel,
            message,
            access,
            streams,
            workers,
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
        let steps = join_all(self.workers.map(Worker::stop));
        if timeout(LAST_COMMITS, join(self.message.drain(), steps))
            .await
            .is_err()
        {
            tracing::error!(
                "what was accepted could not be finished in time: a message's sender was not answered, \
                 a job's step runs again"
            );
        }
        health::close(self.platform).await;
    }
}
