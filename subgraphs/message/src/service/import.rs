//! Messages of another platform, with their own times and in their own order.
//!
//! A call is one transaction, so an import that is interrupted goes on where it stopped; what was
//! imported before is known by its id in the source and skipped. Imported messages are events of the
//! channel's stream like any other, dated as they were.

use super::MessageService;
use crate::{Error, events, store};
use chrono::{DateTime, SubsecRound, Utc};
use commons_content::{MessageBody, mrkdwn};
use commons_entities::{
    ChannelId, MessageId, UserId,
    message::{MessageKind, message, message_import, reaction},
};
use commons_platform::ApiError;
use commons_streams::{
    NewEvent,
    log::{self, Want},
};
use std::collections::{HashMap, HashSet};

/// A message as the source has it.
#[derive(Debug, Clone)]
pub struct ImportedMessage {
    /// Its id in the source, unique in its channel.
    pub external_id: String,
    /// The account that its author became.
    pub author: UserId,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// What it is.
    pub kind: MessageKind,
    /// The text in the source's markup.
    pub content: Option<String>,
    /// The source's id of the message it answers.
    pub reply_to: Option<String>,
    /// When it was last edited.
    pub edited_at: Option<DateTime<Utc>>,
    /// Emojis by their short names, and who put them there.
    pub reactions: Vec<(String, Vec<UserId>)>,
}

/// What the source's ids of people and channels became, for the texts that name them.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Accounts by the source's ids.
    pub users: HashMap<String, UserId>,
    /// Channels by the source's ids.
    pub channels: HashMap<String, ChannelId>,
}

impl mrkdwn::Resolver for Names {
    fn user(&self, external_id: &str) -> Option<String> {
        self.users.get(external_id).map(UserId::to_string)
    }

    fn channel(&self, external_id: &str) -> Option<String> {
        self.channels.get(external_id).map(ChannelId::to_string)
    }
}

/// A message that was left out, by its place in the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its place.
    pub index: usize,
    /// Why.
    pub why: String,
}

/// What a call did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// How many messages were added.
    pub messages: usize,
    /// How many reactions were added.
    pub reactions: usize,
    /// How many were known from an earlier run.
    pub known: usize,
    /// What was left out.
    pub skipped: Vec<Skipped>,
}

/// Adds messages to a channel in the order given; all in one transaction.
pub async fn import_messages(
    service: &MessageService,
    channel: ChannelId,
    messages: &[ImportedMessage],
    names: &Names,
) -> Result<Imported, Error> {
    let mut done = Imported::default();
    let tx = service.platform.db.begin().await?;
    // Before anything is read: another run must not know less than this one does.
    let mut locked = log::lock_waiting(&tx, &[channel.0]).await?;
    let external: Vec<&str> = messages
        .iter()
        .map(|message| message.external_id.as_str())
        .collect();
    let mut known = store::imported(&tx, channel, &external).await?;
    let mut fresh = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        if known.contains_key(&message.external_id) {
            done.known += 1;
            continue;
        }
        match parts(message, names) {
            Ok(parts) => {
                let id = MessageId(service.platform.clock.id_at(message.at));
                known.insert(message.external_id.clone(), id);
                fresh.push(Fresh {
                    id,
                    external_id: message.external_id.clone(),
                    of: message,
                    content: parts.first,
                });
                for (number, content) in (2..).zip(parts.further) {
                    let id = MessageId(service.platform.clock.id_at(message.at));
                    let external_id = format!("{}#{number}", message.external_id);
                    fresh.push(Fresh {
                        id,
                        external_id,
                        of: message,
                        content: Some(content),
                    });
                }
            }
            Err(why) => done.skipped.push(Skipped { index, why }),
        }
    }
    if fresh.is_empty() {
        return Ok(done);
    }
    let targets = fresh.iter().filter_map(|fresh| fresh.of.reply_to.as_deref());
    let targets: HashSet<&str> = targets.filter(|target| !known.contains_key(*target)).collect();
    let targets: Vec<&str> = targets.into_iter().collect();
    let earlier = store::imported(&tx, channel, &targets).await?;
    let count = u32::try_from(fresh.len()).map_err(ApiError::internal)?;
    let reserved = locked.reserve(&[Want {
        stream: channel.0,
        events: count,
        ordinals: count,
    }])?;
    let range = reserved.of(channel.0).ok_or_else(ApiError::not_found)?;
    let mut rows = Vec::with_capacity(fresh.len());
    let mut reactions = Vec::new();
    let mut notes = Vec::with_capacity(fresh.len());
    let mut told: Vec<(i64, NewEvent)> = Vec::with_capacity(fresh.len());
    for (
        place,
        Fresh {
            id,
            external_id,
            of: imported,
            content,
        },
    ) in (0i64..).zip(fresh)
    {
        let target = imported.reply_to.as_ref();
        let reply_to_id =
            target.and_then(|target| known.get(target).or_else(|| earlier.get(target)).copied());
        let row = message::Model {
            id,
            channel_id: channel,
            author_id: imported.author,
            kind: imported.kind,
            seq: range.first_seq + place,
            ordinal: range.first_ordinal + place,
            content,
            nonce: None,
            reply_to_id,
            created_at: imported.at.trunc_subsecs(3),
            edited_at: imported.edited_at.map(|at| at.trunc_subsecs(3)),
            pinned_at: None,
            deleted_at: None,
            rev: 1,
        };
        if external_id == imported.external_id {
            reactions.extend(reactions_of(&row, imported));
        }
        told.push((
            row.seq,
            events::about(&row, events::CREATED, Some(row.author_id), None, row.created_at),
        ));
        notes.push(message_import::Model {
            channel_id: channel,
            external_id,
            message_id: row.id,
        });
        rows.push(row);
    }
    done.messages = rows.len();
    done.reactions = reactions.len();
    store::insert_messages(&tx, &rows).await?;
    store::remember_imports(&tx, notes).await?;
    store::insert_reactions(&tx, reactions).await?;
    let stored = log::write(&tx, reserved, told).await?;
    tx.commit().await?;
    service.streams.announce(&stored);
    Ok(done)
}

