//! Signed-in devices, and what signing in ends with.

use super::Viewer;
use crate::{graphql::cx, service};
use async_graphql::{ComplexObject, Context, ID, Object, SimpleObject, Union};
use chrono::{DateTime, Utc};
use commons_entities::user::{session, user};

/// A signed-in device.
pub struct Session(pub session::Model);

/// A signed-in device.
#[Object]
impl Session {
    /// The id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The client's own words about itself, its `User-Agent`.
    async fn device(&self) -> Option<&str> {
        self.0.device.as_deref()
    }

    /// The network address that was last seen.
    async fn address(&self) -> Option<&str> {
        self.0.address.as_deref()
    }

    /// When it began.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last got an access token.
    async fn last_seen_at(&self) -> DateTime<Utc> {
        self.0.last_seen_at
    }

    /// When it ends unless it is refreshed before.
    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.expires_at
    }

    /// Whether it is the one that asks.
    async fn viewer_is_this(&self, context: &Context<'_>) -> bool {
        cx(context).actor.session().ok() == Some(self.0.id)
    }
}

/// What a way of signing in ends with.
#[derive(Union)]
pub enum LoginResult {
    /// Done.
    SignedIn(SignedIn),
}

/// A session with fresh tokens.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct SignedIn {
    /// Send it as `authorization: Bearer …`; good for five minutes.
    access_token: String,
    /// Works once, in `refreshSession`, for new tokens. Keep it secret.
    refresh_token: String,
    /// When the access token stops working.
    expires_at: DateTime<Utc>,
    #[graphql(skip)]
    session: session::Model,
    #[graphql(skip)]
    user: user::Model,
}

#[ComplexObject]
impl SignedIn {
    /// The signed-in device.
    async fn session(&self) -> Session {
        Session(self.session.clone())
    }

    /// The one who signed in.
    async fn viewer(&self) -> Viewer {
        Viewer(self.user.clone())
    }
}

impl From<service::SignedIn> for SignedIn {
    fn from(done: service::SignedIn) -> Self {
        Self {
            access_token: done.access.text,
            refresh_token: done.refresh_token,
            expires_at: done.access.expires_at,
            session: done.session,
            user: done.user,
        }
    }
}
