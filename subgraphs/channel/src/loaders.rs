//! What is cached of the channel domain: rows that look the same for everybody. What depends on the
//! viewer, and lists, are only gathered within a request: see [`crate::service::Loads`].

use commons_entities::{
    ChannelId, GuildId, RoleId, UserId,
    channel::{channel, guild, guild_member, role},
};
use commons_platform::loader::Cached;
use sea_orm::{ColumnTrait, Condition, DatabaseConnection, DbErr, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use std::{fmt, ops::Deref, str::FromStr, time::Duration};

const TTL: Duration = Duration::from_secs(3600);

macro_rules! cached_rows {
    ($($(#[$doc:meta])* $name:ident($model:ident) by $key:ty = $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name(pub $model::Model);

        impl Deref for $name {
            type Target = $model::Model;
            fn deref(&self) -> &$model::Model {
                &self.0
            }
        }

        impl Cached for $name {
            type Key = $key;
            const SERVICE: &'static str = "channel";
            const KIND: &'static str = $kind;
            const SCHEMA: u8 = 1;
            const TTL: Duration = TTL;

            fn key(&self) -> $key {
                self.id
            }

            fn rev(&self) -> i64 {
                self.rev
            }

            async fn fetch(db: &DatabaseConnection, keys: &[$key]) -> Result<Vec<Self>, DbErr> {
                let rows = $model::Entity::find().filter($model::Column::Id.is_in(keys.iter().copied())).all(db).await?;
                Ok(rows.into_iter().map(Self).collect())
            }
        }
    )*};
}

cached_rows! {
    /// A guild, as everybody in it sees it.
    GuildRow(guild) by GuildId = "guild";
    /// A channel, also a deleted one: whether somebody may see it is asked of access.
    ChannelRow(channel) by ChannelId = "channel";
    /// A role.
    RoleRow(role) by RoleId = "role";
}

/// Names a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MemberKey {
    /// The guild.
    pub guild: GuildId,
    /// The user.
    pub user: UserId,
}

impl fmt::Display for MemberKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.guild, self.user)
    }
}

/// A text that names no member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this names no member")]
pub struct NoMemberKey;

impl FromStr for MemberKey {
    type Err = NoMemberKey;
    fn from_str(text: &str) -> Result<Self, NoMemberKey> {
        let (guild, user) = text.split_once(':').ok_or(NoMemberKey)?;
        let guild = guild.parse().map_err(|_| NoMemberKey)?;
        Ok(Self {
            guild,
            user: user.parse().map_err(|_| NoMemberKey)?,
        })
    }
}

/// A member, without the roles: those come with the standing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRow(pub guild_member::Model);

impl Deref for MemberRow {
    type Target = guild_member::Model;
    fn deref(&self) -> &guild_member::Model {
        &self.0
    }
}

impl Cached for MemberRow {
    type Key = MemberKey;
    const SERVICE: &'static str = "channel";
    const KIND: &'static str = "member";
    const SCHEMA: u8 = 1;
    const TTL: Duration = TTL;

    fn key(&self) -> MemberKey {
        MemberKey {
            guild: self.guild_id,
            user: self.user_id,
        }
    }

    fn rev(&self) -> i64 {
        self.rev
    }

    /// Keys are many users of one guild or many guilds of one user: the cross product is the set.
    async fn fetch(db: &DatabaseConnection, keys: &[MemberKey]) -> Result<Vec<Self>, DbErr> {
        let wanted = Condition::all()
            .add(guild_member::Column::GuildId.is_in(distinct(keys, |key| key.guild)))
            .add(guild_member::Column::UserId.is_in(distinct(keys, |key| key.user)));
        let rows = guild_member::Entity::find().filter(wanted).all(db).await?;
        let wanted: std::collections::HashSet<&MemberKey> = keys.iter().collect();
        Ok(rows
            .into_iter()
            .map(Self)
            .filter(|row| wanted.contains(&row.key()))
            .collect())
    }
}

fn distinct<T: Ord>(keys: &[MemberKey], part: impl Fn(&MemberKey) -> T) -> Vec<T> {
    let mut parts: Vec<T> = keys.iter().map(part).collect();
    parts.sort_unstable();
    parts.dedup();
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_members_name_is_read_back() {
        let key = MemberKey {
            guild: GuildId(Uuid::from_u128(1)),
            user: UserId(Uuid::from_u128(2)),
        };
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!("guild_1".parse::<MemberKey>(), Err(NoMemberKey));
    }
}
