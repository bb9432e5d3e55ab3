//! Guilds, members, roles, channels, overwrites, invites and imports.

use crate::table::*;
use sea_orm_migration::{prelude::*, schema::*};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0002_channel"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(
            manager,
            vec![
                guild(),
                guild_member(),
                role(),
                member_role(),
                channel(),
                permission_overwrite(),
                invite(),
                channel_import(),
            ],
            vec![
                index("guild_member_user_id", "guild_member", &["user_id", "guild_id"]),
                index(
                    "guild_member_joined",
                    "guild_member",
                    &["guild_id", "joined_at", "user_id"],
                ),
                index("role_guild_id", "role", &["guild_id", "position"]),
                index("member_role_role_id", "member_role", &["role_id"]),
                index("channel_guild_id", "channel", &["guild_id", "position"]),
                index("channel_parent_id", "channel", &["parent_id"]),
                index(
                    "permission_overwrite_target",
                    "permission_overwrite",
                    &["target_id"],
                ),
                index("invite_code", "invite", &["code"]).unique().to_owned(),
                index("invite_guild_id", "invite", &["guild_id", "id"]),
                index("channel_import_channel_id", "channel_import", &["channel_id"]),
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            "channel_import",
            "invite",
            "permission_overwrite",
            "channel",
            "member_role",
            "role",
            "guild_member",
            "guild",
        ];
        drop(manager, &tables).await
    }
}

fn guild() -> TableCreateStatement {
    table(
        "guild",
        vec![
            id("id"),
            text("name"),
            text_null("description"),
            text_null("icon_url"),
            id("owner_id"),
            at("created_at"),
            revision(),
        ],
        &["id"],
    )
}

fn guild_member() -> TableCreateStatement {
    table(
        "guild_member",
        vec![
            id("guild_id"),
            id("user_id"),
            text_null("nickname"),
            at("joined_at"),
            at_null("timed_out_until"),
            revision(),
        ],
        &["guild_id", "user_id"],
    )
    .foreign_key(&mut refers(
        "guild_member_guild",
        ("guild_member", &["guild_id"]),
        ("guild", &["id"]),
    ))
    .to_owned()
}

fn role() -> TableCreateStatement {
    table(
        "role",
        vec![
            id("id"),
            id("guild_id"),
            text("name"),
            integer("position"),
            big_integer("permissions"),
            integer_null("color"),
            boolean("hoist"),
            boolean("mentionable"),
            at("created_at"),
            revision(),
        ],
        &["id"],
    )
    .foreign_key(&mut refers(
        "role_guild",
        ("role", &["guild_id"]),
        ("guild", &["id"]),
    ))
    .to_owned()
}

fn member_role() -> TableCreateStatement {
    table(
        "member_role",
        vec![id("guild_id"), id("user_id"), id("role_id")],
        &["guild_id", "user_id", "role_id"],
    )
    .foreign_key(&mut refers(
        "member_role_member",
        ("member_role", &["guild_id", "user_id"]),
        ("guild_member", &["guild_id", "user_id"]),
    ))
    .foreign_key(&mut refers(
        "member_role_role",
        ("member_role", &["role_id"]),
        ("role", &["id"]),
    ))
    .to_owned()
}

fn channel() -> TableCreateStatement {
    table(
        "channel",
        vec![
            id("id"),
            id("guild_id"),
            id_null("parent_id"),
            one_of("kind", &["TEXT", "ANNOUNCEMENT", "CATEGORY"]),
            text("name"),
            text_null("topic"),
            integer("position"),
            boolean("nsfw"),
            integer("slowmode_seconds"),
            at_null("archived_at"),
            at_null("deleted_at"),
            at("created_at"),
            revision(),
        ],
        &["id"],
    )
    .foreign_key(&mut refers(
        "channel_guild",
        ("channel", &["guild_id"]),
        ("guild", &["id"]),
    ))
    .to_owned()
}

fn permission_overwrite() -> TableCreateStatement {
    table(
        "permission_overwrite",
        vec![
            id("channel_id"),
            one_of("target_kind", &["ROLE", "MEMBER"]),
            id("target_id"),
            big_integer("allow"),
            big_integer("deny"),
        ],
        &["channel_id", "target_kind", "target_id"],
    )
    .foreign_key(&mut refers(
        "permission_overwrite_channel",
        ("permission_overwrite", &["channel_id"]),
        ("channel", &["id"]),
    ))
    .to_owned()
}

fn invite() -> TableCreateStatement {
    table(
        "invite",
        vec![
            id("id"),
            text("code"),
            id("guild_id"),
            id_null("channel_id"),
            id("creator_id"),
            integer_null("max_uses"),
            integer("uses"),
            at_null("expires_at"),
            at_null("revoked_at"),
            at("created_at"),
        ],
        &["id"],
    )
    .foreign_key(&mut refers(
        "invite_guild",
        ("invite", &["guild_id"]),
        ("guild", &["id"]),
    ))
    .to_owned()
}

fn channel_import() -> TableCreateStatement {
    table(
        "channel_import",
        vec![
            id("guild_id"),
            text("source"),
            text("external_id"),
            id("channel_id"),
        ],
        &["guild_id", "source", "external_id"],
    )
    .foreign_key(&mut refers(
        "channel_import_channel",
        ("channel_import", &["channel_id"]),
        ("channel", &["id"]),
    ))
    .to_owned()
}
