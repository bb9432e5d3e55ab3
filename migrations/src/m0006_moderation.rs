//! Bans, time-outs that outlive a membership, the audit log, guilds that are being erased, and the row
//! that a user's joins take turns on.

use crate::table::*;
use sea_orm_migration::{prelude::*, schema::*, sea_orm::DbBackend};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0006_moderation"
    }
}

const ACTIONS: &[&str] = &[
    "GUILD_CREATED",
    "GUILD_UPDATED",
    "GUILD_TRANSFERRED",
    "GUILD_DELETED",
    "CHANNEL_CREATED",
    "CHANNEL_UPDATED",
    "CHANNEL_ARCHIVED",
    "CHANNEL_UNARCHIVED",
    "CHANNEL_DELETED",
    "ROLE_CREATED",
    "ROLE_UPDATED",
    "ROLE_DELETED",
    "ROLE_ASSIGNED",
    "ROLE_UNASSIGNED",
    "OVERWRITE_SET",
    "OVERWRITE_CLEARED",
    "INVITE_CREATED",
    "INVITE_REVOKED",
    "MEMBER_UPDATED",
    "MEMBER_KICKED",
    "MEMBER_BANNED",
    "MEMBER_UNBANNED",
    "MEMBER_TIMED_OUT",
    "MEMBER_TIMEOUT_ENDED",
    // Acts on messages: SQLite cannot widen a CHECK, so the words stand here before their first use.
    "MESSAGE_DELETED",
    "MESSAGES_DELETED",
    "MESSAGE_PINNED",
    "MESSAGE_UNPINNED",
    "REACTIONS_CLEARED",
];

const TARGETS: &[&str] = &["GUILD", "CHANNEL", "ROLE", "USER", "INVITE", "MESSAGE"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let deleted = Table::alter()
            .table("guild")
            .add_column(at_null("deleted_at"))
            .to_owned();
        manager.alter_table(deleted).await?;
        create(
            manager,
            vec![guild_user(), guild_ban(), guild_timeout(), audit_entry()],
            vec![
                index(
                    "guild_ban_created",
                    "guild_ban",
                    &["guild_id", "created_at", "user_id"],
                ),
                index("guild_ban_user_id", "guild_ban", &["user_id"]),
                index("guild_timeout_user_id", "guild_timeout", &["user_id"]),
                index("guild_timeout_until", "guild_timeout", &["until"]),
                index("audit_entry_guild_id", "audit_entry", &["guild_id", "id"]),
                index(
                    "audit_entry_actor",
                    "audit_entry",
                    &["guild_id", "actor_id", "id"],
                ),
                index(
                    "audit_entry_target",
                    "audit_entry",
                    &["guild_id", "target_id", "id"],
                ),
                index("invite_creator", "invite", &["creator_id", "guild_id", "id"]),
                index("invite_expires", "invite", &["expires_at"]),
            ],
        )
        .await?;
        for statement in unchangeable(manager.get_database_backend()) {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["invite_expires", "invite_creator"] {
            let index = Index::drop().name(name).table("invite").to_owned();
            manager.drop_index(index).await?;
        }
        drop(
            manager,
            &["audit_entry", "guild_timeout", "guild_ban", "guild_user"],
        )
        .await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            let function = "DROP FUNCTION IF EXISTS audit_entry_stays";
            manager.get_connection().execute_unprepared(function).await?;
        }
        let deleted = Table::alter().table("guild").drop_column("deleted_at").to_owned();
        manager.alter_table(deleted).await
    }
}

/// An entry is deleted with its guild and never changed, whoever writes the statement.
fn unchangeable(backend: DbBackend) -> &'static [&'static str] {
    match backend {
        DbBackend::Postgres => &[
            "CREATE FUNCTION audit_entry_stays() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'an audit entry is never changed'; END $$",
            "CREATE TRIGGER audit_entry_stays BEFORE UPDATE ON audit_entry \
             FOR EACH ROW EXECUTE FUNCTION audit_entry_stays()",
        ],
        _ => &["CREATE TRIGGER audit_entry_stays BEFORE UPDATE ON audit_entry \
             BEGIN SELECT RAISE(ABORT, 'an audit entry is never changed'); END"],
    }
}

fn guild_user() -> TableCreateStatement {
    table(
        "guild_user",
        vec![id("user_id"), at_null("erased_at")],
        &["user_id"],
    )
}

fn guild_ban() -> TableCreateStatement {
    table(
        "guild_ban",
        vec![
            id("guild_id"),
            id("user_id"),
            id("moderator_id"),
            text_null("reason"),
            at("created_at"),
        ],
        &["guild_id", "user_id"],
    )
    .foreign_key(&mut refers(
        "guild_ban_guild",
        ("guild_ban", &["guild_id"]),
        ("guild", &["id"]),
    ))
    .to_owned()
}

fn guild_timeout() -> TableCreateStatement {
    table(
        "guild_timeout",
        vec![id("guild_id"), id("user_id"), at("until")],
        &["guild_id", "user_id"],
    )
    .foreign_key(&mut refers(
        "guild_timeout_guild",
        ("guild_timeout", &["guild_id"]),
        ("guild", &["id"]),
    ))
    .to_owned()
}

fn audit_entry() -> TableCreateStatement {
    table(
        "audit_entry",
        vec![
            id("id"),
            id("guild_id"),
            id_null("actor_id"),
            one_of("action", ACTIONS),
            one_of("target_kind", TARGETS),
            id("target_id"),
            id_null("channel_id"),
            text("changes"),
            text_null("reason"),
            at("at"),
        ],
        &["id"],
    )
    .foreign_key(&mut refers(
        "audit_entry_guild",
        ("audit_entry", &["guild_id"]),
        ("guild", &["id"]),
    ))
    .to_owned()
}
