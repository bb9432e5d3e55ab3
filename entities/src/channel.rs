//! Rows of the channel domain: guilds, members, roles, channels, overwrites, invites and imports.

mod moderation;

pub use moderation::{AuditAction, AuditTarget, audit_entry, guild_ban, guild_timeout, guild_user};

use crate::{ChannelId, GuildId, InviteId, RoleId, UserId};
use sea_orm::entity::prelude::*;

/// What a channel is for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, EnumIter, DeriveActiveEnum, serde::Serialize, serde::Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChannelKind {
    /// Messages.
    Text,
    /// Messages that are meant to be followed.
    Announcement,
    /// A heading over other channels; holds no messages.
    Category,
}

/// Whom an overwrite is for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, serde::Serialize, serde::Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OverwriteTarget {
    /// All who have a role.
    Role,
    /// One member.
    Member,
}

/// A guild.
pub mod guild {
    use super::*;

    /// One row of `guild`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
    #[sea_orm(table_name = "guild")]
    pub struct Model {
        /// Its id, also of its stream and of its `@everyone` role.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: GuildId,
        /// What it is called.
        pub name: String,
        /// A few words about it.
        pub description: Option<String>,
        /// An `https` address of a picture.
        pub icon_url: Option<String>,
        /// Who may do everything in it.
        pub owner_id: UserId,
        /// When it was founded.
        pub created_at: DateTimeUtc,
        /// Since then it does not exist for anybody, and its rows are being erased.
        pub deleted_at: Option<DateTimeUtc>,
        /// Rises with every update.
        pub rev: i64,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Somebody in a guild.
pub mod guild_member {
    use super::*;

    /// One row of `guild_member`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
    #[sea_orm(table_name = "guild_member")]
    pub struct Model {
        /// The guild.
        #[sea_orm(primary_key, auto_increment = false)]
        pub guild_id: GuildId,
        /// The user.
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: UserId,
        /// What the guild calls them.
        pub nickname: Option<String>,
        /// When they joined.
        pub joined_at: DateTimeUtc,
        /// Until then they may only view and read history.
        pub timed_out_until: Option<DateTimeUtc>,
        /// Rises with every update.
        pub rev: i64,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// A role of a guild.
pub mod role {
    use super::*;

    /// One row of `role`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
    #[sea_orm(table_name = "role")]
    pub struct Model {
        /// Its id; `@everyone` has the guild's UUID.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: RoleId,
        /// The guild.
        pub guild_id: GuildId,
        /// What it is called.
        pub name: String,
        /// Higher ranks above lower; `@everyone` is 0, the others are distinct.
        pub position: i32,
        /// Permission bits, see `access::Permissions`.
        pub permissions: i64,
        /// RGB, 0xRRGGBB.
        pub color: Option<i32>,
        /// Its members are listed apart.
        pub hoist: bool,
        /// Anybody may mention it.
        pub mentionable: bool,
        /// When it was made.
        pub created_at: DateTimeUtc,
        /// Rises with every update.
        pub rev: i64,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// A role that a member has; nobody has a row for `@everyone`.
pub mod member_role {
    use super::*;

    /// One row of `member_role`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "member_role")]
    pub struct Model {
        /// The guild.
        #[sea_orm(primary_key, auto_increment = false)]
        pub guild_id: GuildId,
        /// The member.
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: UserId,
        /// The role.
        #[sea_orm(primary_key, auto_increment = false)]
        pub role_id: RoleId,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// A channel of a guild.
#[expect(
    clippy::module_inception,
    reason = "the domain and its main row share the noun"
)]
pub mod channel {
    use super::*;

    /// One row of `channel`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
    #[sea_orm(table_name = "channel")]
    pub struct Model {
        /// Its id, also of its stream.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: ChannelId,
        /// The guild.
        pub guild_id: GuildId,
        /// The category it stands under.
        pub parent_id: Option<ChannelId>,
        /// What it is for.
        pub kind: ChannelKind,
        /// What it is called.
        pub name: String,
        /// What is talked about in it.
        pub topic: Option<String>,
        /// Lower stands higher in the list.
        pub position: i32,
        /// Not for everybody's eyes.
        pub nsfw: bool,
        /// Seconds between two messages of one member; 0 is no limit.
        pub slowmode_seconds: i32,
        /// Since then nothing is sent here.
        pub archived_at: Option<DateTimeUtc>,
        /// Since then it does not exist for anybody.
        pub deleted_at: Option<DateTimeUtc>,
        /// When it was made.
        pub created_at: DateTimeUtc,
        /// Rises with every update.
        pub rev: i64,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// What a channel allows and denies a role or a member.
pub mod permission_overwrite {
    use super::*;

    /// One row of `permission_overwrite`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
    #[sea_orm(table_name = "permission_overwrite")]
    pub struct Model {
        /// The channel.
        #[sea_orm(primary_key, auto_increment = false)]
        pub channel_id: ChannelId,
        /// Role or member.
        #[sea_orm(primary_key, auto_increment = false)]
        pub target_kind: OverwriteTarget,
        /// The UUID of the role or the user.
        #[sea_orm(primary_key, auto_increment = false)]
        pub target_id: Uuid,
        /// Permission bits.
        pub allow: i64,
        /// Permission bits.
        pub deny: i64,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// A way into a guild.
pub mod invite {
    use super::*;

    /// One row of `invite`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "invite")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: InviteId,
        /// What is passed on; unguessable and unique.
        pub code: String,
        /// The guild.
        pub guild_id: GuildId,
        /// The channel that opens first.
        pub channel_id: Option<ChannelId>,
        /// Who made it; the nil UUID once that account is erased.
        pub creator_id: UserId,
        /// How often it works; none is without end.
        pub max_uses: Option<i32>,
        /// How often it was used.
        pub uses: i32,
        /// When it stops working; none is never.
        pub expires_at: Option<DateTimeUtc>,
        /// When it was taken back.
        pub revoked_at: Option<DateTimeUtc>,
        /// When it was made.
        pub created_at: DateTimeUtc,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Which channel an imported one became.
pub mod channel_import {
    use super::*;

    /// One row of `channel_import`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "channel_import")]
    pub struct Model {
        /// The guild it was imported into.
        #[sea_orm(primary_key, auto_increment = false)]
        pub guild_id: GuildId,
        /// Where it comes from, such as `slack:T061A2UFL`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub source: String,
        /// Its id there.
        #[sea_orm(primary_key, auto_increment = false)]
        pub external_id: String,
        /// The channel.
        pub channel_id: ChannelId,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
