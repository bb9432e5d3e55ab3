//! Members and the roles they hold.

use chrono::{DateTime, Utc};
use commons_access::GuildSeat;
use commons_content::Nickname;
use commons_entities::{
    GuildId, RoleId, UserId,
    channel::{guild_member, member_role},
};
use commons_platform::{
    ApiError,
    page::{Direction, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, ModelTrait, QueryFilter,
    QueryOrder, QuerySelect, Set,
};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Rows of one statement.
const ROWS: usize = 1000;

/// Adds members.
pub async fn insert_members(db: &impl ConnectionTrait, rows: &[guild_member::Model]) -> Result<(), DbErr> {
    for rows in rows.chunks(ROWS) {
        let rows = rows
            .iter()
            .map(|row| guild_member::ActiveModel::from(row.clone()).reset_all());
        guild_member::Entity::insert_many(rows)
            .exec_without_returning(db)
            .await?;
    }
    Ok(())
}

/// A member.
pub async fn member(
    db: &impl ConnectionTrait,
    guild: GuildId,
    user: UserId,
) -> Result<Option<guild_member::Model>, DbErr> {
    guild_member::Entity::find_by_id((guild, user)).one(db).await
}

/// Which of these users are members.
pub async fn members_among(
    db: &impl ConnectionTrait,
    guild: GuildId,
    users: &[UserId],
) -> Result<HashSet<UserId>, DbErr> {
    let mut members = HashSet::new();
    for users in users.chunks(ROWS) {
        let found: Vec<UserId> = guild_member::Entity::find()
            .select_only()
            .column(guild_member::Column::UserId)
            .filter(guild_member::Column::GuildId.eq(guild))
            .filter(guild_member::Column::UserId.is_in(users.iter().copied()))
            .into_tuple()
            .all(db)
            .await?;
        members.extend(found);
    }
    Ok(members)
}

/// How many members guilds have.
pub async fn member_counts(
    db: &impl ConnectionTrait,
    guilds: &[GuildId],
) -> Result<HashMap<GuildId, u64>, DbErr> {
    let rows: Vec<(GuildId, i64)> = guild_member::Entity::find()
        .select_only()
        .column(guild_member::Column::GuildId)
        .column_as(guild_member::Column::UserId.count(), "members")
        .filter(guild_member::Column::GuildId.is_in(guilds.iter().copied()))
        .group_by(guild_member::Column::GuildId)
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(guild, count)| (guild, u64::try_from(count).unwrap_or_default()))
        .collect())
}

/// The members of a guild, who came first first: one more than the page has. The key is the time of
/// joining in milliseconds and the user.
pub async fn page_members(
    db: &impl ConnectionTrait,
    guild: GuildId,
    args: &PageArgs,
) -> Result<Vec<guild_member::Model>, ApiError> {
    use guild_member::Column::{GuildId, JoinedAt, UserId as User};
    let mut query = guild_member::Entity::find()
        .filter(GuildId.eq(guild))
        .limit(args.size + 1);
    query = match args.direction {
        Direction::Forward => query.order_by_asc(JoinedAt).order_by_asc(User),
        Direction::Backward => query.order_by_desc(JoinedAt).order_by_desc(User),
    };
    if let Some((at, user)) = args.key::<(i64, Uuid)>("member")? {
        let malformed =
            || ApiError::invalid("after", "CURSOR_MALFORMED", "this cursor is not from this list");
        let at = DateTime::from_timestamp_millis(at).ok_or_else(malformed)?;
        let user = UserId(user);
        let (beyond, tied) = match args.direction {
            Direction::Forward => (JoinedAt.gt(at), User.gt(user)),
            Direction::Backward => (JoinedAt.lt(at), User.lt(user)),
        };
        let tied = Condition::all().add(JoinedAt.eq(at)).add(tied);
        query = query.filter(Condition::any().add(beyond).add(tied));
    }
    Ok(query.all(db).await?)
}

