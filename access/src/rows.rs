//! The rows that access is computed from, read in batches.
//!
//! Each function reads the versions of its subjects before the rows, so what it returns is at least
//! as new as its version says. A key that has no row is absent from the answer. Batches have up to
//! some thousand keys: every function is a constant number of statements.

use crate::{
    ChannelFacts, ChannelStanding, GuildStanding, Permissions, Subject, Versions,
    compute::{self, GuildRules, Membership, Overwrite, RoleRule, Target},
};
use chrono::{DateTime, Utc};
use commons_entities::{
    ChannelId, GuildId, RoleId, TypedId, UserId,
    access::access_change,
    channel::{OverwriteTarget, channel, guild, guild_member, member_role, permission_overwrite, role},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Value,
    sea_query::{Expr, ExprTrait, postgres_array::NotU8},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use uuid::Uuid;

/// A fact and the newest change that it takes into account.
#[derive(Debug)]
pub(crate) struct Known<T> {
    pub(crate) fact: T,
    pub(crate) version: i64,
}

/// What a channel says about everybody.
#[derive(Debug)]
pub(crate) struct ChannelRules {
    pub(crate) facts: ChannelFacts,
    pub(crate) overwrites: Vec<Overwrite>,
}

/// Somebody's place in a guild, whether they have one or not.
pub(crate) type MemberKey = (GuildId, UserId);
pub(crate) type Guilds = HashMap<GuildId, Arc<Known<GuildRules>>>;
pub(crate) type Members = HashMap<MemberKey, Arc<Known<Option<Membership>>>>;
pub(crate) type Channels = HashMap<ChannelId, Arc<Known<ChannelRules>>>;

/// The newest version of each subject; what never changed is absent.
pub(crate) async fn versions(
    db: &impl ConnectionTrait,
    subjects: impl IntoIterator<Item = Subject>,
) -> Result<HashMap<Subject, i64>, DbErr> {
    let subjects: HashSet<Subject> = subjects.into_iter().collect();
    if subjects.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = access_change::Entity::find()
        .filter(among(
            db,
            access_change::Column::Subject,
            subjects.iter().map(Subject::to_string),
        ))
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((row.subject.parse().ok()?, row.version)))
        .collect())
}

/// Guilds that are not deleted, with their roles: three statements.
pub(crate) async fn guilds(db: &impl ConnectionTrait, ids: &[GuildId]) -> Result<Guilds, DbErr> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = distinct(ids);
    let versions = versions(db, ids.iter().copied().map(Subject::Guild)).await?;
    let guilds = guild::Entity::find()
        .filter(among(db, guild::Column::Id, uuids(&ids)))
        .filter(guild::Column::DeletedAt.is_null())
        .all(db)
        .await?;
    let roles: Vec<(RoleId, GuildId, i32, i64)> = role::Entity::find()
        .select_only()
        .columns([
            role::Column::Id,
            role::Column::GuildId,
            role::Column::Position,
            role::Column::Permissions,
        ])
        .filter(among(db, role::Column::GuildId, uuids(&ids)))
        .into_tuple()
        .all(db)
        .await?;
    let mut by_guild: HashMap<GuildId, HashMap<RoleId, RoleRule>> = HashMap::new();
    for (id, guild, position, permissions) in roles {
        let rule = RoleRule {
            position,
            permissions: Permissions::from_row(permissions),
        };
        by_guild.entry(guild).or_default().insert(id, rule);
    }
    let known = guilds.into_iter().map(|row| {
        let roles = by_guild.remove(&row.id).unwrap_or_default();
        let fact = GuildRules {
            guild: row.id,
            owner: row.owner_id,
            roles,
        };
        (row.id, known(&versions, Subject::Guild(row.id), fact))
    });
    Ok(known.collect())
}

