//! Bots: accounts of programs, each owned by a person.
//!
//! A bot has a token that lives until it is replaced. It exchanges it for access tokens like anybody's,
//! so that every subgraph checks the same kind of token, and its one session ends with its token: then
//! its streams end within a second, everywhere.

use super::{
    Cx, delete, is_taken, lock_me, person,
    session::announce_ended,
    sign_in::{SESSION_LIFETIME, begin_session},
    text,
};
use crate::{Error, store};
use commons_access::{Subject, change::record};
use commons_content::{DisplayName, Username};
use commons_entities::{
    UserId,
    user::{UserKind, bot, session, user},
};
use commons_platform::{
    ApiError,
    auth::AccessToken,
    secret::{random_token, token_hash},
};

/// How many bots an account may have.
pub const MAX_BOTS: u64 = 25;

/// A bot with its token.
#[derive(Debug)]
pub struct BotToken {
    /// The account.
    pub bot: user::Model,
    /// `bot_<id>_<256 bits>`; shown once.
    pub token: String,
}

/// A bot's session with a fresh access token.
#[derive(Debug)]
pub struct BotSignedIn {
    /// Names the bot for five minutes.
    pub access: AccessToken,
    /// Its one session.
    pub session: session::Model,
    /// The account.
    pub bot: user::Model,
}

/// The bots of somebody, oldest first.
pub async fn bots(cx: &Cx, owner: UserId) -> Result<Vec<user::Model>, Error> {
    Ok(store::bots_of(cx.platform.db.read(), owner).await?)
}

/// Makes a bot of the actor's.
pub async fn create_bot(cx: &Cx, username: &str, display_name: Option<&str>) -> Result<BotToken, Error> {
    let owner: UserId = cx.actor.user()?;
    let name = text("username", Username::parse(username))?;
    let display_name = DisplayName::parse(display_name.unwrap_or(username));
    let display_name = text("displayName", display_name)?;
    cx.bot_tokens.check(&owner.to_string())?;
    let now = cx.platform.clock.now();
    let tx = cx.platform.db.begin().await?;
    person(lock_me(cx, &tx).await?)?;
    if store::count_bots(&tx, owner).await? >= MAX_BOTS {
        return Err(Error::TooManyBots);
    }
    if store::username_is_taken(&tx, &name, None).await? {
        return Err(Error::UsernameTaken);
    }
    let row = user::Model {
        id: UserId(cx.platform.clock.new_id()),
        kind: UserKind::Bot,
        username: name.into_string(),
        display_name: display_name.into_string(),
        bio: None,
        avatar_url: None,
        email: None,
        password_hash: None,
        administrator: false,
        created_at: now,
        deleted_at: None,
        rev: 1,
    };
    let token = new_token(row.id);
    let belongings = bot::Model {
        user_id: row.id,
        owner_id: owner,
        token_hash: token_hash(&token),
        session_id: None,
        token_at: now,
    };
    let writing = cx.profiles.writing(&[row.id]).await;
    let bot = match store::insert_user(&tx, row).await {
        Err(error) if is_taken(&error) => {
            writing.unchanged().await;
            return Err(Error::UsernameTaken);
        }
        done => done?,
    };
    store::insert_bot(&tx, belongings).await?;
    tx.commit().await?;
    writing.wrote(vec![bot.clone().into()]).await;
    Ok(BotToken { bot, token })
}

/// Gives a bot of the actor's another token. The one before, and what was opened with it, is over.
pub async fn rotate_bot_token(cx: &Cx, bot: UserId) -> Result<BotToken, Error> {
    let owner: UserId = cx.actor.user()?;
    cx.bot_tokens.check(&owner.to_string())?;
    let now = cx.platform.clock.now();
    let tx = cx.platform.db.begin().await?;
    let bot = lock_own(cx, &tx, bot).await?;
    let token = new_token(bot.id);
    store::set_bot_token(&tx, bot.id, token_hash(&token), now).await?;
    let ended = store::end_sessions(&tx, bot.id).await?;
    let subjects: Vec<Subject> = ended.iter().copied().map(Subject::Session).collect();
    let change = record(&tx, now, &subjects).await?;
    tx.commit().await?;
    announce_ended(cx, change, &ended).await;
    Ok(BotToken { bot, token })
}

/// Deletes a bot of the actor's, as an account is deleted.
pub async fn delete_bot(cx: &Cx, bot: UserId) -> Result<(), Error> {
    cx.actor.user::<UserId>()?;
    let tx = cx.platform.db.begin().await?;
    let bot = lock_own(cx, &tx, bot).await?;
    delete::bury(cx, tx, &[bot], false).await
}

/// Exchanges a bot's token for an access token.
pub async fn sign_in_bot(cx: &Cx, token: &str) -> Result<BotSignedIn, Error> {
    let hash = token_hash(token);
    // As refresh tokens: guesses are counted by the address, and never get to what writes.
    let Some(known) = store::bot_by_token(cx.platform.db.read(), &hash).await? else {
        cx.sign_ins.check(&format!("bot:{}", cx.origin.network()))?;
        return Err(Error::BotTokenInvalid);
    };
    cx.sign_ins.check(&format!("bot:{}", known.user_id))?;
    let now = cx.platform.clock.now();
    let tx = cx.platform.db.begin().await?;
    let bot = store::lock(&tx, known.user_id).await?;
    let bot = bot
        .filter(|bot| bot.deleted_at.is_none())
        .ok_or(Error::BotTokenInvalid)?;
    let belongings = store::bot_by_token(&tx, &hash).await?;
    let belongings = belongings.ok_or(Error::BotTokenInvalid)?;
    let live = match belongings.session_id {
        Some(id) => store::lock_live_session(&tx, id, now).await?,
        None => None,
    };
    let session = match live {
        Some(mut session) => {
            let address = cx.origin.address.to_string();
            session.last_seen_at = now;
            session.expires_at = now + SESSION_LIFETIME;
            session.address = Some(address.clone());
            store::touch_session(&tx, session.id, address, now, session.expires_at).await?;
            session
        }
        None => {
            let session = begin_session(cx, &tx, &bot).await?;
            store::set_bot_session(&tx, bot.id, session.id).await?;
            session
        }
    };
    tx.commit().await?;
    let access = cx.platform.tokens.issue(bot.id.0, session.id.0)?;
    Ok(BotSignedIn { access, session, bot })
}

/// A bot of the actor's, locked after the actor's own account. Whose it is not, is told the same as
/// where there is none.
async fn lock_own(cx: &Cx, tx: &commons_platform::db::Tx, bot: UserId) -> Result<user::Model, Error> {
    let owner = lock_me(cx, tx).await?;
    let own = store::own_bot(tx, owner.id, bot).await?;
    own.ok_or_else(ApiError::not_found)?;
    Ok(store::lock(tx, bot).await?.ok_or_else(ApiError::not_found)?)
}

fn new_token(bot: UserId) -> String {
    let id = bot.to_string();
    let id = id.rsplit('_').next().unwrap_or_default();
    format!("bot_{id}_{}", random_token())
}
