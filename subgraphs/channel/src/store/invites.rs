//! Invites. A live one is neither revoked nor over nor used up.

use chrono::{DateTime, Utc};
use commons_access::GuildSeat;
use commons_entities::{GuildId, InviteId, UserId, channel::invite};
use commons_platform::{
    ApiError,
    page::{Direction, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

/// Adds an invite to the seat's guild.
pub async fn insert_invite(
    db: &impl ConnectionTrait,
    seat: &GuildSeat,
    row: invite::Model,
) -> Result<(), DbErr> {
    debug_assert_eq!(seat.guild(), row.guild_id, "the proof is for another guild");
    invite::Entity::insert(invite::ActiveModel::from(row).reset_all())
        .exec_without_returning(db)
        .await
        .map(|_| ())
}

/// An invite, live or not.
pub async fn invite_by_id(db: &impl ConnectionTrait, id: InviteId) -> Result<Option<invite::Model>, DbErr> {
    invite::Entity::find_by_id(id).one(db).await
}

/// The live invite with a code.
pub async fn live_invite(
    db: &impl ConnectionTrait,
    code: &str,
    now: DateTime<Utc>,
) -> Result<Option<invite::Model>, DbErr> {
    invite::Entity::find()
        .filter(invite::Column::Code.eq(code))
        .filter(live(now))
        .one(db)
        .await
}

/// How many live invites a guild has.
pub async fn live_invite_count(
    db: &impl ConnectionTrait,
    guild: GuildId,
    now: DateTime<Utc>,
) -> Result<u64, DbErr> {
    invite::Entity::find()
        .filter(invite::Column::GuildId.eq(guild))
        .filter(live(now))
        .count(db)
        .await
}

/// Uses an invite once; false when it is not live any more.
pub async fn use_invite(db: &impl ConnectionTrait, id: InviteId, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let done = invite::Entity::update_many()
        .col_expr(invite::Column::Uses, Expr::col(invite::Column::Uses).add(1))
        .filter(invite::Column::Id.eq(id))
        .filter(live(now))
        .exec(db)
        .await?;
    Ok(done.rows_affected > 0)
}

/// Takes an invite of the seat's guild back; none when it is taken back already.
pub async fn revoke_invite(
    db: &impl ConnectionTrait,
    seat: &GuildSeat,
    id: InviteId,
    now: DateTime<Utc>,
) -> Result<Option<invite::Model>, DbErr> {
    let done = invite::Entity::update_many()
        .col_expr(invite::Column::RevokedAt, Expr::value(now))
        .filter(invite::Column::Id.eq(id))
        .filter(invite::Column::GuildId.eq(seat.guild()))
        .filter(invite::Column::RevokedAt.is_null())
        .exec(db)
        .await?;
    if done.rows_affected == 0 {
        Ok(None)
    } else {
        invite_by_id(db, id).await
    }
}

/// The live invites of the seat's guild, those of one creator or all, newest first: one more than the
/// page has.
pub async fn page_invites(
    db: &impl ConnectionTrait,
    seat: &GuildSeat,
    creator: Option<UserId>,
    now: DateTime<Utc>,
    args: &PageArgs,
) -> Result<Vec<invite::Model>, ApiError> {
    let mut query = invite::Entity::find()
        .filter(invite::Column::GuildId.eq(seat.guild()))
        .filter(live(now))
        .limit(args.size + 1);
    if let Some(creator) = creator {
        query = query.filter(invite::Column::CreatorId.eq(creator));
    }
    query = match args.direction {
        Direction::Forward => query.order_by_desc(invite::Column::Id),
        Direction::Backward => query.order_by_asc(invite::Column::Id),
    };
    if let Some(key) = args.key::<Uuid>("invite")? {
        query = query.filter(match args.direction {
            Direction::Forward => invite::Column::Id.lt(InviteId(key)),
            Direction::Backward => invite::Column::Id.gt(InviteId(key)),
        });
    }
    Ok(query.all(db).await?)
}

/// Removes invites that stopped working before then, so many at most, and gives how many those were. One
/// that was used up counts from its making.
pub async fn delete_dead_invites(
    db: &impl ConnectionTrait,
    before: DateTime<Utc>,
    most: u64,
) -> Result<u64, DbErr> {
    use invite::Column::{CreatedAt, ExpiresAt, Id, MaxUses, RevokedAt, Uses};
    let used_up = Condition::all()
        .add(Expr::col(Uses).gte(Expr::col(MaxUses)))
        .add(CreatedAt.lt(before));
    let dead: Vec<InviteId> = invite::Entity::find()
        .select_only()
        .column(Id)
        .filter(
            Condition::any()
                .add(ExpiresAt.lt(before))
                .add(RevokedAt.lt(before))
                .add(used_up),
        )
        .limit(most)
        .into_tuple()
        .all(db)
        .await?;
    let done = invite::Entity::delete_many()
        .filter(Id.is_in(dead))
        .exec(db)
        .await?;
    Ok(done.rows_affected)
}

/// Invites by somebody name nobody any more; they go on working.
pub async fn forget_creator(db: &impl ConnectionTrait, user: UserId) -> Result<(), DbErr> {
    invite::Entity::update_many()
        .col_expr(invite::Column::CreatorId, Expr::value(Uuid::nil()))
        .filter(invite::Column::CreatorId.eq(user))
        .exec(db)
        .await
        .map(drop)
}

fn live(now: DateTime<Utc>) -> Condition {
    use invite::Column::{ExpiresAt, MaxUses, RevokedAt, Uses};
    Condition::all()
        .add(RevokedAt.is_null())
        .add(Condition::any().add(ExpiresAt.is_null()).add(ExpiresAt.gt(now)))
        .add(
            Condition::any()
                .add(MaxUses.is_null())
                .add(Expr::col(Uses).lt(Expr::col(MaxUses))),
        )
}
