//! Messages, reactions, nonces and imports.

use crate::table::*;
use sea_orm_migration::{prelude::*, schema::*};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0003_message"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let message = table(
            "message",
            vec![
                id("id"),
                id("channel_id"),
                id("author_id"),
                one_of(
                    "kind",
                    &[
                        "DEFAULT",
                        "MEMBER_JOINED",
                        "MEMBER_LEFT",
                        "TOPIC_CHANGED",
                        "NAME_CHANGED",
                        "CHANNEL_ARCHIVED",
                        "MESSAGE_PINNED",
                        "INTEGRATION_ADDED",
                    ],
                ),
                big_integer("seq"),
                big_integer("ordinal"),
                text_null("content"),
                text_null("nonce"),
                id_null("reply_to_id"),
                at("created_at"),
                at_null("edited_at"),
                at_null("pinned_at"),
                at_null("deleted_at"),
                revision(),
            ],
            &["id"],
        );
        let reaction = table(
            "reaction",
            vec![
                id("message_id"),
                text("emoji"),
                id("user_id"),
                big_integer("seq"),
                at("created_at"),
            ],
            &["message_id", "emoji", "user_id"],
        )
        .foreign_key(&mut refers(
            "reaction_message",
            ("reaction", &["message_id"]),
            ("message", &["id"]),
        ))
        .to_owned();
        let message_nonce = table(
            "message_nonce",
            vec![
                id("author_id"),
                id("channel_id"),
                text("nonce"),
                blob("body_hash"),
                id("message_id"),
                at("created_at"),
            ],
            &["author_id", "channel_id", "nonce"],
        );
        let message_import = table(
            "message_import",
            vec![id("channel_id"), text("external_id"), id("message_id")],
            &["channel_id", "external_id"],
        );
        create(
            manager,
            vec![message, reaction, message_nonce, message_import],
            vec![
                index("message_channel_seq", "message", &["channel_id", "seq"])
                    .unique()
                    .to_owned(),
                index(
                    "message_channel_author",
                    "message",
                    &["channel_id", "author_id", "seq"],
                ),
                index("message_channel_pinned", "message", &["channel_id", "pinned_at"]),
                index("reaction_user", "reaction", &["user_id", "message_id"]),
                index("message_nonce_created", "message_nonce", &["created_at"]),
                index("message_import_message_id", "message_import", &["message_id"]),
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(
            manager,
            &["message_import", "message_nonce", "reaction", "message"],
        )
        .await
    }
}