/// Marks imported messages as pinned and says how many are; what is pinned stays so.
pub async fn pin_imported(
    service: &MessageService,
    channel: ChannelId,
    pins: &[(String, DateTime<Utc>)],
) -> Result<usize, Error> {
    let tx = service.platform.db.begin().await?;
    log::lock_waiting(&tx, &[channel.0]).await?;
    let external: Vec<&str> = pins.iter().map(|(id, _)| id.as_str()).collect();
    let known = store::imported(&tx, channel, &external).await?;
    let ids: Vec<MessageId> = known.values().copied().collect();
    let mut rows = store::by_ids(&tx, &ids).await?;
    let (mut pinned, mut told) = (0, Vec::new());
    for (external_id, at) in pins {
        let Some(mut row) = known.get(external_id).and_then(|id| rows.remove(id)) else {
            continue;
        };
        pinned += 1;
        if row.pinned_at.is_none() && row.deleted_at.is_none() {
            let at = at.trunc_subsecs(3);
            row.pinned_at = Some(at);
            row.rev += 1;
            store::update_imported(&tx, &row).await?;
            told.push(events::about(&row, events::PINNED, None, None, at));
        }
    }
    let stored = log::append(&tx, told).await?;
    let messages = service.messages.writing(&ids).await;
    let tallies = service.tallies.writing(&ids).await;
    tx.commit().await?;
    messages.removed(&ids).await;
    tallies.removed(&ids).await;
    service.streams.announce(&stored);
    Ok(pinned)
}

/// A row to be.
struct Fresh<'m> {
    id: MessageId,
    external_id: String,
    of: &'m ImportedMessage,
    content: Option<String>,
}

/// A content, in as many messages as it needs.
struct Parts {
    first: Option<String>,
    further: Vec<String>,
}

/// The content as Markdown: words of people must say something, system messages need not.
fn parts(imported: &ImportedMessage, names: &Names) -> Result<Parts, String> {
    let markdown = imported
        .content
        .as_deref()
        .map(|text| mrkdwn::to_markdown(text, names));
    let bodies = MessageBody::split(markdown.as_deref().unwrap_or_default());
    let mut bodies = bodies.into_iter().map(MessageBody::into_string);
    let first = bodies.next();
    if first.is_none() && imported.kind == MessageKind::Default {
        return Err("it has nothing to read".to_owned());
    }
    Ok(Parts {
        first,
        further: bodies.collect(),
    })
}

fn reactions_of(row: &message::Model, imported: &ImportedMessage) -> Vec<reaction::Model> {
    let mut seen = HashSet::new();
    let mut reactions = Vec::new();
    for (emoji, people) in &imported.reactions {
        let emoji = mrkdwn::emoji(emoji);
        for user in people {
            if seen.insert((emoji.as_str().to_owned(), *user)) {
                reactions.push(reaction::Model {
                    message_id: row.id,
                    emoji: emoji.as_str().to_owned(),
                    user_id: *user,
                    seq: row.seq,
                    created_at: row.created_at,
                });
            }
        }
    }
    reactions
}
