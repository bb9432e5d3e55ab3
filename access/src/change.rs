//! The record that somebody's standing changed, written by the transaction that changes it.
//!
//! Versions are given out under the lock of one row, `head`, which is held until the transaction
//! ends. So they become visible in their order, on every database, and a reader that asks for what is
//! above the last version it saw misses nothing. Telling this process is [`crate::Changes::announce`].

use chrono::{DateTime, Utc};
use commons_entities::{ChannelId, GuildId, SessionId, TypedId, UserId, access::access_change};
use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, DbErr, EntityTrait,
    sea_query::{Expr, ExprTrait, OnConflict, Query},
};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// The row whose version is the newest of all.
const HEAD: &str = "head";

/// How many rows go into one statement.
const ROWS: usize = 1000;

/// Whose or what's standing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A guild's owner or roles, or the guild is gone.
    Guild(GuildId),
    /// A membership: joined, left, roles given or taken, time-out.
    Member(GuildId, UserId),
    /// A channel's overwrites or [`crate::ChannelFacts`], or it is gone.
    Channel(ChannelId),
    /// A session was revoked.
    Session(SessionId),
}

/// As rows hold it: `guild:<uuid>`, `member:<guild>:<user>`, `channel:<uuid>`, `session:<uuid>`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guild(guild) => write!(f, "guild:{}", guild.uuid()),
            Self::Member(guild, user) => write!(f, "member:{}:{}", guild.uuid(), user.uuid()),
            Self::Channel(channel) => write!(f, "channel:{}", channel.uuid()),
            Self::Session(session) => write!(f, "session:{}", session.uuid()),
        }
    }
}

/// A text that is no subject this version knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no subject of a change")]
pub struct UnknownSubject(String);

impl FromStr for Subject {
    type Err = UnknownSubject;
    fn from_str(text: &str) -> Result<Self, UnknownSubject> {
        let uuid = |text| Uuid::try_parse(text).ok();
        text.split_once(':')
            .and_then(|(kind, rest)| match kind {
                "guild" => Some(Self::Guild(GuildId(uuid(rest)?))),
                "channel" => Some(Self::Channel(ChannelId(uuid(rest)?))),
                "session" => Some(Self::Session(SessionId(uuid(rest)?))),
                "member" => {
                    let (guild, user) = rest.split_once(':')?;
                    Some(Self::Member(GuildId(uuid(guild)?), UserId(uuid(user)?)))
                }
                _ => None,
            })
            .ok_or_else(|| UnknownSubject(text.to_owned()))
    }
}

/// One subject's change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Change {
    /// Whose or what's standing.
    pub subject: Subject,
    /// Rises over all subjects.
    pub version: i64,
}

/// What a transaction recorded; announce it once the transaction is committed.
#[must_use = "announce it after the commit, or this process hears of it late"]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub(crate) version: i64,
    pub(crate) subjects: Vec<Subject>,
}

impl Recorded {
    /// The version that all its subjects have now.
    pub fn version(&self) -> i64 {
        self.version
    }
}

/// Records that the standing of these subjects changes with this transaction: one version for all.
///
/// Two statements for up to a thousand subjects. Call it last in the transaction: from here on other
/// transactions that record a change wait for this one.
///
/// # Errors
/// When the database fails.
pub async fn record(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    subjects: &[Subject],
) -> Result<Recorded, DbErr> {
    let mut subjects = subjects.to_vec();
    subjects.sort_unstable();
    subjects.dedup();
    let version = next_version(tx, now).await?;
    for some in subjects.chunks(ROWS) {
        let rows = some.iter().map(|subject| access_change::ActiveModel {
            subject: Set(subject.to_string()),
            version: Set(version),
            at: Set(now),
        });
        access_change::Entity::insert_many(rows)
            .on_conflict(
                OnConflict::column(access_change::Column::Subject)
                    .update_columns([access_change::Column::Version, access_change::Column::At])
                    .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    Ok(Recorded { version, subjects })
}

async fn next_version(tx: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<i64, DbErr> {
    use access_change::{Column, Entity};
    let next = Query::insert()
        .into_table(Entity)
        .columns([Column::Subject, Column::Version, Column::At])
        .values_panic([HEAD.into(), 1i64.into(), now.into()])
        .on_conflict(
            OnConflict::column(Column::Subject)
                .value(Column::Version, Expr::col((Entity, Column::Version)).add(1))
                .update_column(Column::At)
                .to_owned(),
        )
        .returning_col(Column::Version)
        .to_owned();
    let row = tx.query_one(&next).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("access_change returned no version".to_owned()))?;
    row.try_get_by_index(0)
}

/// The newest version of all.
pub(crate) async fn head(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let head = access_change::Entity::find_by_id(HEAD).one(db).await?;
    Ok(head.map_or(0, |row| row.version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back() {
        let (a, b) = (Uuid::from_u128(10), Uuid::from_u128(11));
        for (subject, text) in [
            (
                Subject::Guild(GuildId(a)),
                "guild:00000000-0000-0000-0000-00000000000a",
            ),
            (
                Subject::Member(GuildId(a), UserId(b)),
                "member:00000000-0000-0000-0000-00000000000a:00000000-0000-0000-0000-00000000000b",
            ),
            (
                Subject::Channel(ChannelId(a)),
                "channel:00000000-0000-0000-0000-00000000000a",
            ),
            (
                Subject::Session(SessionId(a)),
                "session:00000000-0000-0000-0000-00000000000a",
            ),
        ] {
            assert_eq!(subject.to_string(), text);
            assert_eq!(text.parse(), Ok(subject));
        }
        for text in [
            "",
            HEAD,
            "guild:",
            "guild:x",
            "member:00000000-0000-0000-0000-00000000000a",
            "bot:1",
        ] {
            assert_eq!(text.parse::<Subject>(), Err(UnknownSubject(text.to_owned())));
        }
    }
}
