//! What is cached of the message domain: messages, and the counts of their reactions.
//!
//! Both carry the message's revision, which every change of either raises.

use commons_entities::{
    MessageId,
    message::{message, reaction},
};
use commons_platform::{db::among, loader::Cached};
use sea_orm::{
    ColumnTrait, DatabaseConnection, DbErr, EntityTrait, FromQueryResult, JoinType, Order, QueryFilter,
    QueryOrder, QuerySelect, sea_query::Expr,
};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, time::Duration};

/// How long the shared cache serves messages.
const TTL: Duration = Duration::from_secs(3600);

/// A message as its row has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Message(pub message::Model);

impl Cached for Message {
    type Key = MessageId;
    const SERVICE: &'static str = "message";
    const KIND: &'static str = "message";
    const SCHEMA: u8 = 1;
    const TTL: Duration = TTL;

    fn key(&self) -> MessageId {
        self.0.id
    }

    fn rev(&self) -> i64 {
        self.0.rev
    }

    async fn fetch(db: &DatabaseConnection, keys: &[MessageId]) -> Result<Vec<Self>, DbErr> {
        let rows = message::Entity::find()
            .filter(among(db, message::Column::Id, keys.iter().copied()))
            .all(db)
            .await?;
        Ok(rows.into_iter().map(Self).collect())
    }
}

/// The reactions of a message, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The message.
    pub id: MessageId,
    /// The message's revision.
    pub rev: i64,
    /// In the order in which each emoji came first.
    pub groups: Vec<Group>,
}

/// One emoji of a tally.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The emoji.
    pub emoji: String,
    /// How many people.
    pub count: i64,
}

#[derive(FromQueryResult)]
struct Row {
    id: MessageId,
    rev: i64,
    emoji: Option<String>,
    count: i64,
}

impl Cached for Tally {
    type Key = MessageId;
    const SERVICE: &'static str = "message";
    const KIND: &'static str = "tally";
    const SCHEMA: u8 = 1;
    const TTL: Duration = TTL;

    fn key(&self) -> MessageId {
        self.id
    }

    fn rev(&self) -> i64 {
        self.rev
    }

    async fn fetch(db: &DatabaseConnection, keys: &[MessageId]) -> Result<Vec<Self>, DbErr> {
        let rows = message::Entity::find()
            .select_only()
            .column(message::Column::Id)
            .column(message::Column::Rev)
            .column(reaction::Column::Emoji)
            .column_as(reaction::Column::UserId.count(), "count")
            .join(JoinType::LeftJoin, reactions())
            .filter(among(db, message::Column::Id, keys.iter().copied()))
            .group_by(message::Column::Id)
            .group_by(message::Column::Rev)
            .group_by(reaction::Column::Emoji)
            .order_by(Expr::expr(reaction::Column::Seq.min()), Order::Asc)
            .order_by_asc(reaction::Column::Emoji)
            .into_model::<Row>()
            .all(db)
            .await?;
        let mut tallies = HashMap::<MessageId, Self>::new();
        for Row {
            id,
            rev,
            emoji,
            count,
        } in rows
        {
            let tally = tallies.entry(id).or_insert_with(|| Self {
                id,
                rev,
                groups: Vec::new(),
            });
            tally.groups.extend(emoji.map(|emoji| Group { emoji, count }));
        }
        Ok(tallies.into_values().collect())
    }
}

/// From a message to its reactions.
fn reactions() -> sea_orm::RelationDef {
    message::Entity::belongs_to(reaction::Entity)
        .from(message::Column::Id)
        .to(reaction::Column::MessageId)
        .into()
}
