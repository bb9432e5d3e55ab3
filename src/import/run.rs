//! One run of an import: what the reader gives, handed to the services.

use super::{
    progress::Progress,
    slack::{Author, BadRecord, DayFile, Export, Kind, Record},
};
use crate::Services;
use anyhow::Context;
use chrono::{DateTime, Utc};
use commons_channel::service::{self as channels, ImportedAudience, ImportedChannel};
use commons_message::{
    MessageKind,
    service::{self as messages, ImportedMessage, Names},
};
use commons_user::service::{self as users, ImportedUser};
use std::collections::{BTreeMap, HashMap};

/// The name under which the services remember what came from Slack. Its ids are unique over all
/// workspaces.
const SOURCE: &str = "slack";

/// One run over one export.
pub(super) struct Run<'r> {
    services: &'r Services,
    export: &'r Export,
    summary: Summary,
}

/// What a run did.
#[derive(Debug, Default)]
pub(super) struct Summary {
    users: usize,
    channels: usize,
    messages: usize,
    reactions: usize,
    pins: usize,
    known: usize,
    /// What was left out, and why.
    pub(super) skipped: Vec<BadRecord>,
}

/// Somebody who wrote or reacted, as far as the messages tell.
struct Seen {
    name: Option<String>,
    first_at: DateTime<Utc>,
}

impl<'r> Run<'r> {
    pub(super) fn new(services: &'r Services, export: &'r Export) -> Self {
        Self {
            services,
            export,
            summary: Summary::default(),
        }
    }

    /// Imports everything.
    pub(super) async fn all(mut self, guild: &str, owner: &str) -> anyhow::Result<Summary> {
        let Services {
            user,
            channel,
            message,
            ..
        } = self.services;
        let owner = users::owner(user, owner)
            .await
            .with_context(|| format!("nobody with the username {owner} has registered"))?;
        let seen = self.seen()?;
        let people = users::import_users(user, SOURCE, &self.people(&seen)).await?;
        let guild = channels::import_guild(channel, owner, guild).await?;
        let members: Vec<_> = seen
            .iter()
            .filter_map(|(id, seen)| Some((*people.get(id)?, seen.first_at)))
            .collect();
        channels::import_members(channel, guild, &members).await?;

        let list = self.channels(&people);
        let ids = channels::import_channels(channel, guild, SOURCE, &list).await?;
        let names = Names {
            users: people,
            channels: ids,
        };
        self.summary.users = names.users.len();
        self.summary.channels = list.len();

        let days = self
            .export
            .channels()
            .iter()
            .map(|channel| self.export.days(channel).len())
            .sum();
        let progress = Progress::days(days);
        let mut archived = Vec::new();
        for imported in self.export.channels() {
            let Some(&id) = names.channels.get(&imported.external_id) else {
                continue;
            };
            progress.channel(&imported.name);
            let mut last_at = imported.created_at.unwrap_or_default();
            for day in self.export.days(imported) {
                let (records, bad) = self.export.day(day)?;
                self.summary.skipped.extend(bad);
                last_at = records.last().map_or(last_at, |record| record.at);
                let batch = messages_of(&records, &names);
                let done = messages::import_messages(message, id, &batch, &names).await?;
                self.note(day, &records, done);
                progress.day();
            }
            let pins: Vec<_> = imported.pins.iter().map(|pin| (pin.clone(), last_at)).collect();
            self.summary.pins += messages::pin_imported(message, id, &pins).await?;
            if imported.archived {
                archived.push((id, last_at));
            }
        }
        channels::finish_channels(channel, guild, &archived).await?;
        self.services
            .platform
            .db
            .analyze()
            .await
            .context("the statistics could not be renewed")?;
        Ok(self.summary)
    }

    fn note(&mut self, day: &DayFile, records: &[Record], done: messages::Imported) {
        self.summary.messages += done.messages;
        self.summary.reactions += done.reactions;
        self.summary.known += done.known;
        self.summary
            .skipped
            .extend(done.skipped.into_iter().map(|skipped| BadRecord {
                file: day.name.clone(),
                index: records.get(skipped.index).map(|record| record.index),
                why: skipped.why,
            }));
    }

    /// Everybody whom the messages name, with the time at which each is seen first.
    fn seen(&self) -> anyhow::Result<BTreeMap<String, Seen>> {
        let mut seen = BTreeMap::<String, Seen>::new();
        let mut note = |id: &str, name: Option<&str>, at: DateTime<Utc>| {
            let known = seen.entry(id.to_owned()).or_insert_with(|| Seen {
                name: None,
                first_at: at,
            });
            known.first_at = known.first_at.min(at);
            if known.name.is_none() {
                known.name = name.map(str::to_owned);
            }
        };
        let mut founded: Option<DateTime<Utc>> = None;
        for channel in self.export.channels() {
            founded = [founded, channel.created_at].into_iter().flatten().min();
            for day in self.export.days(channel) {
                for record in self.export.day(day)?.0 {
                    founded = Some(founded.map_or(record.at, |at| at.min(record.at)));
                    note(&author_id(&record.author), author_name(&record.author), record.at);
                    let people = record.reactions.iter().flat_map(|reaction| &reaction.user_ids);
                    people.for_each(|id| note(id, None, record.at));
                }
            }
        }
        // Who is listed and was never heard of has been there from the start, for all we know.
        let founded = founded.unwrap_or_default();
        for user in self.export.users() {
            let known = seen.entry(user.external_id.clone());
            known.or_insert_with(|| Seen {
                name: None,
                first_at: founded,
            });
        }
        Ok(seen)
    }

