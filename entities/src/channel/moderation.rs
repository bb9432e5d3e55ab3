//! Rows of moderation: bans, time-outs of who is away, the audit log; and the row that a user's joins
//! take turns on.

use crate::{AuditEntryId, ChannelId, GuildId, UserId};
use sea_orm::entity::prelude::*;

/// What was done.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, EnumIter, DeriveActiveEnum, serde::Serialize, serde::Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuditAction {
    /// The guild was founded.
    GuildCreated,
    /// Its name, description or picture changed.
    GuildUpdated,
    /// It has another owner.
    GuildTransferred,
    /// It was deleted.
    GuildDeleted,
    /// A channel was made.
    ChannelCreated,
    /// A channel's name, topic, place or settings changed.
    ChannelUpdated,
    /// A channel was closed.
    ChannelArchived,
    /// A channel was opened again.
    ChannelUnarchived,
    /// A channel was deleted.
    ChannelDeleted,
    /// A role was made.
    RoleCreated,
    /// A role's name, permissions, place or looks changed.
    RoleUpdated,
    /// A role was deleted.
    RoleDeleted,
    /// A member was given a role.
    RoleAssigned,
    /// A role was taken from a member.
    RoleUnassigned,
    /// What a channel allows or denies somebody was set.
    OverwriteSet,
    /// What a channel allows or denies somebody was removed.
    OverwriteCleared,
    /// An invite was made.
    InviteCreated,
    /// An invite was taken back.
    InviteRevoked,
    /// A nickname changed.
    MemberUpdated,
    /// A member was removed.
    MemberKicked,
    /// Somebody was banned.
    MemberBanned,
    /// A ban was lifted.
    MemberUnbanned,
    /// A member may only view and read for a time.
    MemberTimedOut,
    /// A time-out was ended early.
    MemberTimeoutEnded,
}

/// What something was done to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, EnumIter, DeriveActiveEnum, serde::Serialize, serde::Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuditTarget {
    /// The guild itself.
    Guild,
    /// A channel.
    Channel,
    /// A role.
    Role,
    /// A member, or somebody who is none.
    User,
    /// An invite.
    Invite,
}

/// Somebody as far as guilds are concerned.
pub mod guild_user {
    use super::*;

    /// One row of `guild_user`: there once a user founded or joined a guild.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "guild_user")]
    pub struct Model {
        /// The user. Whoever counts or adds to a user's guilds locks this row, after the guild's stream.
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: UserId,
        /// Since then the account joins nothing.
        pub erased_at: Option<DateTimeUtc>,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Somebody who cannot join.
pub mod guild_ban {
    use super::*;

    /// One row of `guild_ban`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "guild_ban")]
    pub struct Model {
        /// The guild.
        #[sea_orm(primary_key, auto_increment = false)]
        pub guild_id: GuildId,
        /// Who cannot join.
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: UserId,
        /// Who banned them last.
        pub moderator_id: UserId,
        /// Why, in the moderator's words.
        pub reason: Option<String>,
        /// Since when.
        pub created_at: DateTimeUtc,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// A time-out of somebody who left before it ended; it goes on if they come back.
pub mod guild_timeout {
    use super::*;

    /// One row of `guild_timeout`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "guild_timeout")]
    pub struct Model {
        /// The guild.
        #[sea_orm(primary_key, auto_increment = false)]
        pub guild_id: GuildId,
        /// Who left.
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: UserId,
        /// When it ends.
        pub until: DateTimeUtc,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Who did what in a guild.
pub mod audit_entry {
    use super::*;

    /// One row of `audit_entry`: written with what it tells of, never changed.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "audit_entry")]
    pub struct Model {
        /// Its id, a UUIDv7: later entries have greater ones.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: AuditEntryId,
        /// The guild.
        pub guild_id: GuildId,
        /// Who did it; none is the instance itself.
        pub actor_id: Option<UserId>,
        /// What was done.
        pub action: AuditAction,
        /// To what kind of thing.
        pub target_kind: AuditTarget,
        /// The UUID of the thing.
        pub target_id: Uuid,
        /// The channel it happened in, if in one: who may not view that does not see the entry.
        pub channel_id: Option<ChannelId>,
        /// What it changed: a JSON list of `{ field, before, after }`, texts as their lengths alone.
        pub changes: String,
        /// Why, in the actor's words.
        pub reason: Option<String>,
        /// When.
        pub at: DateTimeUtc,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
