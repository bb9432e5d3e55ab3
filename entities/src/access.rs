//! The row by which processes learn that somebody's standing changed. Owned by `access`.

use sea_orm::entity::prelude::*;

/// The newest change of one subject.
pub mod access_change {
    use super::*;

    /// One row of `access_change`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "access_change")]
    pub struct Model {
        /// Whose standing: `guild:<uuid>`, `member:<guild>:<user>`, `channel:<uuid>`, `session:<uuid>`; the
        /// row `head` holds the newest version of all, and its lock gives them out in order.
        #[sea_orm(primary_key, auto_increment = false)]
        pub subject: String,
        /// Rises over all subjects; a reader asks for what is above the last it saw.
        pub version: i64,
        /// When it changed.
        pub at: DateTimeUtc,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
