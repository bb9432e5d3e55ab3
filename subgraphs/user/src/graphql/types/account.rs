//! Accounts as others and their owners see them.

use super::{DataExport, Session};
use crate::{Error, graphql::cx, loaders::Profile, service};
use async_graphql::{Context, Enum, ID, Object, Result, connection::Connection};
use chrono::{DateTime, Utc};
use commons_entities::user::{UserKind as Kind, user};
use commons_jobs::export::EXPORT_LIST;
use commons_platform::{ApiError, page::PageArgs};
use std::sync::Arc;

/// What stands behind an account.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "Kind")]
pub enum UserKind {
    /// Somebody who can sign in.
    Person,
    /// The author of imported history who has not taken the account over yet.
    Placeholder,
    /// A program that signs in with a token.
    Bot,
}

/// An account: a person, a bot, or a placeholder made by an import.
pub struct User(pub Arc<Profile>);

impl From<user::Model> for User {
    fn from(row: user::Model) -> Self {
        Self(Arc::new(row.into()))
    }
}

/// An account: a person, a bot, or a placeholder made by an import.
#[Object]
impl User {
    /// The id, such as `user_01h455vb4pex5vsknk084sn02q`.
    #[graphql(tag = "live")]
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What stands behind the account.
    #[graphql(tag = "live")]
    async fn kind(&self) -> UserKind {
        self.0.kind.into()
    }

    /// Whether it is a program.
    #[graphql(tag = "live")]
    async fn bot(&self) -> bool {
        self.0.kind == Kind::Bot
    }

    /// The unique name, lower case; that of a deleted account is its id.
    #[graphql(tag = "live")]
    async fn username(&self) -> String {
        if self.0.deleted {
            self.0.id.to_string()
        } else {
            self.0.username.clone()
        }
    }

    /// The name that others read.
    #[graphql(tag = "live")]
    async fn display_name(&self) -> &str {
        if self.0.deleted {
            "Deleted account"
        } else {
            &self.0.display_name
        }
    }

    /// An `https` address of a picture.
    #[graphql(tag = "live")]
    async fn avatar_url(&self) -> Option<&str> {
        self.0.avatar_url.as_deref().filter(|_| !self.0.deleted)
    }

    /// A few words about oneself, at most 500 characters.
    #[graphql(tag = "live")]
    async fn bio(&self) -> Option<&str> {
        self.0.bio.as_deref().filter(|_| !self.0.deleted)
    }

    /// When the account was made; for a placeholder, when it was first seen in the import.
    #[graphql(tag = "live")]
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// The one who asks, with what only they may see.
pub struct Viewer(pub user::Model);

/// The one who asks, with what only they may see.
#[Object]
impl Viewer {
    /// The account.
    async fn user(&self) -> User {
        self.0.clone().into()
    }

    /// The email address, also good to log in with.
    async fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// May administer the instance.
    async fn administrator(&self) -> bool {
        self.0.administrator
    }

    /// The bots that the viewer made, oldest first; 25 at most.
    async fn bots(&self, context: &Context<'_>) -> Result<Vec<User>> {
        let rows = service::bots(cx(context), self.0.id).await?;
        Ok(rows.into_iter().map(User::from).collect())
    }

    /// The copies of the account that were asked for with `exportMyData`, newest first.
    async fn data_exports(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
    ) -> Result<Connection<String, DataExport>> {
        let args = PageArgs::forward(first, after.as_deref())?;
        let page = service::data_exports(cx(context), self.0.id, &args).await?;
        Ok(page.connection(EXPORT_LIST, |export| export.row.id.0, DataExport))
    }

    /// The signed-in devices, newest first.
    async fn sessions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
    ) -> Result<Connection<String, Session>> {
        let args = PageArgs::forward(first, after.as_deref())?;
        let page = service::sessions(cx(context), self.0.id, &args).await?;
        Ok(page.connection("session", |row| row.id.0, Session))
    }
}

/// The account of the actor, for payloads.
pub(in crate::graphql) async fn viewer(context: &Context<'_>) -> Result<Viewer> {
    let row = service::viewer(cx(context)).await?;
    let row = row.ok_or_else(|| Error::Api(ApiError::unauthenticated()))?;
    Ok(Viewer(row))
}
