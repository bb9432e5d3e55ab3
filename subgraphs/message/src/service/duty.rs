//! What this domain owes others: erasing guilds, accounts and a banned member's messages, its share of
//! an export. Each call is one step, one transaction of bounded size, and does no harm when it runs again.
//!
//! Of a deleted account, messages and reactions stay under the placeholder that its author becomes: a
//! conversation belongs to all who had it. Only when the owner asks for it do both go.

use super::{MessageService, export};
use crate::{Error, events, loaders::Message, store};
use chrono::{DateTime, Utc};
use commons_access::every_channel;
use commons_entities::{ChannelId, GuildId, MessageId, UserId, message::message};
use commons_jobs::{Effect, Owner, Progress, Runner, Worker};
use commons_platform::ApiError;
use commons_streams::log::{self, Want};
use std::{collections::BTreeSet, sync::Arc};

/// Channels looked at in one query.
const CHANNELS: u64 = 200;
/// Messages that go with a guild in one step.
const ERASED: u64 = 500;
/// Messages that are deleted in one step, each with an event.
const DELETED: u64 = 100;

/// Does what is owed; see [`MessageService::work`].
#[derive(Debug, Clone)]
pub struct Duty(pub Arc<MessageService>);

impl MessageService {
    /// Starts to do what this domain owes others, for as long as the worker is kept.
    pub fn work(self: &Arc<Self>) -> Worker {
        let duty = Duty(self.clone());
        Worker::start(self.platform.clone(), Owner::Message, Arc::new(duty))
    }
}

#[async_trait::async_trait]
impl Runner for Duty {
    async fn run(&self, effect: &Effect) -> Result<Progress, ApiError> {
        let service = &*self.0;
        let done = match effect {
            Effect::EraseGuild { guild } => erase_guild(service, *guild).await,
            Effect::EraseMessagesOf { guild, user, since } => {
                erase_messages_of(service, *guild, *user, *since).await
            }
            Effect::EraseAccount {
                user,
                erase_messages: true,
            } => erase_account(service, *user).await,
            Effect::ExportAccount { export, user } => export::step(service, *export, *user).await,
            Effect::EraseAccount { .. } | Effect::RemoveExport { .. } | Effect::ReleaseUsername { .. } => {
                Ok(Progress::Done)
            }
        };
        Ok(done?)
    }
}

/// A channel is done when its stream is gone, which goes last.
async fn erase_guild(service: &MessageService, guild: GuildId) -> Result<Progress, Error> {
    let db = service.platform.db.read();
    let mut last = None;
    loop {
        let channels = every_channel(db, guild, last, CHANNELS).await?;
        let Some(end) = channels.last() else {
            return Ok(Progress::Done);
        };
        let streams: Vec<_> = channels.iter().map(|channel| channel.0).collect();
        let left = log::heads(db, &streams).await?;
        if let Some(channel) = channels.iter().find(|channel| left.contains_key(&channel.0)) {
            erase_some(service, *channel).await?;
            return Ok(Progress::More);
        }
        last = Some(*end);
    }
}

async fn erase_some(service: &MessageService, channel: ChannelId) -> Result<(), Error> {
    let tx = service.platform.db.begin().await?;
    // Whoever sends at this moment either comes before, and is found below, or finds nothing to send to.
    log::lock_waiting(&tx, &[channel.0]).await?;
    let ids = store::erase_some_of_channel(&tx, channel, ERASED).await?;
    if ids.is_empty() {
        log::erase_some(&tx, channel.0).await?;
    }
    let messages = service.messages.writing(&ids).await;
    let tallies = service.tallies.writing(&ids).await;
    tx.commit().await?;
    messages.removed(&ids).await;
    tallies.removed(&ids).await;
    Ok(())
}

async fn erase_messages_of(
    service: &MessageService,
    guild: GuildId,
    user: UserId,
    since: DateTime<Utc>,
) -> Result<Progress, Error> {
    let db = service.platform.db.read();
    let mut last = None;
    loop {
        let channels = every_channel(db, guild, last, CHANNELS).await?;
        let Some(end) = channels.last() else {
            return Ok(Progress::Done);
        };
        if let Some(channel) = store::channel_with_author(db, &channels, user, since).await? {
            delete_some(service, channel, user, Some(since)).await?;
            return Ok(Progress::More);
        }
        last = Some(*end);
    }
}

