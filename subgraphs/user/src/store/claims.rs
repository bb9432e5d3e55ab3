//! Tokens by which placeholders are taken over.

use chrono::{DateTime, Utc};
use commons_entities::{UserId, user::placeholder_claim};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};

/// Adds a claim.
pub async fn insert_claim(db: &impl ConnectionTrait, row: placeholder_claim::Model) -> Result<(), DbErr> {
    placeholder_claim::Entity::insert(placeholder_claim::ActiveModel::from(row).reset_all())
        .exec_without_returning(db)
        .await
        .map(|_| ())
}

/// A claim that still works.
pub async fn live_claim(
    db: &impl ConnectionTrait,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<placeholder_claim::Model>, DbErr> {
    placeholder_claim::Entity::find_by_id(hash.to_vec())
        .filter(placeholder_claim::Column::ExpiresAt.gt(now))
        .one(db)
        .await
}

/// Removes all claims of a placeholder.
pub async fn delete_claims(db: &impl ConnectionTrait, user: UserId) -> Result<(), DbErr> {
    placeholder_claim::Entity::delete_many()
        .filter(placeholder_claim::Column::UserId.eq(user))
        .exec(db)
        .await
        .map(|_| ())
}
