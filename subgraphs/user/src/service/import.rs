//! Users of another platform become placeholders, each once.

use super::{UserService, is_taken};
use crate::{
    Error,
    store::{self, Turn},
};
use chrono::{DateTime, SubsecRound, Utc};
use commons_content::{DisplayName, HttpsUrl, Username};
use commons_entities::{
    UserId,
    user::{UserKind, user, user_import},
};
use commons_platform::ApiError;
use sea_orm::{ConnectionTrait, DbErr};
use std::collections::{HashMap, HashSet};

/// A user as the source has it.
#[derive(Debug, Clone)]
pub struct ImportedUser {
    /// Its id in the source.
    pub external_id: String,
    /// Its name there; made acceptable and unique here.
    pub username: String,
    /// What others read.
    pub display_name: String,
    /// A picture.
    pub avatar_url: Option<String>,
    /// When it is known to have existed first.
    pub created_at: DateTime<Utc>,
}

/// The person under whose name an import founds a guild.
pub async fn owner(service: &UserService, username: &str) -> Result<UserId, Error> {
    let row = store::by_username(service.platform.db.read(), &username.to_lowercase()).await?;
    let row = row.filter(|row| row.kind == UserKind::Person && row.deleted_at.is_none());
    Ok(row.ok_or_else(ApiError::not_found)?.id)
}

/// How many users one transaction makes: it must end within five seconds.
const AT_ONCE: usize = 200;
/// How often somebody may take a name just as it is given to a placeholder.
const ATTEMPTS: usize = 5;

/// Makes placeholders of users that were not imported before, some at a time: an import that was cut off
/// goes on where it was.
///
/// Gives the account of each external id of the source, also of those imported earlier.
pub async fn import_users(
    service: &UserService,
    source: &str,
    users: &[ImportedUser],
) -> Result<HashMap<String, UserId>, Error> {
    for some in users.chunks(AT_ONCE) {
        let mut attempts = 1..ATTEMPTS;
        while let Err(error) = import_some(service, source, some).await {
            if !is_taken(&error) || attempts.next().is_none() {
                return Err(error.into());
            }
        }
    }
    Ok(store::imported(service.platform.db.read(), source).await?)
}

async fn import_some(service: &UserService, source: &str, users: &[ImportedUser]) -> Result<(), DbErr> {
    let tx = service.platform.db.begin().await?;
    store::take_turn(&tx, Turn::Import).await?;
    let ids = users.iter().map(|imported| imported.external_id.as_str());
    let mut known: HashSet<String> = store::imported_of(&tx, source, ids).await?.into_keys().collect();
    for imported in users {
        if !known.insert(imported.external_id.clone()) {
            continue;
        }
        let id = UserId(service.platform.clock.id_at(imported.created_at));
        let username = free_username(&tx, &imported.username, &imported.external_id).await?;
        let display_name = DisplayName::parse(&imported.display_name)
            .map_or_else(|_| username.clone(), DisplayName::into_string);
        let row = user::Model {
            id,
            kind: UserKind::Placeholder,
            username,
            display_name,
            bio: None,
            avatar_url: imported
                .avatar_url
                .as_deref()
                .and_then(|url| HttpsUrl::parse(url).ok())
                .map(HttpsUrl::into_string),
            email: None,
            password_hash: None,
            administrator: false,
            created_at: imported.created_at.trunc_subsecs(3),
            deleted_at: None,
            rev: 1,
        };
        store::insert_user(&tx, row).await?;
        let note = user_import::Model {
            source: source.to_owned(),
            external_id: imported.external_id.clone(),
            user_id: id,
        };
        store::remember_import(&tx, note).await?;
    }
    tx.commit().await
}

/// The imported name where it is acceptable and free, else one with the source's id or a number behind it.
async fn free_username(db: &impl ConnectionTrait, wanted: &str, external_id: &str) -> Result<String, DbErr> {
    let cleaned: String = wanted
        .to_lowercase()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "_.-".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    let cleaned = cleaned.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let tail: String = external_id
        .to_lowercase()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let short: String = cleaned.chars().take(20).collect();
    let base = if short.is_empty() { "user" } else { &short };
    let named = [cleaned.to_owned(), format!("{base}-{tail}")];
    let numbered = (2u64..).map(|number| format!("{base}-{number}"));
    for candidate in named.into_iter().chain(numbered) {
        if let Ok(username) = Username::parse(&candidate)
            && !store::username_is_taken(db, &username, None).await?
        {
            return Ok(username.into_string());
        }
    }
    unreachable!("there are more numbers than accounts")
}
