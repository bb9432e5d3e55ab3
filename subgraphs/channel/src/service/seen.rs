//! What one viewer sees of a guild's channels, and when that changes.
//!
//! A change may concern a channel that the viewer never saw, and must not be told then. So what is
//! watched is not the change but its effect: the visible channels with their revisions and what the
//! viewer may do in each. Only when that differs from before is there anything to tell.

use super::{ChannelService, gathered};
use crate::{Error, loaders::ChannelRow};
use commons_access::{
    Listener, Subject,
    changes::{Follower, Heard},
};
use commons_entities::{ChannelId, GuildId, UserId};
use commons_platform::loader::CachedLoader;
use dashmap::DashMap;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};
use tokio::sync::watch;

/// Which guilds had a change of a channel, for those who watch them.
#[derive(Debug, Default)]
pub(super) struct Changed(DashMap<GuildId, watch::Sender<()>>);

impl Changed {
    fn watch(self: &Arc<Self>, guild: GuildId) -> Watching {
        let receiver = self
            .0
            .entry(guild)
            .or_insert_with(|| watch::Sender::new(()))
            .subscribe();
        Watching {
            changed: self.clone(),
            guild,
            receiver: Some(receiver),
        }
    }

    fn wake(&self, guild: GuildId) {
        if let Some(sender) = self.0.get(&guild) {
            sender.send_replace(());
        }
    }

    fn wake_all(&self) {
        for sender in &self.0 {
            sender.send_replace(());
        }
    }
}

/// Waits for changes of channels of a guild; the last one to leave clears the place.
struct Watching {
    changed: Arc<Changed>,
    guild: GuildId,
    receiver: Option<watch::Receiver<()>>,
}

impl Watching {
    async fn changed(&mut self) {
        let receiver = self
            .receiver
            .as_mut()
            .expect("it is taken only when this is dropped");
        if receiver.changed().await.is_err() {
            // The sender is kept for as long as anybody watches.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.receiver = None;
        self.changed
            .0
            .remove_if(&self.guild, |_, sender| sender.receiver_count() == 0);
    }
}

/// Tells the watchers of a guild when one of its channels changes, one lookup a change however many
/// watch. Ends with the process's hearing.
pub(super) async fn spread(
    mut follower: Follower,
    channels: CachedLoader<ChannelRow>,
    changed: Arc<Changed>,
) {
    while let Some(heard) = follower.next().await {
        match heard {
            Heard::Change(change) => {
                let Subject::Channel(id) = change.subject else {
                    continue;
                };
                if changed.0.is_empty() {
                    continue;
                }
                match channels.get(&id).await {
                    Ok(Some(row)) => changed.wake(row.guild_id),
                    // Not known here, or not now: everybody looks for themselves.
                    Ok(None) | Err(_) => changed.wake_all(),
                }
            }
            Heard::Missed => changed.wake_all(),
        }
    }
}

/// What a viewer sees of a guild, watched.
pub(super) struct Seen {
    service: Arc<ChannelService>,
    guild: GuildId,
    user: UserId,
    listener: Listener,
    watching: Watching,
    last: u64,
    /// Something changed and was not yet looked at.
    unchecked: bool,
}

impl Seen {
    /// Begins with what the viewer sees now.
    pub(super) async fn begin(
        service: Arc<ChannelService>,
        guild: GuildId,
        user: UserId,
    ) -> Result<Self, Error> {
        let listener = service
            .access
            .changes()
            .listen(&[Subject::Guild(guild), Subject::Member(guild, user)]);
        let watching = service.changed.watch(guild);
        let mut seen = Self {
            service,
            guild,
            user,
            listener,
            watching,
            last: 0,
            unchecked: false,
        };
        seen.last = seen.look().await?;
        Ok(seen)
    }

    /// Returns once the viewer sees something else than before. Safe to cancel and to call again.
    pub(super) async fn differs(&mut self) -> Result<(), Error> {
        loop {
            if !self.unchecked {
                tokio::select! {
                    () = self.listener.changed() => {}
                    () = self.watching.changed() => {}
                }
                self.unchecked = true;
            }
            let now = self.look().await?;
            self.unchecked = false;
            if std::mem::replace(&mut self.last, now) != now {
                return Ok(());
            }
        }
    }

    async fn look(&self) -> Result<u64, Error> {
        let access = &self.service.access;
        let standing = access.guilds_of(&[(self.guild, self.user)]).await?;
        let permissions = standing
            .into_iter()
            .flatten()
            .next()
            .map(|standing| standing.permissions());
        let channels = gathered(self.service.channels_in.get(self.guild).await)?.unwrap_or_default();
        let keys: Vec<(ChannelId, UserId)> = channels.iter().map(|(id, _)| (*id, self.user)).collect();
        let mut hasher = DefaultHasher::new();
        permissions.hash(&mut hasher);
        for (standing, (id, rev)) in access.channels_of(&keys).await?.into_iter().zip(channels.iter()) {
            if let Some(standing) = standing {
                (id, rev, standing.permissions()).hash(&mut hasher);
            }
        }
        Ok(hasher.finish())
    }
}
