//! The installation as clients see it.

use crate::{Error, graphql::cx, service};
use async_graphql::{ComplexObject, Context, Enum, Result, SimpleObject};
use commons_platform::{config::Registration, graphql::MAX_BODY, page::MAX_SIZE};
use tokio::sync::OnceCell;

/// Who may register.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationMode {
    /// Anybody.
    Open,
    /// Nobody; the instance has its accounts.
    Closed,
}

/// What works on this instance.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// Guilds with channels, members, roles and invites.
    Guilds,
    /// Messages, live.
    Messages,
    /// Bots with tokens of their own.
    Bots,
    /// Copies of accounts for their owners.
    DataExports,
}

/// Bounds that a client can check before it asks.
#[derive(SimpleObject)]
pub struct Limits {
    /// Characters in a message.
    pub message_characters: i32,
    /// Items on a page.
    pub page_size: i32,
    /// Bytes in a request.
    pub request_bytes: i32,
}

/// This installation.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Instance {
    /// The software.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Rises when the API gets something new.
    pub api_version: i32,
    /// What works here.
    pub capabilities: Vec<Capability>,
    /// Bounds.
    pub limits: Limits,
    #[graphql(skip)]
    has_people: OnceCell<bool>,
}

impl Instance {
    /// The instance; the database is asked when a field needs it.
    pub fn current() -> Self {
        Self {
            name: "Commons",
            version: env!("CARGO_PKG_VERSION"),
            api_version: 1,
            capabilities: vec![
                Capability::Guilds,
                Capability::Messages,
                Capability::Bots,
                Capability::DataExports,
            ],
            limits: Limits {
                message_characters: 4_000,
                page_size: i32::try_from(MAX_SIZE).expect("a page is small"),
                request_bytes: i32::try_from(MAX_BODY).expect("a request is small"),
            },
            has_people: OnceCell::new(),
        }
    }

    /// Asked once: the fields that need it must not contradict each other.
    async fn has_people(&self, context: &Context<'_>) -> Result<bool, Error> {
        let ask = || service::has_people(cx(context));
        self.has_people.get_or_try_init(ask).await.copied()
    }
}

#[ComplexObject]
impl Instance {
    /// Who may register now.
    async fn registration(&self, context: &Context<'_>) -> Result<RegistrationMode> {
        let open = cx(context).platform.config.auth.registration == Registration::Open;
        Ok(if open || !self.has_people(context).await? {
            RegistrationMode::Open
        } else {
            RegistrationMode::Closed
        })
    }

    /// The next account that registers will administer the instance.
    async fn first_account_becomes_administrator(&self, context: &Context<'_>) -> Result<bool> {
        Ok(!self.has_people(context).await?)
    }
}
