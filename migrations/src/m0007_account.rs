//! Bots, and what deleting an account asks for.

use crate::table::*;
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0007_account"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let bot = table(
            "bot",
            vec![
                id("user_id"),
                id("owner_id"),
                sea_orm_migration::schema::blob("token_hash"),
                id_null("session_id"),
                at("token_at"),
            ],
            &["user_id"],
        )
        .foreign_key(&mut refers("bot_user", ("bot", &["user_id"]), ("user", &["id"])))
        .to_owned();
        create(
            manager,
            vec![bot],
            vec![
                index("bot_token_hash", "bot", &["token_hash"])
                    .unique()
                    .to_owned(),
                index("bot_owner_id", "bot", &["owner_id"]),
                // Whoever deletes an account is asked for the guilds it owns.
                index("guild_owner_id", "guild", &["owner_id"]),
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let owner = Index::drop().name("guild_owner_id").table("guild").to_owned();
        manager.drop_index(owner).await?;
        drop(manager, &["bot"]).await
    }
}