    /// Those of them who are listed, with their names there, and those who are not.
    fn people(&self, seen: &BTreeMap<String, Seen>) -> Vec<ImportedUser> {
        let listed: HashMap<&str, _> = self
            .export
            .users()
            .iter()
            .map(|user| (user.external_id.as_str(), user))
            .collect();
        let person = |(id, seen): (&String, &Seen)| match listed.get(id.as_str()) {
            Some(user) => ImportedUser {
                external_id: id.clone(),
                username: user.username.clone(),
                display_name: user.display_name.clone(),
                avatar_url: user.avatar.clone(),
                created_at: seen.first_at,
            },
            None => ImportedUser {
                external_id: id.clone(),
                username: seen.name.clone().unwrap_or_else(|| id.clone()),
                display_name: seen.name.clone().unwrap_or_else(|| id.clone()),
                avatar_url: None,
                created_at: seen.first_at,
            },
        };
        seen.iter().map(person).collect()
    }

    fn channels(&self, people: &HashMap<String, commons_user::UserId>) -> Vec<ImportedChannel> {
        let imported = |channel: &super::slack::ImportedChannel| ImportedChannel {
            external_id: channel.external_id.clone(),
            name: channel.name.clone(),
            topic: [&channel.topic, &channel.purpose]
                .into_iter()
                .find(|text| !text.is_empty())
                .cloned(),
            created_at: channel.created_at.unwrap_or_default(),
            audience: match channel.private {
                false => ImportedAudience::Everyone,
                true => ImportedAudience::Only(
                    channel
                        .member_ids
                        .iter()
                        .filter_map(|id| people.get(id))
                        .copied()
                        .collect(),
                ),
            },
        };
        self.export.channels().iter().map(imported).collect()
    }
}

/// A program without an id is told by its name.
fn author_id(author: &Author) -> String {
    match author {
        Author::User { id, .. } => id.clone(),
        Author::Bot { id: Some(id), .. } => id.clone(),
        Author::Bot { id: None, name } => format!("bot:{name}"),
    }
}

fn author_name(author: &Author) -> Option<&str> {
    match author {
        Author::User { name, .. } => name.as_deref(),
        Author::Bot { name, .. } => Some(name),
    }
}

fn messages_of(records: &[Record], names: &Names) -> Vec<ImportedMessage> {
    let people = |ids: &[String]| ids.iter().filter_map(|id| names.users.get(id)).copied().collect();
    let message = |record: &Record| {
        let (kind, content) = kind_of(record);
        Some(ImportedMessage {
            external_id: record.external_id.clone(),
            author: *names.users.get(&author_id(&record.author))?,
            at: record.at,
            kind,
            content,
            reply_to: record.reply_to.clone(),
            edited_at: record.edited_at,
            reactions: record
                .reactions
                .iter()
                .map(|reaction| (reaction.emoji.clone(), people(&reaction.user_ids)))
                .collect(),
        })
    };
    // Every author was made known before: none is left out.
    records.iter().filter_map(message).collect()
}

/// What a record is here. A purpose is the same as a topic: channels have one line about themselves.
fn kind_of(record: &Record) -> (MessageKind, Option<String>) {
    match &record.kind {
        Kind::Message => (MessageKind::Default, record.body()),
        Kind::Joined => (MessageKind::MemberJoined, None),
        Kind::Left => (MessageKind::MemberLeft, None),
        Kind::TopicChanged(text) | Kind::PurposeChanged(text) => {
            (MessageKind::TopicChanged, Some(text.clone()))
        }
        Kind::NameChanged(name) => (MessageKind::NameChanged, Some(name.clone())),
        Kind::Archived => (MessageKind::ChannelArchived, None),
        Kind::Pinned => (MessageKind::MessagePinned, record.body()),
        Kind::IntegrationAdded(what) => (MessageKind::IntegrationAdded, Some(what.clone())),
    }
}

impl Summary {
    /// Tells what was done, and what was not.
    pub(super) fn print(&self, export: &Export) {
        for skipped in &self.skipped {
            let index = skipped
                .index
                .map_or_else(String::new, |index| format!("[{index}]"));
            eprintln!("skipped {}{index}: {}", skipped.file, skipped.why);
        }
        let left_out = export.left_out();
        if left_out.direct + left_out.group_direct > 0 {
            let count = left_out.direct + left_out.group_direct;
            eprintln!("left out {count} private conversations: only channels are imported");
        }
        for folder in &left_out.folders {
            eprintln!("left out the folder {folder}: it belongs to no channel");
        }
        eprintln!(
            "{} people, {} channels; added {} messages, {} reactions; {} pins; {} messages were here already; {} skipped",
            self.users,
            self.channels,
            self.messages,
            self.reactions,
            self.pins,
            self.known,
            self.skipped.len(),
        );
    }
}
