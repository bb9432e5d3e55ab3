//! What somebody did in a guild, on its way into the audit log.
//!
//! A use case says it to its `Write`, which stores it in its own transaction. Of a text only the length
//! is kept, of an invite only the id: the log must not say what was said, nor open a door.

use commons_access::Permissions;
use commons_content::Reason;
use commons_entities::{
    ChannelId, GuildId, InviteId, RoleId, UserId,
    channel::{AuditAction, AuditTarget, channel, guild, role},
};
use sea_orm::ActiveEnum;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt::Display;
use uuid::Uuid;

/// An act of the transaction under way.
#[derive(Debug)]
pub(super) struct Act {
    pub(super) action: AuditAction,
    pub(super) target: Target,
    pub(super) channel: Option<ChannelId>,
    pub(super) changes: Changes,
    pub(super) reason: Option<Reason>,
}

/// To what it was done.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    Guild(GuildId),
    Channel(ChannelId),
    Role(RoleId),
    User(UserId),
    Invite(InviteId),
}

impl Target {
    pub(super) fn columns(self) -> (AuditTarget, Uuid) {
        match self {
            Self::Guild(id) => (AuditTarget::Guild, id.0),
            Self::Channel(id) => (AuditTarget::Channel, id.0),
            Self::Role(id) => (AuditTarget::Role, id.0),
            Self::User(id) => (AuditTarget::User, id.0),
            Self::Invite(id) => (AuditTarget::Invite, id.0),
        }
    }
}

impl Act {
    pub(super) fn new(action: AuditAction, target: Target) -> Self {
        let channel = match target {
            Target::Channel(id) => Some(id),
            _ => None,
        };
        Self {
            action,
            target,
            channel,
            changes: Changes::default(),
            reason: None,
        }
    }

    pub(super) fn changing(mut self, changes: Changes) -> Self {
        self.changes = changes;
        self
    }

    /// Whether it changed nothing: what was set is what was there.
    pub(super) fn is_nothing(&self) -> bool {
        use AuditAction::{ChannelUpdated, GuildUpdated, MemberUpdated, RoleUpdated};
        let updated = matches!(
            self.action,
            GuildUpdated | ChannelUpdated | RoleUpdated | MemberUpdated
        );
        updated && self.changes.is_empty()
    }

    pub(super) fn because(mut self, reason: Option<Reason>) -> Self {
        self.reason = reason;
        self
    }
}

/// One field of what was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The field, as the API spells it.
    pub field: String,
    /// What it was; null for nothing.
    pub before: Value,
    /// What it is; null for nothing.
    pub after: Value,
}

/// The fields that an act changed; those that stayed are left out.
#[derive(Debug, Default)]
pub(super) struct Changes(Vec<Change>);

impl Changes {
    /// A value that may be shown as it is.
    pub(super) fn value(mut self, field: &str, before: impl Into<Value>, after: impl Into<Value>) -> Self {
        let (before, after) = (before.into(), after.into());
        if before != after {
            self.0.push(Change {
                field: field.to_owned(),
                before,
                after,
            });
        }
        self
    }

    /// A thing by its id.
    pub(super) fn id<T: Display>(self, field: &str, before: Option<T>, after: Option<T>) -> Self {
        let text = |id: Option<T>| id.map(|id| id.to_string());
        self.value(field, text(before), text(after))
    }

    /// A set of permissions, by their names.
    pub(super) fn permissions(
        self,
        field: &str,
        before: Option<Permissions>,
        after: Option<Permissions>,
    ) -> Self {
        let names = |set: Option<Permissions>| match set {
            None => Value::Null,
            Some(set) => set.list().iter().map(|one| one.as_str()).collect(),
        };
        self.value(field, names(before), names(after))
    }

    /// A text: its length alone.
    pub(super) fn text(mut self, field: &str, before: Option<&str>, after: Option<&str>) -> Self {
        let length = |text: Option<&str>| match text {
            None => Value::Null,
            Some(text) => json!({ "length": text.chars().count() }),
        };
        if before != after {
            self.0.push(Change {
                field: field.to_owned(),
                before: length(before),
                after: length(after),
            });
        }
        self
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As the row holds them.
    pub(super) fn into_text(self) -> String {
        serde_json::to_string(&self.0).expect("names and JSON values are JSON")
    }

    /// Between two states of a guild; no state is before its founding.
    pub(super) fn of_guild(before: Option<&guild::Model>, after: &guild::Model) -> Self {
        Self::default()
            .text("name", before.map(|row| row.name.as_str()), Some(&after.name))
            .text(
                "description",
                before.and_then(|row| row.description.as_deref()),
                after.description.as_deref(),
            )
            .text(
                "iconUrl",
                before.and_then(|row| row.icon_url.as_deref()),
                after.icon_url.as_deref(),
            )
            .id("owner", before.map(|row| row.owner_id), Some(after.owner_id))
    }

    /// Between two states of a channel; no state is before its making.
    pub(super) fn of_channel(before: Option<&channel::Model>, after: &channel::Model) -> Self {
        let kind = |row: &channel::Model| row.kind.to_value();
        Self::default()
            .text("name", before.map(|row| row.name.as_str()), Some(&after.name))
            .text(
                "topic",
                before.and_then(|row| row.topic.as_deref()),
                after.topic.as_deref(),
            )
            .value("kind", before.map(kind), kind(after))
            .value("nsfw", before.map(|row| row.nsfw), after.nsfw)
            .value(
                "slowmodeSeconds",
                before.map(|row| row.slowmode_seconds),
                after.slowmode_seconds,
            )
            .value("position", before.map(|row| row.position), after.position)
            .id("parent", before.and_then(|row| row.parent_id), after.parent_id)
    }

    /// Between two states of a role; no state is before its making.
    pub(super) fn of_role(before: Option<&role::Model>, after: &role::Model) -> Self {
        let bits = |row: &role::Model| Permissions::from_row(row.permissions);
        Self::default()
            .text("name", before.map(|row| row.name.as_str()), Some(&after.name))
            .permissions("permissions", before.map(bits), Some(bits(after)))
            .value("color", before.and_then(|row| row.color), after.color)
            .value("hoist", before.map(|row| row.hoist), after.hoist)
            .value(
                "mentionable",
                before.map(|row| row.mentionable),
                after.mentionable,
            )
            .value("position", before.map(|row| row.position), after.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_texts_only_the_length_is_kept() {
        let changes = Changes::default()
            .text("name", Some("a secret"), Some("another"))
            .text("topic", Some("same"), Some("same"))
            .value("nsfw", false, true)
            .into_text();
        assert_eq!(
            changes,
            r#"[{"field":"name","before":{"length":8},"after":{"length":7}},{"field":"nsfw","before":false,"after":true}]"#
        );
    }

    #[test]
    fn two_texts_of_one_length_are_still_a_change() {
        assert!(!Changes::default().text("name", Some("a"), Some("b")).is_empty());
        assert!(Changes::default().text("name", Some("a"), Some("a")).is_empty());
    }
}
