//! Standings as messages, and back. What a message lacks or distorts makes no standing.

use super::generated as rpc;
use crate::{ChannelFacts, ChannelStanding, GuildStanding, Permissions, Versions};
use chrono::{DateTime, Utc};
use commons_entities::{TypedId, channel::ChannelKind};
use sea_orm::{ActiveEnum, DbErr};
use uuid::Uuid;

/// Why a message makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    /// An id has not 16 bytes.
    #[error("an id of {0} bytes")]
    Id(usize),
    /// Something that is always there is missing.
    #[error("no {0}")]
    Missing(&'static str),
    /// A time outside what a calendar has.
    #[error("no such time: {0}")]
    Time(i64),
    /// A kind of channel that this version does not know.
    #[error("no such kind of channel: {0}")]
    Kind(DbErr),
    /// An answer to another question.
    #[error("answers do not match the keys")]
    Other,
}

/// An id as 16 bytes.
pub(super) fn bytes(id: impl TypedId) -> Vec<u8> {
    id.uuid().as_bytes().to_vec()
}

/// The id in 16 bytes.
pub(super) fn id<T: TypedId>(bytes: &[u8]) -> Result<T, Malformed> {
    Uuid::from_slice(bytes)
        .map(T::from_uuid)
        .map_err(|_| Malformed::Id(bytes.len()))
}

fn time(milliseconds: Option<i64>) -> Result<Option<DateTime<Utc>>, Malformed> {
    let read = |at| DateTime::from_timestamp_millis(at).ok_or(Malformed::Time(at));
    milliseconds.map(read).transpose()
}

fn milliseconds(at: Option<DateTime<Utc>>) -> Option<i64> {
    at.map(|at| at.timestamp_millis())
}

impl From<Versions> for rpc::Versions {
    fn from(versions: Versions) -> Self {
        let Versions {
            guild,
            member,
            channel,
        } = versions;
        Self {
            guild,
            member,
            channel,
        }
    }
}

fn versions(versions: Option<rpc::Versions>) -> Result<Versions, Malformed> {
    let rpc::Versions {
        guild,
        member,
        channel,
    } = versions.ok_or(Malformed::Missing("versions"))?;
    Ok(Versions {
        guild,
        member,
        channel,
    })
}

impl From<GuildStanding> for rpc::GuildStanding {
    fn from(standing: GuildStanding) -> Self {
        Self {
            guild: bytes(standing.guild),
            user: bytes(standing.user),
            owner: standing.owner,
            roles: standing.roles.into_iter().map(bytes).collect(),
            top_position: standing.top_position,
            timed_out_until: milliseconds(standing.timed_out_until),
            permissions: standing.permissions.to_row(),
            versions: Some(standing.versions.into()),
        }
    }
}

/// The standing that a message tells.
pub(super) fn guild_standing(standing: rpc::GuildStanding) -> Result<GuildStanding, Malformed> {
    Ok(GuildStanding {
        guild: id(&standing.guild)?,
        user: id(&standing.user)?,
        owner: standing.owner,
        roles: standing
            .roles
            .iter()
            .map(|role| id(role))
            .collect::<Result<_, _>>()?,
        top_position: standing.top_position,
        timed_out_until: time(standing.timed_out_until)?,
        permissions: Permissions::from_row(standing.permissions),
        versions: versions(standing.versions)?,
    })
}

impl From<ChannelStanding> for rpc::ChannelStanding {
    fn from(standing: ChannelStanding) -> Self {
        let facts = standing.facts;
        Self {
            channel: bytes(facts.channel),
            guild: bytes(facts.guild),
            // Only users are asked about; an audience's standing would be read as none.
            user: standing.user.map(bytes).unwrap_or_default(),
            kind: facts.kind.to_value(),
            slowmode_seconds: facts.slowmode_seconds,
            archived_at: milliseconds(facts.archived_at),
            permissions: standing.permissions.to_row(),
            versions: Some(standing.versions.into()),
        }
    }
}

/// The standing that a message tells.
pub(super) fn channel_standing(standing: rpc::ChannelStanding) -> Result<ChannelStanding, Malformed> {
    Ok(ChannelStanding {
        facts: ChannelFacts {
            channel: id(&standing.channel)?,
            guild: id(&standing.guild)?,
            kind: ChannelKind::try_from_value(&standing.kind).map_err(Malformed::Kind)?,
            slowmode_seconds: standing.slowmode_seconds,
            archived_at: time(standing.archived_at)?,
        },
        user: Some(id(&standing.user)?),
        permissions: Permissions::from_row(standing.permissions),
        versions: versions(standing.versions)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use commons_entities::{ChannelId, GuildId, RoleId, UserId};

    fn versions() -> Versions {
        Versions {
            guild: 1,
            member: 2,
            channel: 3,
        }
    }

    fn at() -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(1_700_000_000_123)
    }

    fn in_guild() -> GuildStanding {
        GuildStanding {
            guild: GuildId(Uuid::from_u128(1)),
            user: UserId(Uuid::from_u128(2)),
            owner: true,
            roles: vec![RoleId(Uuid::from_u128(3)), RoleId(Uuid::from_u128(4))],
            top_position: 5,
            timed_out_until: at(),
            permissions: Permissions::all(),
            versions: versions(),
        }
    }

    fn in_channel() -> ChannelStanding {
        ChannelStanding {
            facts: ChannelFacts {
                channel: ChannelId(Uuid::from_u128(1)),
                guild: GuildId(Uuid::from_u128(2)),
                kind: ChannelKind::Announcement,
                slowmode_seconds: 7,
                archived_at: at(),
            },
            user: Some(UserId(Uuid::from_u128(3))),
            permissions: Permissions::DEFAULT,
            versions: versions(),
        }
    }

    #[test]
    fn standings_come_back_whole() {
        let sent = rpc::GuildStanding::from(in_guild());
        assert_eq!(guild_standing(sent), Ok(in_guild()));
        let sent = rpc::ChannelStanding::from(in_channel());
        assert_eq!(channel_standing(sent), Ok(in_channel()));
    }

    #[test]
    fn what_is_distorted_is_no_standing() {
        let mut sent = rpc::GuildStanding::from(in_guild());
        sent.roles[1].pop();
        assert_eq!(guild_standing(sent), Err(Malformed::Id(15)));
        let mut sent = rpc::GuildStanding::from(in_guild());
        sent.versions = None;
        assert_eq!(guild_standing(sent), Err(Malformed::Missing("versions")));
        let mut sent = rpc::ChannelStanding::from(in_channel());
        sent.kind = "SOMETHING".to_owned();
        assert!(matches!(channel_standing(sent), Err(Malformed::Kind(_))));
        let mut sent = rpc::ChannelStanding::from(in_channel());
        sent.archived_at = Some(i64::MAX);
        assert_eq!(channel_standing(sent), Err(Malformed::Time(i64::MAX)));
    }
}
