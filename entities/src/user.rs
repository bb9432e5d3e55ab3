//! Rows of the user domain: accounts, bots, sessions, refresh tokens, signing keys, claims and imports.

use crate::{SessionId, UserId};
use sea_orm::entity::prelude::*;

/// What stands behind an account.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, EnumIter, DeriveActiveEnum, serde::Serialize, serde::Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UserKind {
    /// Somebody who can sign in.
    Person,
    /// The author of imported history; a claim token turns it into a person.
    Placeholder,
    /// A program that signs in with a token; a person owns it.
    Bot,
}

/// An account.
#[expect(
    clippy::module_inception,
    reason = "the domain and its main row share the noun"
)]
pub mod user {
    use super::*;

    /// One row of `user`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
    #[sea_orm(table_name = "user")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: UserId,
        /// What stands behind it.
        pub kind: UserKind,
        /// Unique among all accounts, lower case.
        pub username: String,
        /// What others read.
        pub display_name: String,
        /// A few words about oneself.
        pub bio: Option<String>,
        /// An `https` address of a picture.
        pub avatar_url: Option<String>,
        /// Lower case; unique where set.
        pub email: Option<String>,
        /// Argon2id in PHC form; only a person has one.
        pub password_hash: Option<String>,
        /// May administer the instance.
        pub administrator: bool,
        /// When it was made.
        pub created_at: DateTimeUtc,
        /// When it was deleted; all that was personal is gone then, but for the username, which is kept
        /// from others for a while.
        pub deleted_at: Option<DateTimeUtc>,
        /// Rises with every update.
        pub rev: i64,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// What belongs to an account that is a bot.
pub mod bot {
    use super::*;

    /// One row of `bot`; it goes when the bot is deleted.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "bot")]
    pub struct Model {
        /// The account.
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: UserId,
        /// The person who made it.
        pub owner_id: UserId,
        /// SHA-256 of its token, 32 bytes.
        pub token_hash: Vec<u8>,
        /// Its one session, as long as the token is the same.
        pub session_id: Option<SessionId>,
        /// When the token was given out.
        pub token_at: DateTimeUtc,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// A signed-in device: one family of refresh tokens.
pub mod session {
    use super::*;

    /// One row of `session`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "session")]
    pub struct Model {
        /// Its id, the `sid` of its access tokens.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: SessionId,
        /// Whose it is.
        pub user_id: UserId,
        /// The client's own words about itself.
        pub device: Option<String>,
        /// The address that was last seen.
        pub address: Option<String>,
        /// When it began.
        pub created_at: DateTimeUtc,
        /// When it last got an access token.
        pub last_seen_at: DateTimeUtc,
        /// When it ends unless it is refreshed before.
        pub expires_at: DateTimeUtc,
        /// When it was ended by somebody.
        pub revoked_at: Option<DateTimeUtc>,
        /// Rises with every update.
        pub rev: i64,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// A refresh token of a session; used ones stay until the session ends, so that reuse is seen.
pub mod refresh_token {
    use super::*;

    /// One row of `refresh_token`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "refresh_token")]
    pub struct Model {
        /// SHA-256 of the token, 32 bytes.
        #[sea_orm(primary_key, auto_increment = false)]
        pub hash: Vec<u8>,
        /// The family.
        pub session_id: SessionId,
        /// When it was given out.
        pub issued_at: DateTimeUtc,
        /// When it was first exchanged.
        pub used_at: Option<DateTimeUtc>,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// A key that signs access tokens.
pub mod signing_key {
    use super::*;

    /// One row of `signing_key`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "signing_key")]
    pub struct Model {
        /// The `kid` of its tokens.
        #[sea_orm(primary_key, auto_increment = false)]
        pub kid: String,
        /// The private key, sealed by the instance's secret.
        pub sealed: Vec<u8>,
        /// When it was made; the newest but one signs, the newest waits.
        pub created_at: DateTimeUtc,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// A token by which somebody takes over a placeholder.
pub mod placeholder_claim {
    use super::*;

    /// One row of `placeholder_claim`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "placeholder_claim")]
    pub struct Model {
        /// SHA-256 of the token, 32 bytes.
        #[sea_orm(primary_key, auto_increment = false)]
        pub hash: Vec<u8>,
        /// The placeholder.
        pub user_id: UserId,
        /// The administrator who gave it out.
        pub created_by: UserId,
        /// When it stops working.
        pub expires_at: DateTimeUtc,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Which account an imported user became.
pub mod user_import {
    use super::*;

    /// One row of `user_import`.
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "user_import")]
    pub struct Model {
        /// Where it comes from, such as `slack:T061A2UFL`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub source: String,
        /// Its id there.
        #[sea_orm(primary_key, auto_increment = false)]
        pub external_id: String,
        /// The account.
        pub user_id: UserId,
    }

    /// Relations are followed by the API, not by the ORM.
    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