/// Messages first, a channel a step; then reactions.
async fn erase_account(service: &MessageService, user: UserId) -> Result<Progress, Error> {
    let db = service.platform.db.read();
    if let Some(channel) = store::next_channel_of_author(db, user, None).await? {
        delete_some(service, channel, user, None).await?;
        return Ok(Progress::More);
    }
    let reactions = store::reactions_of(db, user, None, DELETED).await?;
    let ids: BTreeSet<MessageId> = reactions.iter().map(|row| row.message_id).collect();
    let ids: Vec<MessageId> = ids.into_iter().collect();
    let rows = store::by_ids(db, &ids).await?;
    let Some(channel) = rows.values().map(|row| row.channel_id).min() else {
        return Ok(Progress::Done);
    };
    let ids: Vec<MessageId> = rows
        .values()
        .filter(|row| row.channel_id == channel)
        .map(|row| row.id)
        .collect();
    take_back(service, channel, user, &ids).await?;
    Ok(Progress::More)
}

/// Deletes some messages of somebody in one channel, as they would themselves.
async fn delete_some(
    service: &MessageService,
    channel: ChannelId,
    user: UserId,
    since: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    let now = service.platform.clock.now();
    let tx = service.platform.db.begin().await?;
    let mut locked = log::lock_waiting(&tx, &[channel.0]).await?;
    let mut rows = store::of_author(&tx, channel, user, since, DELETED).await?;
    let ids: Vec<MessageId> = rows.iter().map(|row| row.id).collect();
    store::delete_messages(&tx, &ids, now).await?;
    for row in &mut rows {
        *row = message::Model {
            content: None,
            pinned_at: None,
            deleted_at: Some(now),
            rev: row.rev + 1,
            ..row.clone()
        };
    }
    // A channel that is being erased has nobody to tell.
    let stored = match rows.len() {
        0 => Vec::new(),
        _ if locked.heads.is_empty() => Vec::new(),
        count => {
            let reserved = locked.reserve(&[want(channel, count)])?;
            let first = reserved.of(channel.0).map_or(0, |range| range.first_seq);
            let told = rows
                .iter()
                .map(|row| events::about(row, events::DELETED, None, None, now));
            log::write(&tx, reserved, (first..).zip(told).collect()).await?
        }
    };
    let messages = service.messages.writing(&ids).await;
    let tallies = service.tallies.writing(&ids).await;
    tx.commit().await?;
    messages.wrote(rows.into_iter().map(Message).collect()).await;
    tallies.removed(&ids).await;
    service.streams.announce(&stored);
    Ok(())
}

/// Takes somebody's reactions off some messages of one channel, as they would themselves.
async fn take_back(
    service: &MessageService,
    channel: ChannelId,
    user: UserId,
    ids: &[MessageId],
) -> Result<(), Error> {
    let now = service.platform.clock.now();
    let tx = service.platform.db.begin().await?;
    let mut locked = log::lock_waiting(&tx, &[channel.0]).await?;
    let gone = store::erase_reactions(&tx, user, ids).await?;
    let rows = store::by_ids(&tx, ids).await?;
    let stored = match gone.len() {
        0 => Vec::new(),
        _ if locked.heads.is_empty() => Vec::new(),
        count => {
            let reserved = locked.reserve(&[want(channel, count)])?;
            let first = reserved.of(channel.0).map_or(0, |range| range.first_seq);
            let told = gone.iter().filter_map(|reaction| {
                let data = Some(events::emoji(&reaction.emoji));
                let row = rows.get(&reaction.message_id)?;
                Some(events::about(
                    row,
                    events::REACTION_REMOVED,
                    Some(user),
                    data,
                    now,
                ))
            });
            log::write(&tx, reserved, (first..).zip(told).collect()).await?
        }
    };
    let messages = service.messages.writing(ids).await;
    let tallies = service.tallies.writing(ids).await;
    tx.commit().await?;
    messages.wrote(rows.into_values().map(Message).collect()).await;
    tallies.removed(ids).await;
    service.streams.announce(&stored);
    Ok(())
}

fn want(channel: ChannelId, events: usize) -> Want {
    Want {
        stream: channel.0,
        events: u32::try_from(events).expect("a step is small"),
        ordinals: 0,
    }
}
