//! The use cases of the channel domain, one noun a file; this one says what they run on.

mod act;
mod audit;
mod ban;
mod channel;
mod duty;
mod explain;
mod export;
mod follow;
mod guild;
mod housekeeping;
mod import;
mod invite;
mod member;
mod order;
mod overwrite;
mod read;
mod role;
mod seen;
mod timeout;
mod write;

pub use act::Change;
pub use audit::{AuditEntry, AuditWanted, audit_log};
pub use ban::{NewBan, ban_member, bans, unban_member};
pub use channel::{
    ChannelChange, NewChannel, archive_channel, create_channel, delete_channel, unarchive_channel,
    update_channel,
};
pub use duty::Duty;
pub use explain::{Explained, explain};
pub use follow::{Told, follow};
pub use guild::{GuildChange, NewGuild, create_guild, delete_guild, transfer_guild, update_guild};
pub use import::{
    ImportedAudience, ImportedChannel, finish_channels, import_channels, import_guild, import_members,
};
pub use invite::{
    NewInvite, Preview, accept_invite, create_invite, invite, invites, own_invites, preview, revoke_invite,
};
pub use member::{assign_role, kick_member, leave_guild, unassign_role, update_member};
pub use order::{move_channels, move_roles};
pub use overwrite::{OverwriteInput, Target, clear_overwrite, set_overwrite};
pub use read::{
    Channel, Guild, Member, channel, channel_if_visible, channels_of, guild, guilds, member, member_count,
    members, overwrites, role, roles_of, standing_of,
};
pub use role::{RoleChange, create_role, delete_role, update_role};
pub use timeout::timeout_member;

use crate::{
    Error,
    loaders::{ChannelRow, GuildRow, MemberRow, RoleRow},
    store,
};
use commons_access::{Access, ChannelStanding, GuildStanding};
use commons_content::ContentError;
use commons_entities::{ChannelId, GuildId, UserId, channel::permission_overwrite};
use commons_platform::{
    ApiError, Platform,
    auth::Actor,
    cx::Service,
    loader::{Batch, Cached, CachedLoader, Gather},
    rate::{Limiter, Quota},
    task::Guard,
};
use commons_streams::Streams;
use std::{collections::HashMap, fmt::Debug, hash::Hash, sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// One request to the channel domain.
pub type Cx = commons_platform::Cx<ChannelService>;

/// What was gathered; an error is shared by all who asked together.
pub type Gathered<T> = Result<T, ApiError>;

/// Answers asked for together; none for what does not exist.
pub type Gathering<K, V> = Gather<K, Gathered<Option<V>>>;

/// What the use cases of the channel domain run on.
pub struct ChannelService {
    /// The mechanisms of the process.
    pub platform: Platform,
    /// Who may do what.
    pub access: Arc<dyn Access>,
    /// The event log.
    pub streams: Streams,
    /// Guilds.
    pub guilds: CachedLoader<GuildRow>,
    /// Channels.
    pub channels: CachedLoader<ChannelRow>,
    /// Roles.
    pub roles: CachedLoader<RoleRow>,
    /// Members.
    pub members: CachedLoader<MemberRow>,
    /// Which channels a guild has, with their revisions; for live streams, which ask all at once.
    channels_in: Gathering<GuildId, ChannelIds>,
    /// How often somebody may change guilds.
    writes: Limiter,
    /// Whose turn it is to have permissions explained.
    explaining: Semaphore,
    changed: Arc<seen::Changed>,
    _changes: Guard,
    _housekeeping: Guard,
}

impl std::fmt::Debug for ChannelService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChannelService").finish_non_exhaustive()
    }
}

impl ChannelService {
    /// Starts the service; from then on it hears every change of standing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start(
        platform: Platform,
        access: Arc<dyn Access>,
        streams: Streams,
    ) -> Result<Arc<Self>, StartError> {
        // A service that cannot reach its database says so now, not to its first client.
        store::channel_ids_of(platform.db.read(), &[]).await?;
        let channels = loader(&platform);
        let changed = Arc::new(seen::Changed::default());
        let follower = access.changes().follow();
        let quota = Quota {
            requests: platform.config.limits.guild_changes_per_minute,
            per: Duration::from_secs(60),
        };
        Ok(Arc::new(Self {
            guilds: loader(&platform),
            roles: loader(&platform),
            members: loader(&platform),
            channels_in: channels_in(&platform),
            writes: Limiter::new(quota, platform.clock.clone()),
            explaining: Semaphore::new(1),
            _changes: Guard::background(
                "channel changes",
                seen::spread(follower, channels.clone(), changed.clone()),
            ),
            _housekeeping: Guard::background("channel housekeeping", housekeeping::forever(platform.clone())),
            changed,
            channels,
            access,
            streams,
            platform,
        }))
    }
}

/// Why the channel service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database refused.
    #[error("the database: {0}")]
    Database(#[from] sea_orm::DbErr),
}

/// The channels of a guild with their revisions.
pub type ChannelIds = Arc<Vec<(ChannelId, i64)>>;

