//! Everything an import writes, as lines that are the same wherever and whenever the same is imported.
//!
//! Ids are replaced by what they stand for in the source, moments of the run by a word. What belongs to
//! no import (sessions, keys, numbers of changes) is left out.

use chrono::{DateTime, Utc};
use commons_entities::{ChannelId, GuildId, MessageId, TypedId, UserId, channel, message, stream, user};
use sea_orm::{DatabaseConnection, EntityTrait};
use std::{collections::HashMap, fmt::Debug};
use uuid::Uuid;

/// The sorted lines of a database into which one guild was imported and nothing else happened but the
/// owner's registration; `since` is a moment before the run.
pub async fn imported(db: &DatabaseConnection, since: DateTime<Utc>) -> Vec<String> {
    let mut names = Names::default();
    let mut users = user::user::Entity::find().all(db).await.unwrap();
    for row in &mut users {
        names.add::<UserId>(row.id.0, format!("user {}", row.username));
        // Salted.
        row.password_hash = None;
    }
    let guilds = channel::guild::Entity::find().all(db).await.unwrap();
    for row in &guilds {
        names.add::<GuildId>(row.id.0, format!("guild {}", row.name));
    }
    let roles = channel::role::Entity::find().all(db).await.unwrap();
    for row in &roles {
        // A guild and its first role share their UUID.
        names.0.insert(row.id.to_string(), format!("role {}", row.name));
    }
    let channels = channel::channel::Entity::find().all(db).await.unwrap();
    for row in &channels {
        names.add::<ChannelId>(row.id.0, format!("channel {}", row.name));
    }
    let messages = message::message::Entity::find().all(db).await.unwrap();
    for row in &messages {
        let channel = names.of(&row.channel_id.to_string());
        names.add::<MessageId>(
            row.id.0,
            format!("{channel} message {} {}", row.ordinal, row.created_at),
        );
    }
    let mut lines = Lines {
        names,
        since,
        lines: Vec::new(),
    };
    lines.add("user", users);
    lines.add("guild", guilds);
    lines.add("role", roles);
    lines.add("channel", channels);
    lines.add("message", messages);
    lines.all::<user::user_import::Entity>(db).await;
    lines.all::<channel::channel_import::Entity>(db).await;
    lines.all::<channel::guild_member::Entity>(db).await;
    lines.all::<channel::member_role::Entity>(db).await;
    lines.all::<channel::permission_overwrite::Entity>(db).await;
    lines.all::<message::message_import::Entity>(db).await;
    lines.all::<message::reaction::Entity>(db).await;
    lines.all::<stream::stream::Entity>(db).await;
    lines.all::<stream::stream_event::Entity>(db).await;
    lines.lines.sort_unstable();
    lines.lines
}

/// What ends a word of a row: an id, a moment, a part of a text.
const ENDS: [char; 12] = [' ', ',', '(', ')', '{', '}', '"', '<', '>', '@', '#', '&'];

/// What ids stand for, by each way an id is written.
#[derive(Default)]
struct Names(HashMap<String, String>);

impl Names {
    fn add<Id: TypedId + ToString>(&mut self, id: Uuid, name: String) {
        self.0.insert(Id::from_uuid(id).to_string(), name.clone());
        self.0.insert(id.to_string(), name);
    }

    fn of(&self, text: &str) -> String {
        self.0.get(text).cloned().unwrap_or_else(|| text.to_owned())
    }
}

struct Lines {
    names: Names,
    since: DateTime<Utc>,
    lines: Vec<String>,
}

impl Lines {
    async fn all<E: EntityTrait<Model: Debug>>(&mut self, db: &DatabaseConnection) {
        let rows = E::find().all(db).await.unwrap();
        self.add(E::default().table_name(), rows);
    }

    fn add(&mut self, table: &str, rows: Vec<impl Debug>) {
        for row in rows {
            let text = format!("{row:?}");
            let words = text.split_inclusive(ENDS);
            let line: String = words.map(|word| self.word(word)).collect();
            self.lines.push(format!("{table}: {line}"));
        }
    }

    /// A word with the sign that ends it.
    fn word(&self, word: &str) -> String {
        let text = word.trim_end_matches(ENDS);
        let end = &word[text.len()..];
        let moment = DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|at| at.timestamp_millis());
        // Some revisions are moments too.
        match moment.or_else(|| text.parse().ok()) {
            Some(at) if at >= self.since.timestamp_millis() => format!("now{end}"),
            _ => self.names.of(text) + end,
        }
    }
}
