//! Guilds. A deleted one is a row without anything in it, which no function here finds.

use chrono::{DateTime, Utc};
use commons_access::{GuildSeat, GuildStanding};
use commons_content::{Bio, GuildName, HttpsUrl};
use commons_entities::{
    GuildId, UserId,
    channel::{guild, guild_member},
};
use commons_platform::{
    ApiError,
    page::{Direction, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, JoinType, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, RelationDef, Select, Set,
};
use uuid::Uuid;

/// Adds a guild.
pub async fn insert_guild(db: &impl ConnectionTrait, row: guild::Model) -> Result<(), DbErr> {
    guild::Entity::insert(guild::ActiveModel::from(row).reset_all())
        .exec_without_returning(db)
        .await
        .map(|_| ())
}

/// A guild.
pub async fn live_guild(db: &impl ConnectionTrait, id: GuildId) -> Result<Option<guild::Model>, DbErr> {
    live().filter(guild::Column::Id.eq(id)).one(db).await
}

/// What of a guild is changed; an inner none clears.
#[derive(Debug, Default)]
pub struct GuildChange {
    /// What it is called.
    pub name: Option<GuildName>,
    /// A few words.
    pub description: Option<Option<Bio>>,
    /// A picture.
    pub icon_url: Option<Option<HttpsUrl>>,
}

/// Changes the seat's guild.
pub async fn update_guild(
    db: &impl ConnectionTrait,
    seat: &GuildSeat,
    change: GuildChange,
) -> Result<guild::Model, DbErr> {
    let mut next = next_revision(db, seat.guild()).await?;
    if let Some(name) = change.name {
        next.name = Set(name.into_string());
    }
    if let Some(description) = change.description {
        next.description = Set(description.map(Bio::into_string).filter(|text| !text.is_empty()));
    }
    if let Some(url) = change.icon_url {
        next.icon_url = Set(url.map(HttpsUrl::into_string));
    }
    next.update(db).await
}

/// Gives a guild to one of its members.
pub async fn transfer_guild(db: &impl ConnectionTrait, to: &GuildStanding) -> Result<guild::Model, DbErr> {
    let mut next = next_revision(db, to.guild()).await?;
    next.owner_id = Set(to.user());
    next.update(db).await
}

/// From now on a guild does not exist for anybody.
pub async fn delete_guild(
    db: &impl ConnectionTrait,
    id: GuildId,
    at: DateTime<Utc>,
) -> Result<guild::Model, DbErr> {
    let mut next = next_revision(db, id).await?;
    next.deleted_at = Set(Some(at));
    next.update(db).await
}

/// Raises a guild's revision, for what changed about it in other rows.
pub async fn touch_guild(db: &impl ConnectionTrait, id: GuildId) -> Result<guild::Model, DbErr> {
    next_revision(db, id).await?.update(db).await
}

/// How many guilds a user is in.
pub async fn guild_count_of(db: &impl ConnectionTrait, user: UserId) -> Result<u64, DbErr> {
    guild_member::Entity::find()
        .join(JoinType::InnerJoin, of_guild())
        .filter(guild_member::Column::UserId.eq(user))
        .filter(guild::Column::DeletedAt.is_null())
        .count(db)
        .await
}

/// The first guild of this name that somebody owns.
pub async fn guild_of_owner(
    db: &impl ConnectionTrait,
    owner: UserId,
    name: &str,
) -> Result<Option<guild::Model>, DbErr> {
    live()
        .filter(guild::Column::OwnerId.eq(owner))
        .filter(guild::Column::Name.eq(name))
        .order_by_asc(guild::Column::Id)
        .one(db)
        .await
}

/// The guilds of a user, oldest first: one more than the page has.
pub async fn page_guilds_of(
    db: &impl ConnectionTrait,
    user: UserId,
    args: &PageArgs,
) -> Result<Vec<GuildId>, ApiError> {
    let mut query = guild_member::Entity::find()
        .select_only()
        .column(guild_member::Column::GuildId)
        .join(JoinType::InnerJoin, of_guild())
        .filter(guild_member::Column::UserId.eq(user))
        .filter(guild::Column::DeletedAt.is_null())
        .limit(args.size + 1);
    query = match args.direction {
        Direction::Forward => query.order_by_asc(guild_member::Column::GuildId),
        Direction::Backward => query.order_by_desc(guild_member::Column::GuildId),
    };
    if let Some(key) = args.key::<Uuid>("guild")? {
        query = query.filter(match args.direction {
            Direction::Forward => guild_member::Column::GuildId.gt(GuildId(key)),
            Direction::Backward => guild_member::Column::GuildId.lt(GuildId(key)),
        });
    }
    Ok(query.into_tuple().all(db).await?)
}

fn live() -> Select<guild::Entity> {
    guild::Entity::find().filter(guild::Column::DeletedAt.is_null())
}

fn of_guild() -> RelationDef {
    guild_member::Entity::belongs_to(guild::Entity)
        .from(guild_member::Column::GuildId)
        .to(guild::Column::Id)
        .into()
}

async fn next_revision(db: &impl ConnectionTrait, id: GuildId) -> Result<guild::ActiveModel, DbErr> {
    let row = live_guild(db, id).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound(id.to_string()))?;
    let rev = row.rev + 1;
    let mut next = guild::ActiveModel::from(row);
    next.rev = Set(rev);
    Ok(next)
}
