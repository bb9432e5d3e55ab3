//! Bans, and time-outs of who is away.

use chrono::{DateTime, Utc};
use commons_access::GuildSeat;
use commons_entities::{
    GuildId, UserId,
    channel::{guild_ban, guild_timeout},
};
use commons_platform::{
    ApiError,
    page::{Direction, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, sea_query::OnConflict,
};
use uuid::Uuid;

/// Bans somebody from the seat's guild; a ban that is there takes the new moderator, reason and time.
pub async fn put_ban(
    db: &impl ConnectionTrait,
    seat: &GuildSeat,
    row: guild_ban::Model,
) -> Result<(), DbErr> {
    debug_assert_eq!(seat.guild(), row.guild_id, "the proof is for another guild");
    use guild_ban::Column::{CreatedAt, GuildId, ModeratorId, Reason, UserId};
    let key = OnConflict::columns([GuildId, UserId])
        .update_columns([ModeratorId, Reason, CreatedAt])
        .to_owned();
    guild_ban::Entity::insert(guild_ban::ActiveModel::from(row).reset_all())
        .on_conflict(key)
        .exec_without_returning(db)
        .await
        .map(drop)
}

/// Somebody's ban.
pub async fn ban(
    db: &impl ConnectionTrait,
    guild: GuildId,
    user: UserId,
) -> Result<Option<guild_ban::Model>, DbErr> {
    guild_ban::Entity::find_by_id((guild, user)).one(db).await
}

/// Lifts a ban of the seat's guild; false when there is none.
pub async fn delete_ban(db: &impl ConnectionTrait, seat: &GuildSeat, user: UserId) -> Result<bool, DbErr> {
    let done = guild_ban::Entity::delete_by_id((seat.guild(), user))
        .exec(db)
        .await?;
    Ok(done.rows_affected > 0)
}

/// The bans of the seat's guild, newest first: one more than the page has. The key is the time of the
/// ban in milliseconds and the user.
pub async fn page_bans(
    db: &impl ConnectionTrait,
    seat: &GuildSeat,
    args: &PageArgs,
) -> Result<Vec<guild_ban::Model>, ApiError> {
    use guild_ban::Column::{CreatedAt, GuildId, UserId as User};
    let mut query = guild_ban::Entity::find()
        .filter(GuildId.eq(seat.guild()))
        .limit(args.size + 1);
    query = match args.direction {
        Direction::Forward => query.order_by_desc(CreatedAt).order_by_desc(User),
        Direction::Backward => query.order_by_asc(CreatedAt).order_by_asc(User),
    };
    if let Some((at, user)) = args.key::<(i64, Uuid)>("ban")? {
        let malformed =
            || ApiError::invalid("after", "CURSOR_MALFORMED", "this cursor is not from this list");
        let at = DateTime::from_timestamp_millis(at).ok_or_else(malformed)?;
        let user = UserId(user);
        let (beyond, tied) = match args.direction {
            Direction::Forward => (CreatedAt.lt(at), User.lt(user)),
            Direction::Backward => (CreatedAt.gt(at), User.gt(user)),
        };
        let tied = Condition::all().add(CreatedAt.eq(at)).add(tied);
        query = query.filter(Condition::any().add(beyond).add(tied));
    }
    Ok(query.all(db).await?)
}

/// Remembers the time-out of somebody who leaves before it ends.
pub async fn keep_timeout(db: &impl ConnectionTrait, row: guild_timeout::Model) -> Result<(), DbErr> {
    use guild_timeout::Column::{GuildId, Until, UserId};
    let key = OnConflict::columns([GuildId, UserId])
        .update_column(Until)
        .to_owned();
    guild_timeout::Entity::insert(guild_timeout::ActiveModel::from(row).reset_all())
        .on_conflict(key)
        .exec_without_returning(db)
        .await
        .map(drop)
}

/// Until when somebody who comes back is timed out still.
pub async fn take_timeout(
    db: &impl ConnectionTrait,
    guild: GuildId,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, DbErr> {
    let Some(row) = guild_timeout::Entity::find_by_id((guild, user)).one(db).await? else {
        return Ok(None);
    };
    guild_timeout::Entity::delete_by_id((guild, user))
        .exec(db)
        .await?;
    Ok((row.until > now).then_some(row.until))
}

/// Forgets time-outs that are over.
pub async fn delete_timeouts_over(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let done = guild_timeout::Entity::delete_many()
        .filter(guild_timeout::Column::Until.lte(now))
        .exec(db)
        .await?;
    Ok(done.rows_affected)
}
