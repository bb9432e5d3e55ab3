//! Accounts, sessions, refresh tokens, signing keys, claims and imports.

use crate::table::*;
use sea_orm_migration::{prelude::*, schema::*};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0001_user"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let user = table(
            "user",
            vec![
                id("id"),
                one_of("kind", &["PERSON", "PLACEHOLDER", "BOT"]),
                text("username"),
                text("display_name"),
                text_null("bio"),
                text_null("avatar_url"),
                text_null("email"),
                text_null("password_hash"),
                boolean("administrator"),
                at("created_at"),
                at_null("deleted_at"),
                revision(),
            ],
            &["id"],
        );
        let session = table(
            "session",
            vec![
                id("id"),
                id("user_id"),
                text_null("device"),
                text_null("address"),
                at("created_at"),
                at("last_seen_at"),
                at("expires_at"),
                at_null("revoked_at"),
                revision(),
            ],
            &["id"],
        )
        .foreign_key(&mut refers(
            "session_user",
            ("session", &["user_id"]),
            ("user", &["id"]),
        ))
        .to_owned();
        let refresh_token = table(
            "refresh_token",
            vec![
                blob("hash"),
                id("session_id"),
                at("issued_at"),
                at_null("used_at"),
            ],
            &["hash"],
        )
        .foreign_key(&mut refers(
            "refresh_token_session",
            ("refresh_token", &["session_id"]),
            ("session", &["id"]),
        ))
        .to_owned();
        let signing_key = table(
            "signing_key",
            vec![text("kid"), blob("sealed"), at("created_at")],
            &["kid"],
        );
        let placeholder_claim = table(
            "placeholder_claim",
            vec![blob("hash"), id("user_id"), id("created_by"), at("expires_at")],
            &["hash"],
        )
        .foreign_key(&mut refers(
            "placeholder_claim_user",
            ("placeholder_claim", &["user_id"]),
            ("user", &["id"]),
        ))
        .to_owned();
        let user_import = table(
            "user_import",
            vec![text("source"), text("external_id"), id("user_id")],
            &["source", "external_id"],
        )
        .foreign_key(&mut refers(
            "user_import_user",
            ("user_import", &["user_id"]),
            ("user", &["id"]),
        ))
        .to_owned();
        create(
            manager,
            vec![
                user,
                session,
                refresh_token,
                signing_key,
                placeholder_claim,
                user_import,
            ],
            vec![
                index("user_username", "user", &["username"]).unique().to_owned(),
                index("user_email", "user", &["email"]).unique().to_owned(),
                index("session_user_id", "session", &["user_id", "id"]),
                index("refresh_token_session_id", "refresh_token", &["session_id"]),
                index("placeholder_claim_user_id", "placeholder_claim", &["user_id"]),
                index("user_import_user_id", "user_import", &["user_id"]),
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            "user_import",
            "placeholder_claim",
            "signing_key",
            "refresh_token",
            "session",
            "user",
        ];
        drop(manager, &tables).await
    }
}