/// Sets or clears the nickname of a member of the seat's guild.
pub async fn set_nickname(
    db: &impl ConnectionTrait,
    seat: &GuildSeat,
    user: UserId,
    nickname: Option<Nickname>,
) -> Result<guild_member::Model, DbErr> {
    let mut next = next_revision(db, seat.guild(), user).await?;
    next.nickname = Set(nickname.map(Nickname::into_string));
    next.update(db).await
}

/// Sets or ends the time-out of a member of the seat's guild.
pub async fn set_timeout(
    db: &impl ConnectionTrait,
    seat: &GuildSeat,
    user: UserId,
    until: Option<DateTime<Utc>>,
) -> Result<guild_member::Model, DbErr> {
    let mut next = next_revision(db, seat.guild(), user).await?;
    next.timed_out_until = Set(until);
    next.update(db).await
}

/// Raises a member's revision, for what changed about them in other rows.
pub async fn touch_member(
    db: &impl ConnectionTrait,
    guild: GuildId,
    user: UserId,
) -> Result<guild_member::Model, DbErr> {
    next_revision(db, guild, user).await?.update(db).await
}

/// Gives a role to a member of the seat's guild; false when they have it.
pub async fn add_role(
    db: &impl ConnectionTrait,
    seat: &GuildSeat,
    user: UserId,
    role: RoleId,
) -> Result<bool, DbErr> {
    let row = member_role::Model {
        guild_id: seat.guild(),
        user_id: user,
        role_id: role,
    };
    let key = (row.guild_id, row.user_id, row.role_id);
    if member_role::Entity::find_by_id(key).one(db).await?.is_some() {
        return Ok(false);
    }
    let row = member_role::ActiveModel::from(row).reset_all();
    member_role::Entity::insert(row)
        .exec_without_returning(db)
        .await?;
    Ok(true)
}

/// Takes a role from a member of the seat's guild; false when they do not have it.
pub async fn remove_role(
    db: &impl ConnectionTrait,
    seat: &GuildSeat,
    user: UserId,
    role: RoleId,
) -> Result<bool, DbErr> {
    let done = member_role::Entity::delete_by_id((seat.guild(), user, role))
        .exec(db)
        .await?;
    Ok(done.rows_affected > 0)
}

/// Removes a member with their roles, and gives the last state of the row.
pub async fn delete_member(
    db: &impl ConnectionTrait,
    guild: GuildId,
    user: UserId,
) -> Result<guild_member::Model, DbErr> {
    let row = required(db, guild, user).await?;
    member_role::Entity::delete_many()
        .filter(member_role::Column::GuildId.eq(guild))
        .filter(member_role::Column::UserId.eq(user))
        .exec(db)
        .await?;
    row.clone().delete(db).await?;
    Ok(row)
}

/// Some guilds that a user is a member of, also deleted ones.
pub async fn guilds_with(db: &impl ConnectionTrait, user: UserId, most: u64) -> Result<Vec<GuildId>, DbErr> {
    guild_member::Entity::find()
        .select_only()
        .column(guild_member::Column::GuildId)
        .filter(guild_member::Column::UserId.eq(user))
        .order_by_asc(guild_member::Column::GuildId)
        .limit(most)
        .into_tuple()
        .all(db)
        .await
}

async fn required(
    db: &impl ConnectionTrait,
    guild: GuildId,
    user: UserId,
) -> Result<guild_member::Model, DbErr> {
    let row = member(db, guild, user).await?;
    row.ok_or_else(|| DbErr::RecordNotFound(user.to_string()))
}

async fn next_revision(
    db: &impl ConnectionTrait,
    guild: GuildId,
    user: UserId,
) -> Result<guild_member::ActiveModel, DbErr> {
    let row = required(db, guild, user).await?;
    let rev = row.rev + 1;
    let mut next = guild_member::ActiveModel::from(row);
    next.rev = Set(rev);
    Ok(next)
}
