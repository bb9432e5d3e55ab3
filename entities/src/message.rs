//! Rows of the message domain: messages, reactions, nonces and imports.

use crate::{ChannelId, MessageId, UserId};
use sea_orm::entity::prelude::*;

/// What a message is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, EnumIter, DeriveActiveEnum, serde::Serialize, serde::Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MessageKind {
    /// Somebody's words.
    Default,
    /// Somebody joined.
    MemberJoined,
    /// Somebody left.
    MemberLeft,
    /// The topic changed; `content` is the new one, or none.
    TopicChanged,
    /// The channel got another name; `content` is the new one.
    NameChanged,
    /// The channel was archived.
    ChannelArchived,
    /// A message was pinned.
    MessagePinned,
    /// An integration was added; `content` says which.
    IntegrationAdded,
}

/// A message.
#[expect(
    clippy::module_inception,
    reason = "the domain and its main row share the noun"
)]
pub mod message {
    use super::*;

    /// One row of `message`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
    #[sea_orm(table_name = "message")]
    pub struct Model {
        /// Its id; sorts by time.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: MessageId,
        /// The channel.
        pub channel_id: ChannelId,
        /// Who wrote it.
        pub author_id: UserId,
        /// What it is.
        pub kind: MessageKind,
        /// The stream's number of its creation.
        pub seq: i64,
        /// The channel's dense count of messages, from 1.
        pub ordinal: i64,
        /// Markdown; none once it is deleted.
        pub content: Option<String>,
        /// The sender's own word for it.
        pub nonce: Option<String>,
        /// The message it answers.
        pub reply_to_id: Option<MessageId>,
        /// When it was written.
        pub created_at: DateTimeUtc,
        /// When it was last edited.
        pub edited_at: Option<DateTimeUtc>,
        /// When it was pinned.
        pub pinned_at: Option<DateTimeUtc>,
        /// When it was deleted; the row stays for the replies and the log.
        pub deleted_at: Option<DateTimeUtc>,
        /// Rises with every update, also of its reactions.
        pub rev: i64,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// One person's emoji on a message.
pub mod reaction {
    use super::*;

    /// One row of `reaction`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
    #[sea_orm(table_name = "reaction")]
    pub struct Model {
        /// The message.
        #[sea_orm(primary_key, auto_increment = false)]
        pub message_id: MessageId,
        /// A Unicode emoji, or a name between colons.
        #[sea_orm(primary_key, auto_increment = false)]
        pub emoji: String,
        /// Who reacted.
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: UserId,
        /// The channel's event number that added it: the order of groups and of people in them.
        pub seq: i64,
        /// When.
        pub created_at: DateTimeUtc,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// A sender's nonce, kept 24 hours.
pub mod message_nonce {
    use super::*;

    /// One row of `message_nonce`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "message_nonce")]
    pub struct Model {
        /// The sender.
        #[sea_orm(primary_key, auto_increment = false)]
        pub author_id: UserId,
        /// The channel.
        #[sea_orm(primary_key, auto_increment = false)]
        pub channel_id: ChannelId,
        /// The sender's own word for the message.
        #[sea_orm(primary_key, auto_increment = false)]
        pub nonce: String,
        /// SHA-256 of what was sent, 32 bytes: another body is a conflict.
        pub body_hash: Vec<u8>,
        /// The message that it became.
        pub message_id: MessageId,
        /// When.
        pub created_at: DateTimeUtc,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Which message an imported one became.
pub mod message_import {
    use super::*;

    /// One row of `message_import`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "message_import")]
    pub struct Model {
        /// The channel it was imported into.
        #[sea_orm(primary_key, auto_increment = false)]
        pub channel_id: ChannelId,
        /// Its identity in the source, for Slack the `ts`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub external_id: String,
        /// The message.
        pub message_id: MessageId,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