/// What one request loads together.
#[derive(Debug)]
pub struct Loads {
    /// Guilds.
    pub guilds: Batch<GuildRow>,
    /// Channels.
    pub channels: Batch<ChannelRow>,
    /// Roles.
    pub roles: Batch<RoleRow>,
    /// Members.
    pub members: Batch<MemberRow>,
    /// What members may do in guilds.
    pub guild_standings: Gathering<(GuildId, UserId), GuildStanding>,
    /// What the actor may do in channels it sees.
    pub channel_standings: Gathering<ChannelId, ChannelStanding>,
    /// Which channels guilds have, hidden ones too, and their revisions.
    pub channels_in: Gathering<GuildId, ChannelIds>,
    /// Which roles guilds have, highest first.
    pub roles_in: Gathering<GuildId, Arc<Vec<Arc<RoleRow>>>>,
    /// How many members guilds have.
    pub member_counts: Gathering<GuildId, u64>,
    /// The overwrites of channels.
    pub overwrites: Gathering<ChannelId, Arc<Vec<permission_overwrite::Model>>>,
}

impl Service for ChannelService {
    type Loads = Loads;

    fn loads(&self, actor: &Actor) -> Loads {
        let actor = *actor;
        let access = || self.access.clone();
        let db = || self.platform.db.clone();
        let (guilds, channels) = (access(), access());
        let (roles, counts, overwrites) = (db(), db(), db());
        Loads {
            guilds: Batch::new(self.guilds.clone()),
            channels: Batch::new(self.channels.clone()),
            roles: Batch::new(self.roles.clone()),
            members: Batch::new(self.members.clone()),
            guild_standings: gather(move |keys: Vec<_>| {
                let access = guilds.clone();
                async move { Ok(present(&keys, access.guilds_of(&keys).await?)) }
            }),
            channel_standings: gather(move |keys: Vec<_>| {
                let access = channels.clone();
                async move { Ok(present(&keys, access.channels(&actor, &keys).await?)) }
            }),
            channels_in: channels_in(&self.platform),
            roles_in: gather(move |keys: Vec<_>| {
                let db = roles.clone();
                async move { Ok(shared(store::roles_of(db.read(), &keys).await?)) }
            }),
            member_counts: gather(move |keys: Vec<_>| {
                let db = counts.clone();
                async move { Ok(store::member_counts(db.read(), &keys).await?) }
            }),
            overwrites: gather(move |keys: Vec<_>| {
                let db = overwrites.clone();
                async move { Ok(shared(store::overwrites_of(db.read(), &keys).await?)) }
            }),
        }
    }
}

fn loader<E: Cached>(platform: &Platform) -> CachedLoader<E> {
    CachedLoader::new(
        platform.db.read().clone(),
        platform.cache.clone(),
        platform.bus.clone(),
        platform.clock.clone(),
    )
}

fn channels_in(platform: &Platform) -> Gathering<GuildId, ChannelIds> {
    let db = platform.db.clone();
    gather(move |keys: Vec<_>| {
        let db = db.clone();
        async move { Ok(shared(store::channel_ids_of(db.read(), &keys).await?)) }
    })
}

/// Gathers for a question that may leave keys out, or fail for all.
fn gather<K, V, F>(ask: impl Fn(Vec<K>) -> F + Send + Sync + 'static) -> Gather<K, Gathered<Option<V>>>
where
    K: Copy + Eq + Hash + Debug + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    F: Future<Output = Result<HashMap<K, V>, ApiError>> + Send + 'static,
{
    Gather::new(move |keys: Vec<K>| {
        let asked = ask(keys.clone());
        async move {
            let answers = asked.await;
            let answer = |key: &K| match &answers {
                Ok(answers) => Ok(answers.get(key).cloned()),
                Err(error) => Err(error.clone()),
            };
            keys.iter().map(|key| (*key, answer(key))).collect()
        }
    })
}

/// What was gathered under a key.
fn gathered<V>(answer: Option<Gathered<Option<V>>>) -> Gathered<Option<V>> {
    answer.unwrap_or(Ok(None))
}

fn present<K: Copy + Eq + Hash, V>(keys: &[K], values: Vec<Option<V>>) -> HashMap<K, V> {
    let pairs = keys.iter().copied().zip(values);
    pairs.filter_map(|(key, value)| Some((key, value?))).collect()
}

fn shared<K: Eq + Hash, V>(lists: HashMap<K, Vec<V>>) -> HashMap<K, Arc<Vec<V>>> {
    lists
        .into_iter()
        .map(|(key, list)| (key, Arc::new(list)))
        .collect()
}

/// A text as a content type, its refusal under the input field's name.
fn text<T>(field: &'static str, parsed: Result<T, ContentError>) -> Result<T, Error> {
    parsed.map_err(|source| Error::Content { field, source })
}

/// A field that may be absent, cleared or set.
fn cleared<T>(
    field: &'static str,
    given: Option<&Option<String>>,
    parse: impl Fn(&str) -> Result<T, ContentError>,
) -> Result<Option<Option<T>>, Error> {
    text(
        field,
        given
            .map(|value| value.as_deref().map(&parse).transpose())
            .transpose(),
    )
}

/// A number within its bounds.
fn within(field: &'static str, value: i32, min: i32, max: i32) -> Result<i32, Error> {
    if (min..=max).contains(&value) {
        Ok(value)
    } else {
        Err(Error::OutOfRange { field, min, max })
    }
}

/// The answer for what does not exist or may not be seen.
fn found<T>(thing: Option<T>) -> Result<T, Error> {
    Ok(thing.ok_or_else(ApiError::not_found)?)
}
