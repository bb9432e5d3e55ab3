//! The audit log: appended to and read. Nothing changes an entry; it goes with its guild.

use chrono::{DateTime, Utc};
use commons_access::GuildSeat;
use commons_entities::{
    AuditEntryId, ChannelId, UserId,
    channel::{AuditAction, AuditTarget, audit_entry},
};
use commons_platform::{
    ApiError,
    db::among,
    page::{Direction, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use std::collections::HashSet;
use uuid::Uuid;

/// Rows of one statement.
const ROWS: usize = 1000;

/// Adds entries.
pub async fn insert_entries(db: &impl ConnectionTrait, rows: Vec<audit_entry::Model>) -> Result<(), DbErr> {
    for rows in rows.chunks(ROWS) {
        let rows = rows
            .iter()
            .map(|row| audit_entry::ActiveModel::from(row.clone()).reset_all());
        audit_entry::Entity::insert_many(rows)
            .exec_without_returning(db)
            .await?;
    }
    Ok(())
}

/// Which entries are wanted; what is none does not matter.
#[derive(Debug, Default)]
pub struct AuditFilter {
    /// Who did it.
    pub actor: Option<UserId>,
    /// To what.
    pub target: Option<(AuditTarget, Uuid)>,
    /// What was done.
    pub action: Option<AuditAction>,
    /// Then or later.
    pub since: Option<DateTime<Utc>>,
}

/// The entries of the seat's guild that pass a filter, newest first: one more than the page has. Of
/// channels only the `visible` ones count, where there is such a list.
pub async fn page_entries(
    db: &impl ConnectionTrait,
    seat: &GuildSeat,
    filter: &AuditFilter,
    visible: Option<&HashSet<ChannelId>>,
    args: &PageArgs,
) -> Result<Vec<audit_entry::Model>, ApiError> {
    use audit_entry::Column::{Action, ActorId, At, ChannelId, GuildId, Id, TargetId, TargetKind};
    let mut wanted = Condition::all().add(GuildId.eq(seat.guild()));
    if let Some(visible) = visible {
        let seen = among(db, ChannelId, visible.iter().copied());
        wanted = wanted.add(Condition::any().add(ChannelId.is_null()).add(seen));
    }
    if let Some(actor) = filter.actor {
        wanted = wanted.add(ActorId.eq(actor));
    }
    if let Some((kind, id)) = filter.target {
        wanted = wanted.add(TargetKind.eq(kind)).add(TargetId.eq(id));
    }
    if let Some(action) = filter.action {
        wanted = wanted.add(Action.eq(action));
    }
    if let Some(since) = filter.since {
        wanted = wanted.add(At.gte(since));
    }
    if let Some(key) = args.key::<Uuid>("audit")? {
        wanted = wanted.add(match args.direction {
            Direction::Forward => Id.lt(AuditEntryId(key)),
            Direction::Backward => Id.gt(AuditEntryId(key)),
        });
    }
    let query = audit_entry::Entity::find().filter(wanted).limit(args.size + 1);
    let query = match args.direction {
        Direction::Forward => query.order_by_desc(Id),
        Direction::Backward => query.order_by_asc(Id),
    };
    Ok(query.all(db).await?)
}
