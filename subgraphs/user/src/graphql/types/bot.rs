//! What a bot gets for its token.

use super::{Session, Viewer};
use crate::service;
use async_graphql::{ComplexObject, SimpleObject};
use chrono::{DateTime, Utc};
use commons_entities::user::{session, user};

/// A bot's session with a fresh access token.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct BotSignedIn {
    /// Send it as `authorization: Bearer …`; good for five minutes, then `signInBot` gives the next.
    access_token: String,
    /// When the access token stops working.
    expires_at: DateTime<Utc>,
    #[graphql(skip)]
    session: session::Model,
    #[graphql(skip)]
    bot: user::Model,
}

#[ComplexObject]
impl BotSignedIn {
    /// The bot's one session: the same every time, until its token is replaced or it logs out.
    async fn session(&self) -> Session {
        Session(self.session.clone())
    }

    /// The bot.
    async fn viewer(&self) -> Viewer {
        Viewer(self.bot.clone())
    }
}

impl From<service::BotSignedIn> for BotSignedIn {
    fn from(done: service::BotSignedIn) -> Self {
        Self {
            access_token: done.access.text,
            expires_at: done.access.expires_at,
            session: done.session,
            bot: done.bot,
        }
    }
}
