//! Standings and proofs inside a write transaction, where nothing is kept and nothing is late.

use crate::{ChannelSeat, ChannelStanding, Denied, GuildSeat, GuildStanding, Subject, Versions, rows};
use chrono::{DateTime, Utc};
use commons_entities::{ChannelId, GuildId, UserId};
use sea_orm::{ConnectionTrait, DbErr};
use std::collections::{HashMap, HashSet};

/// Members' standings as a transaction sees them, in the order of the keys: six statements.
///
/// # Errors
/// When the database fails.
pub async fn guilds_in(
    tx: &impl ConnectionTrait,
    keys: &[(GuildId, UserId)],
    now: DateTime<Utc>,
) -> Result<Vec<Option<GuildStanding>>, DbErr> {
    let ids: Vec<GuildId> = keys.iter().map(|(guild, _)| *guild).collect();
    let guilds = rows::guilds(tx, &ids).await?;
    let members = rows::members(tx, keys).await?;
    Ok(keys
        .iter()
        .map(|key| rows::guild_standing(*key, &guilds, &members, now))
        .collect())
}

/// Users' standings in channels as a transaction sees them, in the order of the keys: nine statements.
///
/// # Errors
/// When the database fails.
pub async fn channels_in(
    tx: &impl ConnectionTrait,
    keys: &[(ChannelId, UserId)],
    now: DateTime<Utc>,
) -> Result<Vec<Option<ChannelStanding>>, DbErr> {
    let ids: Vec<ChannelId> = keys.iter().map(|(channel, _)| *channel).collect();
    let channels = rows::channels(tx, &ids).await?;
    let member_keys = rows::member_keys(keys, &channels);
    let guild_ids: Vec<GuildId> = member_keys.iter().map(|(guild, _)| *guild).collect();
    let guilds = rows::guilds(tx, &guild_ids).await?;
    let members = rows::members(tx, &member_keys).await?;
    let standing = |(id, user): &(ChannelId, UserId)| {
        rows::channel_standing(*user, channels.get(id)?, &guilds, &members, now)
    };
    Ok(keys.iter().map(standing).collect())
}

/// Proofs brought up to date inside a transaction, in their order: one statement when nothing changed
/// since they were made, ten when something did. Each keeps the permission it proves.
///
/// A standing only grows by the passing of time, when a time-out ends, so a proof needs no clock of
/// its own; `now` is for those that are computed anew.
///
/// # Errors
/// When the database fails.
pub async fn revalidate(
    tx: &impl ConnectionTrait,
    seats: &[&ChannelSeat],
    now: DateTime<Utc>,
) -> Result<Vec<Result<ChannelSeat, Denied>>, DbErr> {
    let newest = rows::versions(tx, seats.iter().flat_map(|seat| seat.subjects())).await?;
    let is_stale = |seat: &ChannelSeat| is_stale(&newest, &seat.subjects(), seat.versions());
    let stale: HashSet<(ChannelId, UserId)> = seats
        .iter()
        .filter(|seat| is_stale(seat))
        .map(|seat| (seat.channel(), seat.user()))
        .collect();
    let stale: Vec<_> = stale.into_iter().collect();
    let standings = if stale.is_empty() {
        Vec::new()
    } else {
        channels_in(tx, &stale, now).await?
    };
    let standings: HashMap<_, _> = stale.into_iter().zip(standings).collect();
    let seats = seats
        .iter()
        .map(|seat| match standings.get(&(seat.channel(), seat.user())) {
            None => Ok((*seat).clone()),
            Some(None) => Err(Denied::Hidden),
            Some(Some(standing)) => standing.clone().require(seat.required()),
        });
    Ok(seats.collect())
}

/// A guild's proof brought up to date inside a transaction: one statement when nothing changed since
/// it was made, seven when something did. It keeps the permission it proves.
///
/// # Errors
/// When the database fails.
pub async fn revalidate_guild(
    tx: &impl ConnectionTrait,
    seat: &GuildSeat,
    now: DateTime<Utc>,
) -> Result<Result<GuildSeat, Denied>, DbErr> {
    let subjects = seat.standing().subjects();
    if !is_stale(&rows::versions(tx, subjects).await?, &subjects, seat.versions()) {
        return Ok(Ok(seat.clone()));
    }
    let standing = guilds_in(tx, &[(seat.guild(), seat.user())], now)
        .await?
        .into_iter()
        .next()
        .flatten();
    Ok(match (standing, seat.required()) {
        (None, _) => Err(Denied::Hidden),
        (Some(standing), None) => Ok(standing.member()),
        (Some(standing), Some(permission)) => standing.require(permission),
    })
}

fn is_stale(newest: &HashMap<Subject, i64>, subjects: &[Subject], versions: Versions) -> bool {
    subjects.iter().any(|subject| {
        let known = match subject {
            Subject::Guild(_) => versions.guild,
            Subject::Member(..) => versions.member,
            Subject::Channel(_) => versions.channel,
            Subject::Session(_) => return false,
        };
        newest.get(subject).is_some_and(|newest| *newest > known)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn each_subject_has_its_own_version() {
        let (guild, channel) = (GuildId(Uuid::from_u128(1)), ChannelId(Uuid::from_u128(2)));
        let member = Subject::Member(guild, UserId(Uuid::from_u128(3)));
        let subjects = [Subject::Guild(guild), member, Subject::Channel(channel)];
        let newest = HashMap::from([(member, 7), (Subject::Channel(channel), 9)]);
        for (versions, stale) in [
            (
                Versions {
                    guild: 0,
                    member: 7,
                    channel: 9,
                },
                false,
            ),
            (
                Versions {
                    guild: 0,
                    member: 8,
                    channel: 10,
                },
                false,
            ),
            (
                Versions {
                    guild: 0,
                    member: 7,
                    channel: 8,
                },
                true,
            ),
            // The channel's newer version does not hide the member's change.
            (
                Versions {
                    guild: 0,
                    member: 6,
                    channel: 9,
                },
                true,
            ),
            (Versions::default(), true),
        ] {
            assert_eq!(is_stale(&newest, &subjects, versions), stale, "{versions:?}");
        }
    }
}
