//! Reactions.

use commons_access::ChannelSeat;
use commons_entities::{MessageId, UserId, message::reaction};
use commons_platform::db::among;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, FromQueryResult,
    PaginatorTrait, QueryFilter, QuerySelect, Statement,
    sea_query::{self, Alias, Expr, ExprTrait, Order, OverStatement, Query, WindowStatement},
};
use std::collections::HashSet;

const ROWS: usize = 1_000;

/// Adds reactions.
pub async fn insert_reactions(db: &impl ConnectionTrait, rows: Vec<reaction::Model>) -> Result<(), DbErr> {
    for rows in rows.chunks(ROWS) {
        let rows = rows
            .iter()
            .cloned()
            .map(|row| reaction::ActiveModel::from(row).reset_all());
        reaction::Entity::insert_many(rows)
            .exec_without_returning(db)
            .await?;
    }
    Ok(())
}

/// Takes one person's reaction away; false when there was none.
pub async fn delete_reaction(
    db: &impl ConnectionTrait,
    _: &ChannelSeat,
    message: MessageId,
    emoji: &str,
    user: UserId,
) -> Result<bool, DbErr> {
    let done = reaction::Entity::delete_by_id((message, emoji.to_owned(), user))
        .exec(db)
        .await?;
    Ok(done.rows_affected > 0)
}

/// Takes all reactions of a message away, and says how many.
pub async fn delete_all(
    db: &impl ConnectionTrait,
    _: &ChannelSeat,
    message: MessageId,
) -> Result<u64, DbErr> {
    let done = reaction::Entity::delete_many()
        .filter(reaction::Column::MessageId.eq(message))
        .exec(db)
        .await?;
    Ok(done.rows_affected)
}

/// Whether a person has reacted with an emoji; none when nobody has used it on the message.
pub async fn has_emoji(
    db: &impl ConnectionTrait,
    message: MessageId,
    emoji: &str,
    user: UserId,
) -> Result<Option<bool>, DbErr> {
    let used = reaction::Entity::find()
        .filter(reaction::Column::MessageId.eq(message))
        .filter(reaction::Column::Emoji.eq(emoji));
    if used.clone().count(db).await? == 0 {
        return Ok(None);
    }
    Ok(Some(
        used.filter(reaction::Column::UserId.eq(user)).count(db).await? > 0,
    ))
}

/// How many different emojis a message has.
pub async fn count_emojis(db: &impl ConnectionTrait, message: MessageId) -> Result<u64, DbErr> {
    reaction::Entity::find()
        .select_only()
        .column(reaction::Column::Emoji)
        .distinct()
        .filter(reaction::Column::MessageId.eq(message))
        .count(db)
        .await
}

/// Which emojis a person has put on these messages.
pub async fn viewer_reactions(
    db: &impl ConnectionTrait,
    user: UserId,
    messages: &[MessageId],
) -> Result<HashSet<(MessageId, String)>, DbErr> {
    let rows = reaction::Entity::find()
        .select_only()
        .columns([reaction::Column::MessageId, reaction::Column::Emoji])
        .filter(reaction::Column::UserId.eq(user))
        .filter(among(db, reaction::Column::MessageId, messages.iter().copied()))
        .into_tuple::<(MessageId, String)>()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}

/// Which of the people behind an emoji are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReactingPage {
    /// How many of each emoji.
    pub first: u64,
    /// Only those behind this place: the number of the event that added the reaction, then who, since
    /// all reactions of an imported message have its number.
    pub after: Option<(i64, UserId)>,
}

/// Somebody behind an emoji.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Reacting {
    /// The message.
    pub message_id: MessageId,
    /// The emoji.
    pub emoji: String,
    /// Who.
    pub user_id: UserId,
    /// When in the channel's stream.
    pub seq: i64,
}

/// The first people behind every emoji of these messages, in one statement; one more than the page
/// has says whether there are more.
pub async fn reacting(
    db: &impl ConnectionTrait,
    messages: &[MessageId],
    page: ReactingPage,
) -> Result<Vec<Reacting>, DbErr> {
    let rank = Alias::new("rank");
    let window = WindowStatement::partition_by(reaction::Column::MessageId)
        .partition_by(reaction::Column::Emoji)
        .order_by(reaction::Column::Seq, Order::Asc)
        .order_by(reaction::Column::UserId, Order::Asc)
        .take();
    let behind = match page.after {
        None => Condition::all(),
        Some((seq, user)) => Condition::any().add(reaction::Column::Seq.gt(seq)).add(
            Condition::all()
                .add(reaction::Column::Seq.eq(seq))
                .add(reaction::Column::UserId.gt(user)),
        ),
    };
    let ranked = Query::select()
        .columns([
            reaction::Column::MessageId,
            reaction::Column::Emoji,
            reaction::Column::UserId,
            reaction::Column::Seq,
        ])
        .expr_window_as(
            sea_query::Func::cust(Alias::new("row_number")),
            window,
            rank.clone(),
        )
        .from(reaction::Entity)
        .and_where(among(db, reaction::Column::MessageId, messages.iter().copied()))
        .cond_where(behind)
        .take();
    let first = i64::try_from(page.first + 1).expect("a page is small");
    let select = Query::select()
        .columns([
            reaction::Column::MessageId,
            reaction::Column::Emoji,
            reaction::Column::UserId,
            reaction::Column::Seq,
        ])
        .from_subquery(ranked, Alias::new("ranked"))
        .and_where(Expr::col(rank.clone()).lte(first))
        .order_by(rank, Order::Asc)
        .take();
    let statement: Statement = db.get_database_backend().build(&select);
    Reacting::find_by_statement(statement).all(db).await
}
