//! The use cases of the user domain, one file each; this one says what they run on.

mod bot;
mod claim;
mod delete;
mod export;
mod import;
mod keys;
mod lookup;
mod password;
mod profile;
mod refresh;
mod register;
mod session;
mod sign_in;
mod work;

pub use bot::{BotSignedIn, BotToken, MAX_BOTS, bots, create_bot, delete_bot, rotate_bot_token, sign_in_bot};
pub use claim::{Claim, ClaimInput, claim_placeholder, create_claim};
pub use delete::delete_account;
pub use export::{Export, data_export, data_exports, export_my_data, parts as export_parts};
pub use import::{ImportedUser, import_users, owner};
pub use lookup::{by_name, has_people, referred, user, users, viewer};
pub use profile::{ProfileInput, change_password, update_profile};
pub use refresh::refresh;
pub use register::{RegisterInput, register};
pub use session::{logout, page as sessions, revoke, revoke_others};
pub use sign_in::{SignedIn, login};

use crate::{Error, loaders::Profile, store};
use commons_access::Changes;
use commons_content::ContentError;
use commons_entities::{
    SessionId, UserId,
    user::{UserKind, user},
};
use commons_platform::{
    ApiError, Platform,
    auth::Actor,
    cx::Service,
    loader::{Batch, CachedLoader},
    rate::{Limiter, Quota},
    task::Guard,
};
use sea_orm::{ConnectionTrait, DbErr, SqlErr};
use std::{sync::Arc, time::Duration};

/// One request to the user domain.
pub type Cx = commons_platform::Cx<UserService>;

/// What the use cases of the user domain run on.
pub struct UserService {
    /// The mechanisms of the process.
    pub platform: Platform,
    /// Where ended sessions are announced.
    pub changes: Changes,
    /// Public halves of accounts.
    pub profiles: CachedLoader<Profile>,
    passwords: password::Passwords,
    sign_ins: Limiter,
    sign_ins_of_a_name: Limiter,
    /// How often an account may make tokens of bots.
    bot_tokens: Limiter,
    _rotation: Guard,
}

impl std::fmt::Debug for UserService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserService").finish_non_exhaustive()
    }
}

/// The batches of one request.
#[derive(Debug)]
pub struct Loads {
    /// Public halves of accounts.
    pub profiles: Batch<Profile>,
}

impl Service for UserService {
    type Loads = Loads;

    fn loads(&self, _: &Actor) -> Loads {
        Loads {
            profiles: Batch::new(self.profiles.clone()),
        }
    }
}

impl UserService {
    /// Starts the service: its signing keys are loaded, or made on the first start.
    ///
    /// # Errors
    /// When the database fails, or the keys were sealed with another secret.
    pub async fn start(platform: Platform, changes: Changes) -> Result<Arc<Self>, StartError> {
        keys::load(&platform).await?;
        let quota = Quota {
            requests: platform.config.limits.sign_ins_per_minute,
            per: Duration::from_secs(60),
        };
        Ok(Arc::new(Self {
            changes,
            profiles: CachedLoader::new(
                platform.db.read().clone(),
                platform.cache.clone(),
                platform.bus.clone(),
                platform.clock.clone(),
            ),
            passwords: password::Passwords::new(),
            sign_ins: Limiter::new(quota, platform.clock.clone()),
            sign_ins_of_a_name: Limiter::new(
                Quota {
                    requests: quota.requests.saturating_mul(10),
                    ..quota
                },
                platform.clock.clone(),
            ),
            bot_tokens: Limiter::new(quota, platform.clock.clone()),
            _rotation: Guard::background("key rotation", keys::rotate_forever(platform.clone())),
            platform,
        }))
    }
}

/// Why the user service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database refused.
    #[error("the database: {0}")]
    Database(#[from] sea_orm::DbErr),
    /// The secret is not the one that sealed the keys.
    #[error("the signing keys were sealed with another COMMONS_SECRET")]
    Sealed,
}

/// Counts an attempt to sign in against the address and, where there is one, the account's name.
///
/// A name has ten times the attempts of an address, so that one stranger can't lock its owner out.
fn count_attempt(cx: &Cx, name: Option<&str>) -> Result<(), ApiError> {
    cx.sign_ins.check(&format!("address:{}", cx.origin.network()))?;
    match name {
        Some(name) => cx.sign_ins_of_a_name.check(name),
        None => Ok(()),
    }
}

/// The account of the actor.
async fn me(cx: &Cx) -> Result<user::Model, Error> {
    let id: UserId = cx.actor.user()?;
    let row = store::by_id(cx.platform.db.read(), id).await?;
    Ok(row
        .filter(|row| row.deleted_at.is_none())
        .ok_or_else(ApiError::unauthenticated)?)
}

/// The account of the actor, locked until the transaction ends, whose session is still live: what was
/// revoked a moment ago decides nothing any more.
async fn lock_me(cx: &Cx, tx: &impl ConnectionTrait) -> Result<user::Model, Error> {
    let (id, session): (UserId, SessionId) = (cx.actor.user()?, cx.actor.session()?);
    let row = store::lock(tx, id).await?;
    let row = row.filter(|row| row.deleted_at.is_none());
    let live = store::live_session(tx, session, cx.platform.clock.now()).await?;
    match (row, live) {
        (Some(row), Some(_)) => Ok(row),
        _ => Err(ApiError::unauthenticated().into()),
    }
}

/// Refuses whoever is no person.
fn person(row: user::Model) -> Result<user::Model, Error> {
    match row.kind {
        UserKind::Person => Ok(row),
        UserKind::Bot | UserKind::Placeholder => Err(Error::NotForBots),
    }
}

/// Whether somebody else has a value that must be unique.
fn is_taken(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// A text as a content type, its refusal under the input field's name.
fn text<T>(field: &'static str, parsed: Result<T, ContentError>) -> Result<T, Error> {
    parsed.map_err(|source| Error::Content { field, source })
}
