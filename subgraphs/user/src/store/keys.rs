//! Signing keys.

use commons_entities::user::signing_key;
use sea_orm::{ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, QueryOrder};

/// All keys, newest first.
pub async fn keys(db: &impl ConnectionTrait) -> Result<Vec<signing_key::Model>, DbErr> {
    signing_key::Entity::find()
        .order_by_desc(signing_key::Column::CreatedAt)
        .all(db)
        .await
}

/// Adds a key.
pub async fn insert_key(db: &impl ConnectionTrait, row: signing_key::Model) -> Result<(), DbErr> {
    signing_key::Entity::insert(signing_key::ActiveModel::from(row).reset_all())
        .exec_without_returning(db)
        .await
        .map(|_| ())
}

/// Forgets a key.
pub async fn remove_key(db: &impl ConnectionTrait, kid: &str) -> Result<(), DbErr> {
    signing_key::Entity::delete_by_id(kid.to_owned())
        .exec(db)
        .await
        .map(|_| ())
}