/// Memberships with the roles held, present for each key: three statements.
pub(crate) async fn members(db: &impl ConnectionTrait, keys: &[MemberKey]) -> Result<Members, DbErr> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let versions = versions(
        db,
        keys.iter().map(|(guild, user)| Subject::Member(*guild, *user)),
    )
    .await?;
    let keys = distinct(keys);
    let rows: Vec<(GuildId, UserId, Option<DateTime<Utc>>)> = guild_member::Entity::find()
        .select_only()
        .columns([
            guild_member::Column::GuildId,
            guild_member::Column::UserId,
            guild_member::Column::TimedOutUntil,
        ])
        .filter(pairs(
            db,
            (guild_member::Column::GuildId, guild_member::Column::UserId),
            &keys,
        ))
        .into_tuple()
        .all(db)
        .await?;
    let roles = member_role::Entity::find()
        .filter(pairs(
            db,
            (member_role::Column::GuildId, member_role::Column::UserId),
            &keys,
        ))
        .all(db)
        .await?;
    let mut held: HashMap<MemberKey, Vec<RoleId>> = HashMap::new();
    for row in roles {
        held.entry((row.guild_id, row.user_id))
            .or_default()
            .push(row.role_id);
    }
    let mut present: HashMap<MemberKey, Membership> = rows
        .into_iter()
        .map(|(guild, user, timed_out_until)| {
            let roles = held.remove(&(guild, user)).unwrap_or_default();
            (
                (guild, user),
                Membership {
                    roles,
                    timed_out_until,
                },
            )
        })
        .collect();
    let known = keys.into_iter().map(|key| {
        let fact = present.remove(&key);
        (key, known(&versions, Subject::Member(key.0, key.1), fact))
    });
    Ok(known.collect())
}

/// Channels that are not deleted, with their overwrites: three statements.
pub(crate) async fn channels(db: &impl ConnectionTrait, ids: &[ChannelId]) -> Result<Channels, DbErr> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = distinct(ids);
    let versions = versions(db, ids.iter().copied().map(Subject::Channel)).await?;
    let channels = channel::Entity::find()
        .filter(among(db, channel::Column::Id, uuids(&ids)))
        .filter(channel::Column::DeletedAt.is_null())
        .all(db)
        .await?;
    let overwrites = permission_overwrite::Entity::find()
        .filter(among(db, permission_overwrite::Column::ChannelId, uuids(&ids)))
        .all(db)
        .await?;
    let mut by_channel: HashMap<ChannelId, Vec<Overwrite>> = HashMap::new();
    for row in overwrites {
        let target = match row.target_kind {
            OverwriteTarget::Role => Target::Role(RoleId(row.target_id)),
            OverwriteTarget::Member => Target::Member(UserId(row.target_id)),
        };
        let (allow, deny) = (Permissions::from_row(row.allow), Permissions::from_row(row.deny));
        by_channel
            .entry(row.channel_id)
            .or_default()
            .push(Overwrite { target, allow, deny });
    }
    let known = channels.into_iter().map(|row| {
        let facts = ChannelFacts {
            channel: row.id,
            guild: row.guild_id,
            kind: row.kind,
            slowmode_seconds: row.slowmode_seconds,
            archived_at: row.archived_at,
        };
        let overwrites = by_channel.remove(&row.id).unwrap_or_default();
        (
            row.id,
            known(
                &versions,
                Subject::Channel(row.id),
                ChannelRules { facts, overwrites },
            ),
        )
    });
    Ok(known.collect())
}

/// The ids of a guild's channels that are not deleted, in the order of the list.
pub(crate) async fn channel_ids(db: &impl ConnectionTrait, guild: GuildId) -> Result<Vec<ChannelId>, DbErr> {
    channel::Entity::find()
        .select_only()
        .column(channel::Column::Id)
        .filter(channel::Column::GuildId.eq(guild))
        .filter(channel::Column::DeletedAt.is_null())
        .order_by_asc(channel::Column::Position)
        .order_by_asc(channel::Column::Id)
        .into_tuple()
        .all(db)
        .await
}

/// The standing of a member; none for somebody who is not one.
pub(crate) fn guild_standing(
    (guild, user): MemberKey,
    guilds: &Guilds,
    members: &Members,
    now: DateTime<Utc>,
) -> Option<GuildStanding> {
    let rules = guilds.get(&guild)?;
    let known = members.get(&(guild, user))?;
    let member = known.fact.as_ref()?;
    Some(GuildStanding {
        guild,
        user,
        owner: rules.fact.owner == user,
        // A role that was deleted since the membership was read is held by nobody.
        roles: member
            .roles
            .iter()
            .copied()
            .filter(|id| rules.fact.roles.contains_key(id))
            .collect(),
        top_position: rules.fact.top_position(member),
        timed_out_until: member.timed_out_until,
        permissions: compute::guild(&rules.fact, user, member, now),
        versions: Versions {
            guild: rules.version,
            member: known.version,
            channel: 0,
        },
    })
}

