//! Who owns guilds: asked before an account goes.

use commons_entities::{GuildId, UserId, channel::guild};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};

/// Whether somebody owns a guild that is not deleted.
///
/// # Errors
/// When the database fails.
pub async fn owns_any_guild(db: &impl ConnectionTrait, user: UserId) -> Result<bool, DbErr> {
    let first = guild::Entity::find()
        .select_only()
        .column(guild::Column::Id)
        .filter(guild::Column::OwnerId.eq(user))
        .filter(guild::Column::DeletedAt.is_null())
        .limit(1)
        .into_tuple::<GuildId>();
    Ok(first.one(db).await?.is_some())
}
