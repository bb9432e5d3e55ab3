//! The use cases of the message domain, one file each; this one says what they run on.

mod change;
mod delete;
mod duty;
mod edit;
mod export;
mod history;
mod housekeeping;
mod import;
mod live;
mod pin;
mod react;
pub mod send;
mod typing;

pub use delete::delete;
pub use duty::Duty;
pub use edit::edit;
pub use history::{
    History, ReactingByEmoji, around, events, head_seq, last, message, messages_of, page, pinned, reacting,
    standing,
};
pub use import::{Imported, ImportedMessage, Names, Skipped, import_messages, pin_imported};
pub use live::{Live, follow};
pub use pin::{pin, unpin};
pub use react::{add_reaction, clear_reactions, remove_reaction};
pub use send::{SendInput, send};
pub use typing::{LASTS as TYPING_LASTS, Typing, start_typing, typing};

use crate::{
    Error,
    loaders::{Message, Tally},
    store::{self, ReactingPage},
};
use commons_access::{Access, ChannelStanding};
use commons_content::ContentError;
use commons_entities::{ChannelId, MessageId, UserId, message::message};
use commons_platform::{
    ApiError, Platform,
    auth::Actor,
    cx::Service,
    loader::{Batch, CachedLoader, Gather},
    rate::{Limiter, Quota},
    task::Guard,
};
use commons_streams::{Streams, log};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

/// How many different emojis a message may have.
pub const MAX_EMOJIS: u64 = 20;
/// How many pinned messages a channel may have.
pub const MAX_PINS: u64 = 250;
/// How many channels can be caught up in one request.
pub const MAX_POSITIONS: usize = 50;

/// One request to the message domain.
pub type Cx = commons_platform::Cx<MessageService>;

/// What the use cases of the message domain run on.
pub struct MessageService {
    /// The mechanisms of the process.
    pub platform: Platform,
    /// Who may do what.
    pub access: Arc<dyn Access>,
    /// The event log.
    pub streams: Streams,
    /// Messages.
    pub messages: CachedLoader<Message>,
    /// The counts of their reactions.
    pub tallies: CachedLoader<Tally>,
    sender: send::Sender,
    sends: Limiter,
    typists: typing::Typists,
    _housekeeping: Guard,
}

impl std::fmt::Debug for MessageService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MessageService").finish_non_exhaustive()
    }
}

/// The answer of a gathered question; its error is shared by all who asked.
pub type Gathered<T> = Result<T, ApiError>;

/// The batches of one request.
#[derive(Debug)]
pub struct Loads {
    /// Messages.
    pub messages: Batch<Message>,
    /// The counts of their reactions.
    pub tallies: Batch<Tally>,
    /// The actor's standings; none where they may not view.
    pub standings: Gather<ChannelId, Gathered<Option<ChannelStanding>>>,
    /// The numbers of channels' newest events.
    pub heads: Gather<ChannelId, Gathered<i64>>,
    /// Channels' newest messages; who asks has read the actor's standing before.
    pub lasts: Gather<ChannelId, Gathered<Option<message::Model>>>,
    /// The emojis that the actor put on a message.
    pub own_reactions: Gather<MessageId, Gathered<Arc<HashSet<String>>>>,
    /// The people behind the emojis of a message.
    pub reacting: Gather<(MessageId, ReactingPage), Gathered<history::ReactingByEmoji>>,
}

impl Service for MessageService {
    type Loads = Loads;

    fn loads(&self, actor: &Actor) -> Loads {
        let (access, actor) = (self.access.clone(), *actor);
        let db = || self.platform.db.clone();
        let (heads, lasts, own, people) = (db(), db(), db(), db());
        Loads {
            messages: Batch::new(self.messages.clone()),
            tallies: Batch::new(self.tallies.clone()),
            standings: Gather::new(move |ids: Vec<ChannelId>| {
                let access = access.clone();
                async move {
                    let found = access.channels(&actor, &ids).await;
                    each(ids, found, |id, i, found| (id, found[i].clone()))
                }
            }),
            heads: Gather::new(move |ids: Vec<ChannelId>| {
                let db = heads.clone();
                async move {
                    let streams: Vec<_> = ids.iter().map(|id| id.0).collect();
                    let found = log::heads(db.read(), &streams).await;
                    each(ids, found.map_err(ApiError::from), |id, _, found| {
                        (id, found.get(&id.0).map_or(0, |head| head.seq))
                    })
                }
            }),
            lasts: Gather::new(move |ids: Vec<ChannelId>| {
                let db = lasts.clone();
                async move {
                    let found = store::lasts(db.read(), &ids).await;
                    each(ids, found.map_err(ApiError::from), |id, _, found| {
                        (id, found.get(&id).cloned())
                    })
                }
            }),
            own_reactions: Gather::new(move |ids: Vec<MessageId>| {
                let db = own.clone();
                async move {
                    let found = match actor.user_if_any::<UserId>() {
                        Some(user) => store::viewer_reactions(db.read(), user, &ids).await,
                        None => Ok(HashSet::new()),
                    };
                    each(ids, found.map_err(ApiError::from), |id, _, found| {
                        let own = found
                            .iter()
                            .filter(|(message, _)| *message == id)
                            .map(|(_, emoji)| emoji.clone());
                        (id, Arc::new(own.collect()))
                    })
                }
            }),
            reacting: Gather::new(move |keys| {
                let db = people.clone();
                async move { history::reacting_many(&db, keys).await }
            }),
        }
    }
}

/// One answer for each key, or the same error for all.
fn each<K: std::hash::Hash + Eq + Copy, F, V>(
    keys: Vec<K>,
    found: Result<F, ApiError>,
    answer: impl Fn(K, usize, &F) -> (K, V),
) -> HashMap<K, Gathered<V>> {
    match found {
        Ok(found) => keys
            .into_iter()
            .enumerate()
            .map(|(i, key)| {
                let (key, value) = answer(key, i, &found);
                (key, Ok(value))
            })
            .collect(),
        Err(error) => keys.into_iter().map(|key| (key, Err(error.clone()))).collect(),
    }
}

impl MessageService {
    /// Starts the service and its writer.
    pub fn start(platform: Platform, access: Arc<dyn Access>, streams: Streams) -> Arc<Self> {
        let quota = Quota {
            requests: platform.config.limits.sends_per_ten_seconds,
            per: Duration::from_secs(10),
        };
        Arc::new(Self {
            messages: loader(&platform),
            tallies: loader(&platform),
            sender: send::Sender::start(&platform, &streams),
            sends: Limiter::new(quota, platform.clock.clone()),
            typists: typing::Typists::new(),
            _housekeeping: Guard::background("message housekeeping", housekeeping::forever(platform.clone())),
            platform,
            access,
            streams,
        })
    }

    /// Waits until every accepted message is on the disk; what comes later is refused.
    pub async fn drain(&self) {
        self.sender.drain().await;
    }
}

fn loader<E: commons_platform::loader::Cached>(platform: &Platform) -> CachedLoader<E> {
    CachedLoader::new(
        platform.db.read().clone(),
        platform.cache.clone(),
        platform.bus.clone(),
        platform.clock.clone(),
    )
}

/// A text as a content type, its refusal under the input field's name.
fn text<T>(field: &'static str, parsed: Result<T, ContentError>) -> Result<T, Error> {
    parsed.map_err(|source| Error::Content { field, source })
}