/// The standing of somebody who may view a channel; none for anybody else.
pub(crate) fn channel_standing(
    user: UserId,
    channel: &Known<ChannelRules>,
    guilds: &Guilds,
    members: &Members,
    now: DateTime<Utc>,
) -> Option<ChannelStanding> {
    let ChannelRules { facts, overwrites } = &channel.fact;
    let rules = guilds.get(&facts.guild)?;
    let known = members.get(&(facts.guild, user))?;
    let member = known.fact.as_ref()?;
    let permissions = compute::channel(&rules.fact, user, member, overwrites, now);
    permissions
        .contains(Permissions::VIEW_CHANNEL)
        .then_some(ChannelStanding {
            facts: *facts,
            user: Some(user),
            permissions,
            versions: Versions {
                guild: rules.version,
                member: known.version,
                channel: channel.version,
            },
        })
}

/// The standing of a channel's audience; none when its guild is gone.
pub(crate) fn audience_standing(channel: &Known<ChannelRules>, guilds: &Guilds) -> Option<ChannelStanding> {
    let facts = channel.fact.facts;
    let rules = guilds.get(&facts.guild)?;
    Some(ChannelStanding {
        facts,
        user: None,
        permissions: Permissions::AUDIENCE,
        versions: Versions {
            guild: rules.version,
            member: 0,
            channel: channel.version,
        },
    })
}

/// The memberships that standings in these channels need.
pub(crate) fn member_keys(keys: &[(ChannelId, UserId)], channels: &Channels) -> Vec<MemberKey> {
    keys.iter()
        .filter_map(|(channel, user)| Some((channels.get(channel)?.fact.facts.guild, *user)))
        .collect()
}

fn known<T>(versions: &HashMap<Subject, i64>, subject: Subject, fact: T) -> Arc<Known<T>> {
    Arc::new(Known {
        fact,
        version: versions.get(&subject).copied().unwrap_or_default(),
    })
}

/// Whether a column is one of many values: one statement text for any number of them on PostgreSQL.
pub(crate) fn among<V>(
    db: &impl ConnectionTrait,
    column: impl ColumnTrait,
    values: impl IntoIterator<Item = V>,
) -> Expr
where
    V: Into<Value> + NotU8,
{
    match db.get_database_backend() {
        DbBackend::Postgres => column.eq_any(values),
        _ => column.is_in(values),
    }
}

/// Whether two columns are one of these pairs, or, where a statement has no arrays, are each one of
/// theirs: keys are many users of one guild or many guilds of one user, mostly.
fn pairs<C: ColumnTrait>(db: &impl ConnectionTrait, (guild, user): (C, C), keys: &[MemberKey]) -> Expr {
    let guilds = keys.iter().map(|(guild, _)| guild.uuid());
    let users = keys.iter().map(|(_, user)| user.uuid());
    match db.get_database_backend() {
        DbBackend::Postgres => {
            let columns = Expr::tuple([Expr::col(guild.as_column_ref()), Expr::col(user.as_column_ref())]);
            let (guilds, users): (Vec<Uuid>, Vec<Uuid>) = guilds.zip(users).unzip();
            Expr::cust_with_exprs(
                "$1 IN (SELECT * FROM UNNEST($2, $3))",
                [columns, Expr::val(guilds), Expr::val(users)],
            )
        }
        _ => {
            let among = guild.is_in(guilds.collect::<HashSet<_>>());
            among.and(user.is_in(users.collect::<HashSet<_>>()))
        }
    }
}

fn uuids<T: TypedId>(ids: &[T]) -> impl Iterator<Item = Uuid> {
    ids.iter().map(|id| id.uuid())
}

fn distinct<'a, T: Copy + Eq + std::hash::Hash + 'a>(all: impl IntoIterator<Item = &'a T>) -> Vec<T> {
    all.into_iter()
        .copied()
        .collect::<HashSet<T>>()
        .into_iter()
        .collect()
}
