//! Access computed in this process from the database.
//!
//! Guild rules, memberships and channel rules are kept apart: a role edit forgets one guild's rules
//! and no member.

use crate::{
    Access, Changes, ChannelStanding, GuildStanding, Subject,
    changes::{Follower, Heard, Log},
    compute::{GuildRules, Membership},
    kept::Kept,
    rows::{self, ChannelRules, Channels, Guilds, Known, MemberKey, Members},
};
use commons_entities::{ChannelId, GuildId, UserId};
use commons_platform::{ApiError, Platform, clock::Clock, db::Db};
use sea_orm::DbErr;
use std::sync::Arc;

const GUILDS: u64 = 10_000;
const MEMBERS: u64 = 200_000;
const CHANNELS: u64 = 50_000;

/// The implementation of [`Access`] over the database.
pub struct LocalAccess {
    db: Db,
    clock: Arc<dyn Clock>,
    facts: Arc<Facts>,
    changes: Changes,
}

impl std::fmt::Debug for LocalAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalAccess")
            .field("changes", &self.changes)
            .finish_non_exhaustive()
    }
}

/// What is kept.
struct Facts {
    guilds: Kept<GuildId, Known<GuildRules>>,
    members: Kept<MemberKey, Known<Option<Membership>>>,
    channels: Kept<ChannelId, Known<ChannelRules>>,
}

impl Facts {
    fn forget(&self, heard: &Heard) {
        let change = match heard {
            Heard::Change(change) => change,
            Heard::Missed => {
                self.guilds.forget_all();
                self.members.forget_all();
                self.channels.forget_all();
                return;
            }
        };
        match change.subject {
            Subject::Guild(guild) => self.guilds.forget(&guild),
            Subject::Member(guild, user) => self.members.forget(&(guild, user)),
            Subject::Channel(channel) => self.channels.forget(&channel),
            Subject::Session(_) => {}
        }
    }
}

impl LocalAccess {
    /// Access over a platform's database, and the process's [`Changes`] with it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start(platform: &Platform) -> Result<Arc<Self>, DbErr> {
        let facts = Arc::new(Facts {
            guilds: Kept::new(GUILDS),
            members: Kept::new(MEMBERS),
            channels: Kept::new(CHANNELS),
        });
        let kept = facts.clone();
        let changes = Changes::start(platform, move |heard| kept.forget(heard)).await?;
        Ok(Arc::new(Self {
            db: platform.db.clone(),
            clock: platform.clock.clone(),
            facts,
            changes,
        }))
    }

    /// The log of changes, for who watches this process.
    pub(crate) fn log(&self) -> &Arc<Log> {
        self.changes
            .log()
            .expect("`start` begins changes that read the log")
    }

    /// Hears every change.
    pub(crate) fn follow(&self) -> Follower {
        self.changes.follow()
    }

    async fn guild_rules(&self, ids: &[GuildId]) -> Result<Guilds, DbErr> {
        let db = self.db.clone();
        let load = |ids: Vec<GuildId>| async move { rows::guilds(db.read(), &ids).await };
        if !self.changes.is_fresh() {
            return load(ids.to_vec()).await;
        }
        self.facts.guilds.many(ids, load).await
    }

    async fn memberships(&self, keys: &[MemberKey]) -> Result<Members, DbErr> {
        let db = self.db.clone();
        let load = |keys: Vec<MemberKey>| async move { rows::members(db.read(), &keys).await };
        if !self.changes.is_fresh() {
            return load(keys.to_vec()).await;
        }
        self.facts.members.many(keys, load).await
    }

    async fn channel_rules(&self, ids: &[ChannelId]) -> Result<Channels, DbErr> {
        let db = self.db.clone();
        let load = |ids: Vec<ChannelId>| async move { rows::channels(db.read(), &ids).await };
        if !self.changes.is_fresh() {
            return load(ids.to_vec()).await;
        }
        self.facts.channels.many(ids, load).await
    }

    async fn of_members(&self, keys: &[MemberKey]) -> Result<(Guilds, Members), DbErr> {
        let guilds: Vec<GuildId> = keys.iter().map(|(guild, _)| *guild).collect();
        futures_util::try_join!(self.guild_rules(&guilds), self.memberships(keys))
    }
}

#[async_trait::async_trait]
impl Access for LocalAccess {
    async fn guilds_of(&self, keys: &[(GuildId, UserId)]) -> Result<Vec<Option<GuildStanding>>, ApiError> {
        let (guilds, members) = self.of_members(keys).await?;
        let now = self.clock.now();
        Ok(keys
            .iter()
            .map(|key| rows::guild_standing(*key, &guilds, &members, now))
            .collect())
    }

    async fn channels_of(
        &self,
        keys: &[(ChannelId, UserId)],
    ) -> Result<Vec<Option<ChannelStanding>>, ApiError> {
        let ids: Vec<ChannelId> = keys.iter().map(|(channel, _)| *channel).collect();
        let channels = self.channel_rules(&ids).await?;
        let (guilds, members) = self.of_members(&rows::member_keys(keys, &channels)).await?;
        let now = self.clock.now();
        let standing = |(id, user): &(ChannelId, UserId)| {
            rows::channel_standing(*user, channels.get(id)?, &guilds, &members, now)
        };
        Ok(keys.iter().map(standing).collect())
    }

    async fn audience_of(&self, channel: ChannelId) -> Result<Option<ChannelStanding>, ApiError> {
        let Some(known) = self.channel_rules(&[channel]).await?.remove(&channel) else {
            return Ok(None);
        };
        let guilds = self.guild_rules(&[known.fact.facts.guild]).await?;
        Ok(rows::audience_standing(&known, &guilds))
    }

    async fn visible_channels_of(
        &self,
        guild: GuildId,
        user: UserId,
    ) -> Result<Vec<ChannelStanding>, ApiError> {
        if self
            .guilds_of(&[(guild, user)])
            .await?
            .iter()
            .all(Option::is_none)
        {
            return Ok(Vec::new());
        }
        let ids = rows::channel_ids(self.db.read(), guild).await?;
        let keys: Vec<_> = ids.into_iter().map(|id| (id, user)).collect();
        Ok(self.channels_of(&keys).await?.into_iter().flatten().collect())
    }

    fn changes(&self) -> &Changes {
        &self.changes
    }
}
