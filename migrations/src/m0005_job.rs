//! Work that one domain owes another, and what exports of accounts gather.

use crate::table::*;
use sea_orm_migration::{prelude::*, schema::*};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0005_job"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let job = table(
            "job",
            vec![
                id("id"),
                text("owner"),
                text("kind"),
                text("payload"),
                integer("attempts"),
                at("created_at"),
                at("run_at"),
                at_null("claimed_until"),
                at_null("failed_at"),
                text_null("last_error"),
            ],
            &["id"],
        );
        let data_export = table(
            "data_export",
            vec![
                id("id"),
                id("user_id"),
                at("created_at"),
                at_null("finished_at"),
                at("expires_at"),
            ],
            &["id"],
        );
        let data_export_share = table(
            "data_export_share",
            vec![
                id("export_id"),
                text("owner"),
                one_of("state", &["RUNNING", "DONE", "FAILED"]),
                text_null("cursor"),
                big_integer("parts"),
            ],
            &["export_id", "owner"],
        )
        .foreign_key(&mut refers(
            "data_export_share_export",
            ("data_export_share", &["export_id"]),
            ("data_export", &["id"]),
        ))
        .to_owned();
        let data_export_part = table(
            "data_export_part",
            vec![
                id("export_id"),
                text("owner"),
                big_integer("number"),
                text("subject"),
                text("body"),
            ],
            &["export_id", "owner", "number"],
        )
        .foreign_key(&mut refers(
            "data_export_part_export",
            ("data_export_part", &["export_id"]),
            ("data_export", &["id"]),
        ))
        .to_owned();
        create(
            manager,
            vec![job, data_export, data_export_share, data_export_part],
            vec![
                index("job_owner_run_at", "job", &["owner", "run_at", "id"]),
                index("data_export_user_id", "data_export", &["user_id", "id"]),
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = ["data_export_part", "data_export_share", "data_export", "job"];
        drop(manager, &tables).await
    }
}
