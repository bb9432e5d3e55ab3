//! Rows of the job table, and what account exports gather. Owned by `jobs`: a domain reaches them
//! through it alone.

use crate::{ExportId, UserId};
use sea_orm::entity::prelude::*;

/// Work that a domain owes another one.
#[expect(
    clippy::module_inception,
    reason = "the domain and its main row share the noun"
)]
pub mod job {
    use super::*;

    /// One row of `job`; it goes when the work is done.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "job")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// Which service does it: `user`, `channel`, `message`.
        pub owner: String,
        /// What it is, for whoever looks.
        pub kind: String,
        /// The effect as JSON.
        pub payload: String,
        /// How often it was begun since its last step that succeeded.
        pub attempts: i32,
        /// When it was put down.
        pub created_at: DateTimeUtc,
        /// Not before.
        pub run_at: DateTimeUtc,
        /// Somebody works on it until then.
        pub claimed_until: Option<DateTimeUtc>,
        /// When it was given up.
        pub failed_at: Option<DateTimeUtc>,
        /// Why its last attempt failed, for whoever runs the instance.
        pub last_error: Option<String>,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// A copy of what an account has, for its owner.
pub mod data_export {
    use super::*;

    /// One row of `data_export`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "data_export")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: ExportId,
        /// Whose it is.
        pub user_id: UserId,
        /// When it was asked for.
        pub created_at: DateTimeUtc,
        /// When every domain had given its share, or given up.
        pub finished_at: Option<DateTimeUtc>,
        /// When it goes.
        pub expires_at: DateTimeUtc,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// How far a domain's share of an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ShareState {
    /// Being written.
    Running,
    /// All there.
    Done,
    /// Given up; what is there is not all.
    Failed,
}

/// A domain's share of an export.
pub mod data_export_share {
    use super::*;

    /// One row of `data_export_share`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "data_export_share")]
    pub struct Model {
        /// The export.
        #[sea_orm(primary_key, auto_increment = false)]
        pub export_id: ExportId,
        /// Which service writes it.
        #[sea_orm(primary_key, auto_increment = false)]
        pub owner: String,
        /// How far it is.
        pub state: ShareState,
        /// Where the owner goes on, in its own words.
        pub cursor: Option<String>,
        /// How many parts it has.
        pub parts: i64,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// A document of an export.
pub mod data_export_part {
    use super::*;

    /// One row of `data_export_part`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "data_export_part")]
    pub struct Model {
        /// The export.
        #[sea_orm(primary_key, auto_increment = false)]
        pub export_id: ExportId,
        /// Which service wrote it.
        #[sea_orm(primary_key, auto_increment = false)]
        pub owner: String,
        /// Its place among those of its owner, from 1.
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i64,
        /// What is in it, such as `sessions`.
        pub subject: String,
        /// JSON, at most 256 KiB.
        pub body: String,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
