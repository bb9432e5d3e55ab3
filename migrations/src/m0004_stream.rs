//! The durable event log, and the log of changes of standing.

use crate::table::*;
use sea_orm_migration::{prelude::*, schema::*};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0004_stream"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let stream = table(
            "stream",
            vec![
                id("id"),
                big_integer("head_seq"),
                big_integer("floor_seq"),
                big_integer("ordinal"),
            ],
            &["id"],
        );
        let stream_event = table(
            "stream_event",
            vec![
                id("stream_id"),
                big_integer("seq"),
                text("kind"),
                id("ref"),
                big_integer("ref_rev"),
                text_null("data"),
                id_null("actor"),
                at("at"),
            ],
            &["stream_id", "seq"],
        );
        let access_change = table(
            "access_change",
            vec![text("subject"), big_integer("version"), at("at")],
            &["subject"],
        );
        create(
            manager,
            vec![stream, stream_event, access_change],
            vec![
                index("stream_event_at", "stream_event", &["at"]),
                index("access_change_version", "access_change", &["version"]),
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, &["access_change", "stream_event", "stream"]).await
    }
}
