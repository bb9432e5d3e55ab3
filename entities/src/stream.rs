//! Rows of the durable event log: the heads of streams and their events. Owned by `streams`.

use sea_orm::entity::prelude::*;

/// A stream's head and floor.
#[expect(
    clippy::module_inception,
    reason = "the domain and its main row share the noun"
)]
pub mod stream {
    use super::*;

    /// One row of `stream`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "stream")]
    pub struct Model {
        /// The UUID of what the stream is about: a channel, a guild.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// The number of the newest event; 0 before the first.
        pub head_seq: i64,
        /// Events up to this one are gone.
        pub floor_seq: i64,
        /// How many messages the stream's channel has had; see `message.ordinal`.
        pub ordinal: i64,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// One event of a stream; never changed once written.
pub mod stream_event {
    use super::*;

    /// One row of `stream_event`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "stream_event")]
    pub struct Model {
        /// The stream.
        #[sea_orm(primary_key, auto_increment = false)]
        pub stream_id: Uuid,
        /// Dense within the stream, from 1.
        #[sea_orm(primary_key, auto_increment = false)]
        pub seq: i64,
        /// The domain's word for what happened.
        pub kind: String,
        /// What it happened to.
        #[sea_orm(column_name = "ref")]
        pub subject: Uuid,
        /// The revision of that row as the event left it.
        pub ref_rev: i64,
        /// At most 1 KiB of JSON, such as an emoji; never a text body.
        pub data: Option<String>,
        /// Who did it.
        pub actor: Option<Uuid>,
        /// When.
        pub at: DateTimeUtc,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
