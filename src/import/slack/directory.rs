//! `users.json`, `channels.json` and their like.

use super::record::{micros, text_or_number, time};
use chrono::{DateTime, Utc};
use serde::Deserialize;

/// Somebody of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImportedUser {
    /// Slack's id: `U…` or `W…`.
    pub(crate) external_id: String,
    /// The handle, without `@`.
    pub(crate) username: String,
    /// What others saw: the display name, else the real name, else the handle.
    pub(crate) display_name: String,
    /// Whether it is a program.
    pub(crate) bot: bool,
    /// Whether the account was closed.
    pub(crate) deleted: bool,
    /// The address of the picture.
    pub(crate) avatar: Option<String>,
}

/// A channel of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImportedChannel {
    /// Slack's id: `C…` or `G…`.
    pub(crate) external_id: String,
    /// The name, without `#`.
    pub(crate) name: String,
    /// What it is about now; mrkdwn, may be empty.
    pub(crate) topic: String,
    /// What it is for; mrkdwn, may be empty.
    pub(crate) purpose: String,
    /// Whether it is closed.
    pub(crate) archived: bool,
    /// When it was made.
    pub(crate) created_at: Option<DateTime<Utc>>,
    /// The id of who made it.
    pub(crate) creator: Option<String>,
    /// The ids of its members; empty for an archived one.
    pub(crate) member_ids: Vec<String>,
    /// The external ids of the messages that are pinned.
    pub(crate) pins: Vec<String>,
    /// Whether only its members could see it.
    pub(crate) private: bool,
}

/// An entry of `users.json`.
#[derive(Deserialize)]
pub(super) struct User {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    real_name: Option<String>,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    is_bot: bool,
    #[serde(default)]
    profile: Profile,
}

/// What a user or a message says of a person.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Profile {
    display_name: Option<String>,
    real_name: Option<String>,
    name: Option<String>,
    image_512: Option<String>,
    image_192: Option<String>,
    image_72: Option<String>,
}

impl Profile {
    /// What others saw of the person.
    pub(super) fn shown(self) -> Option<String> {
        let names = [self.display_name, self.real_name, self.name];
        names
            .into_iter()
            .flatten()
            .map(|name| decode(name.trim()))
            .find(|name| !name.is_empty())
    }
}

impl User {
    pub(super) fn imported(mut self) -> ImportedUser {
        let profile = &mut self.profile;
        let images = [
            profile.image_512.take(),
            profile.image_192.take(),
            profile.image_72.take(),
        ];
        let named = |name: &String| !name.trim().is_empty();
        let username = if named(&self.name) {
            self.name
        } else {
            self.id.clone()
        };
        ImportedUser {
            display_name: self
                .profile
                .shown()
                .or(self.real_name.filter(named))
                .unwrap_or_else(|| username.clone()),
            avatar: images.into_iter().flatten().next(),
            external_id: self.id,
            username,
            bot: self.is_bot,
            deleted: self.deleted,
        }
    }
}

/// An entry of `channels.json` or `groups.json`.
#[derive(Deserialize)]
pub(super) struct Channel {
    id: String,
    name: String,
    #[serde(default, deserialize_with = "text_or_number")]
    created: Option<String>,
    #[serde(default)]
    creator: Option<String>,
    #[serde(default)]
    is_archived: bool,
    #[serde(default)]
    members: Vec<String>,
    #[serde(default)]
    pins: Option<Vec<Pin>>,
    #[serde(default)]
    topic: Option<Words>,
    #[serde(default)]
    purpose: Option<Words>,
}

#[derive(Deserialize)]
struct Pin {
    id: String,
}

#[derive(Deserialize)]
struct Words {
    #[serde(default)]
    value: String,
}

impl Channel {
    pub(super) fn imported(self, private: bool) -> ImportedChannel {
        let words = |words: Option<Words>| words.map(|words| words.value).unwrap_or_default();
        ImportedChannel {
            external_id: self.id,
            name: self.name,
            topic: words(self.topic),
            purpose: words(self.purpose),
            archived: self.is_archived,
            created_at: self.created.as_deref().and_then(micros).and_then(time),
            creator: self.creator.filter(|creator| !creator.is_empty()),
            member_ids: self.members,
            // A pin may also be a file.
            pins: self
                .pins
                .into_iter()
                .flatten()
                .map(|pin| pin.id)
                .filter(|id| micros(id).is_some())
                .collect(),
            private,
        }
    }
}

/// An entry of `dms.json` or `mpims.json`, as far as it is counted.
#[derive(Deserialize)]
pub(super) struct Conversation {
    id: String,
    #[serde(default)]
    name: Option<String>,
}

impl Conversation {
    /// What its folder may be called.
    pub(super) fn folders(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.id.as_str()).chain(self.name.as_deref())
    }
}

/// The three entities of Slack's plain texts.
fn decode(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}
