//! The seam: what a process asks about access, wherever the answer is computed.

use crate::{AccessWatch, Changes, ChannelStanding, GuildStanding};
use commons_entities::{ChannelId, GuildId, UserId};
use commons_platform::{ApiError, auth::Actor};
use std::sync::Arc;

/// Answers who may do what. An answer is none for what does not exist and for what its user may not
/// see, and nobody can tell which.
///
/// An audience ([`Actor::Audience`]) views one channel and is in no guild. It passes where something is
/// seen ([`Access::channels`], [`Access::view_channel`]) and is nobody where something is done.
///
/// The errors of all methods are those of the place that answers: `UNAVAILABLE`, `OVERLOADED`,
/// `INTERNAL`.
#[async_trait::async_trait]
pub trait Access: Send + Sync + std::fmt::Debug + 'static {
    /// Members' standings in guilds, in the order of the keys.
    async fn guilds_of(&self, keys: &[(GuildId, UserId)]) -> Result<Vec<Option<GuildStanding>>, ApiError>;

    /// Users' standings in channels that they may view, in the order of the keys.
    async fn channels_of(
        &self,
        keys: &[(ChannelId, UserId)],
    ) -> Result<Vec<Option<ChannelStanding>>, ApiError>;

    /// What a channel's audience may do in it: view it and read its history, for as long as the channel
    /// is there. None of any channel where there is no database: no audience comes there.
    async fn audience_of(&self, _: ChannelId) -> Result<Option<ChannelStanding>, ApiError> {
        Ok(None)
    }

    /// The channels of a guild that a user may view, in the order of the list.
    async fn visible_channels_of(
        &self,
        guild: GuildId,
        user: UserId,
    ) -> Result<Vec<ChannelStanding>, ApiError>;

    /// The changes of standing that this process hears of.
    fn changes(&self) -> &Changes;

    /// The actor's standings in guilds, in order; only a user has any.
    async fn guilds(&self, actor: &Actor, ids: &[GuildId]) -> Result<Vec<Option<GuildStanding>>, ApiError> {
        match actor.user_if_any() {
            None => Ok(vec![None; ids.len()]),
            Some(user) => {
                self.guilds_of(&ids.iter().map(|id| (*id, user)).collect::<Vec<_>>())
                    .await
            }
        }
    }

    /// The actor's standings in channels, in order; an anonymous actor has none, an audience has one in
    /// its own channel.
    async fn channels(
        &self,
        actor: &Actor,
        ids: &[ChannelId],
    ) -> Result<Vec<Option<ChannelStanding>>, ApiError> {
        match *actor {
            Actor::Anonymous => Ok(vec![None; ids.len()]),
            Actor::User { user, .. } => {
                self.channels_of(&ids.iter().map(|id| (*id, UserId(user))).collect::<Vec<_>>())
                    .await
            }
            Actor::Audience { stream } => {
                let own = ChannelId(stream);
                let standing = match ids.contains(&own) {
                    true => self.audience_of(own).await?,
                    false => None,
                };
                Ok(ids
                    .iter()
                    .map(|id| standing.clone().filter(|_| *id == own))
                    .collect())
            }
        }
    }

    /// The channels of a guild that the actor may view, in the order of the list; of a user only.
    async fn visible_channels(
        &self,
        actor: &Actor,
        guild: GuildId,
    ) -> Result<Vec<ChannelStanding>, ApiError> {
        match actor.user_if_any() {
            None => Ok(Vec::new()),
            Some(user) => self.visible_channels_of(guild, user).await,
        }
    }

    /// The actor's standing in one guild, for a mutation or a subscription; a read that answers
    /// `null` uses [`Access::guilds`].
    ///
    /// # Errors
    /// `UNAUTHENTICATED` for who is no user, `NOT_FOUND` when the actor is no member or there is no such
    /// guild.
    async fn guild(&self, actor: &Actor, id: GuildId) -> Result<GuildStanding, ApiError> {
        let key = [(id, actor.user()?)];
        if let Some(Some(standing)) = self.guilds_of(&key).await?.pop() {
            return Ok(standing);
        }
        // Another process may have let them in a moment ago: nobody is refused from a copy.
        self.changes().read().await?;
        let standing = self.guilds_of(&key).await?.pop().flatten();
        standing.ok_or_else(ApiError::not_found)
    }

    /// A user's standing in one channel, for a mutation; a read that answers `null` uses
    /// [`Access::channels`], a subscription [`Access::view_channel`].
    ///
    /// # Errors
    /// `UNAUTHENTICATED` for who is no user, `NOT_FOUND` when they may not view it or there is no such
    /// channel.
    async fn channel(&self, actor: &Actor, id: ChannelId) -> Result<ChannelStanding, ApiError> {
        actor.user::<UserId>()?;
        self.view_channel(actor, id).await
    }

    /// The actor's standing in one channel that it follows, be it a user or the channel's audience.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` without a token, `NOT_FOUND` when the actor may not view it or there is no
    /// such channel.
    async fn view_channel(&self, actor: &Actor, id: ChannelId) -> Result<ChannelStanding, ApiError> {
        if *actor == Actor::Anonymous {
            return Err(ApiError::unauthenticated());
        }
        if let Some(Some(standing)) = self.channels(actor, &[id]).await?.pop() {
            return Ok(standing);
        }
        // As in `guild`.
        self.changes().read().await?;
        let standing = self.channels(actor, &[id]).await?.pop().flatten();
        standing.ok_or_else(ApiError::not_found)
    }
}

impl dyn Access {
    /// Watches that the actor stays in a guild, for a live stream.
    ///
    /// # Errors
    /// As [`Access::guild`]; `UNAUTHENTICATED` when the session is revoked already.
    pub async fn guard_guild(self: &Arc<Self>, actor: &Actor, id: GuildId) -> Result<AccessWatch, ApiError> {
        AccessWatch::guild(self.clone(), actor, id).await
    }

    /// Watches that the actor may view a channel, for a live stream. An audience may for as long as the
    /// channel is there.
    ///
    /// # Errors
    /// As [`Access::view_channel`]; `UNAUTHENTICATED` when the session is revoked already.
    pub async fn guard_channel(
        self: &Arc<Self>,
        actor: &Actor,
        id: ChannelId,
    ) -> Result<AccessWatch, ApiError> {
        AccessWatch::channel(self.clone(), actor, id).await
    }
}
