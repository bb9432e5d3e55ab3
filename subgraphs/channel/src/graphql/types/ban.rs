//! A ban, as who may ban sees it.

use super::UserRef;
use async_graphql::Object;
use chrono::{DateTime, Utc};
use commons_entities::channel::guild_ban;

/// Somebody who cannot join a guild.
pub struct Ban(pub guild_ban::Model);

/// Somebody who cannot join a guild.
#[Object]
impl Ban {
    /// Who cannot join.
    async fn user(&self) -> Option<UserRef> {
        Some(self.0.user_id.into())
    }

    /// Who banned them last.
    async fn moderator(&self) -> Option<UserRef> {
        Some(self.0.moderator_id.into())
    }

    /// Why, in the moderator's words.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// When.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}
