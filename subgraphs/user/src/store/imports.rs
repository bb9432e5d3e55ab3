//! Which account an imported user became.

use commons_entities::{UserId, user::user_import};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};
use std::collections::HashMap;

/// Those of some users of a source that were imported before.
pub async fn imported_of(
    db: &impl ConnectionTrait,
    source: &str,
    external_ids: impl IntoIterator<Item = &str>,
) -> Result<HashMap<String, UserId>, DbErr> {
    let rows = user_import::Entity::find()
        .filter(user_import::Column::Source.eq(source))
        .filter(user_import::Column::ExternalId.is_in(external_ids))
        .all(db)
        .await?;
    Ok(by_external_id(rows))
}

/// Where an account was imported from.
pub async fn imports_of(db: &impl ConnectionTrait, user: UserId) -> Result<Vec<user_import::Model>, DbErr> {
    user_import::Entity::find()
        .filter(user_import::Column::UserId.eq(user))
        .all(db)
        .await
}

/// All users of a source that were imported before.
pub async fn imported(db: &impl ConnectionTrait, source: &str) -> Result<HashMap<String, UserId>, DbErr> {
    let rows = user_import::Entity::find()
        .filter(user_import::Column::Source.eq(source))
        .all(db)
        .await?;
    Ok(by_external_id(rows))
}

fn by_external_id(rows: Vec<user_import::Model>) -> HashMap<String, UserId> {
    rows.into_iter()
        .map(|row| (row.external_id, row.user_id))
        .collect()
}

/// Notes which account an imported user became.
pub async fn remember_import(db: &impl ConnectionTrait, row: user_import::Model) -> Result<(), DbErr> {
    user_import::Entity::insert(user_import::ActiveModel::from(row).reset_all())
        .exec_without_returning(db)
        .await
        .map(|_| ())
}
