//! What is cached of the user domain: the public half of an account, never its password or address.

use commons_entities::{
    UserId,
    user::{UserKind, user},
};
use commons_platform::loader::Cached;
use sea_orm::{ColumnTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The public half of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Its id.
    pub id: UserId,
    /// What stands behind it.
    pub kind: UserKind,
    /// Unique name.
    pub username: String,
    /// What others read.
    pub display_name: String,
    /// A few words.
    pub bio: Option<String>,
    /// A picture.
    pub avatar_url: Option<String>,
    /// When it was made.
    pub created_at: chrono::DateTime<chrono::Utc>,
    /// It was deleted and is shown as nobody in particular.
    pub deleted: bool,
    /// The row's revision.
    pub rev: i64,
}

impl From<user::Model> for Profile {
    fn from(row: user::Model) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            username: row.username,
            display_name: row.display_name,
            bio: row.bio,
            avatar_url: row.avatar_url,
            created_at: row.created_at,
            deleted: row.deleted_at.is_some(),
            rev: row.rev,
        }
    }
}

impl Cached for Profile {
    type Key = UserId;
    const SERVICE: &'static str = "user";
    const KIND: &'static str = "user";
    const SCHEMA: u8 = 2;
    const TTL: Duration = Duration::from_secs(3600);

    fn key(&self) -> UserId {
        self.id
    }

    fn rev(&self) -> i64 {
        self.rev
    }

    async fn fetch(db: &DatabaseConnection, keys: &[UserId]) -> Result<Vec<Self>, DbErr> {
        let rows = user::Entity::find()
            .filter(user::Column::Id.is_in(keys.iter().copied()))
            .all(db)
            .await?;
        Ok(rows.into_iter().map(Self::from).collect())
    }
}
