//! Exports of accounts: a copy of what somebody has, gathered from all domains, read by them alone.
//!
//! [`begin`] puts the jobs down. Each owner's [`crate::Runner`] writes its share step by step: it takes
//! the [`Share`] in its transaction, reads on from the cursor and writes documents with the next cursor.
//! The share ends with the owner's job, and the export with its last share. It goes after seven days.

mod read;

pub use read::{EXPORT_LIST, PARTS_LIST, State, find, newest, page, page_parts, states};

/// An export as its row has it.
pub use commons_entities::job::data_export::Model as DataExport;
/// A document as its row has it.
pub use commons_entities::job::data_export_part::Model as Part;

use crate::{Effect, Enqueued, Owner, Progress, enqueue, enqueue_at};
use chrono::{DateTime, TimeDelta, Utc};
use commons_entities::{
    ExportId, UserId,
    job::{ShareState, data_export, data_export_part, data_export_share},
};
use commons_platform::db::Tx;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockType},
};
use serde_json::Value;

/// How long an export can be read.
pub const KEPT: TimeDelta = TimeDelta::days(7);
/// How large a document is at most, in bytes.
pub const DOCUMENT: usize = 256 * 1024;
/// How many documents one step removes.
const REMOVED_AT_ONCE: u64 = 20;

/// Begins an export: the row, a share for each owner and the jobs that write it, and the one that removes
/// it.
///
/// # Errors
/// When the database fails.
pub async fn begin(
    tx: &impl ConnectionTrait,
    id: ExportId,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<(data_export::Model, Enqueued), DbErr> {
    let row = data_export::Model {
        id,
        user_id: user,
        created_at: now,
        finished_at: None,
        expires_at: now + KEPT,
    };
    let row = data_export::ActiveModel::from(row).reset_all().insert(tx).await?;
    let effect = Effect::ExportAccount { export: id, user };
    let shares = effect.owners().iter().map(|owner| data_export_share::Model {
        export_id: id,
        owner: owner.as_str().to_owned(),
        state: ShareState::Running,
        cursor: None,
        parts: 0,
    });
    data_export_share::Entity::insert_many(
        shares.map(|share| data_export_share::ActiveModel::from(share).reset_all()),
    )
    .exec_without_returning(tx)
    .await?;
    let written = enqueue(tx, now, &[effect]).await?;
    let removed = enqueue_at(tx, now, row.expires_at, &[Effect::RemoveExport { export: id }]).await?;
    Ok((row, written.and(removed)))
}

/// Hides all exports of an account at once, and has them removed.
///
/// # Errors
/// When the database fails.
pub async fn withdraw(
    tx: &impl ConnectionTrait,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Enqueued, DbErr> {
    let ids: Vec<ExportId> = data_export::Entity::find()
        .select_only()
        .column(data_export::Column::Id)
        .filter(data_export::Column::UserId.eq(user))
        .order_by_asc(data_export::Column::Id)
        .into_tuple()
        .all(tx)
        .await?;
    data_export::Entity::update_many()
        .col_expr(data_export::Column::ExpiresAt, Expr::value(now))
        .filter(data_export::Column::UserId.eq(user))
        .exec(tx)
        .await?;
    let effects: Vec<Effect> = ids
        .into_iter()
        .map(|export| Effect::RemoveExport { export })
        .collect();
    enqueue(tx, now, &effects).await
}

/// A JSON document of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    subject: &'static str,
    body: String,
}

impl Document {
    /// Packs items into as few documents as hold them: JSON arrays of at most [`DOCUMENT`] bytes each.
    /// `subject` says what the items are, such as `messages`.
    pub fn pack(subject: &'static str, items: impl IntoIterator<Item = Value>) -> Vec<Self> {
        let mut documents = Vec::new();
        let mut body = String::new();
        for item in items {
            let mut item = item.to_string();
            if item.len() + 2 > DOCUMENT {
                item = serde_json::json!({ "omitted": format!("{} bytes", item.len()) }).to_string();
            }
            // Two brackets and a comma.
            if !body.is_empty() && body.len() + item.len() + 3 > DOCUMENT {
                documents.push(Self::close(subject, std::mem::take(&mut body)));
            }
            if !body.is_empty() {
                body.push(',');
            }
            body.push_str(&item);
        }
        if !body.is_empty() {
            documents.push(Self::close(subject, body));
        }
        documents
    }

    fn close(subject: &'static str, items: String) -> Self {
        Self {
            subject,
            body: format!("[{items}]"),
        }
    }
}

/// An owner's share of an export, locked until the transaction ends.
#[derive(Debug)]
pub struct Share(data_export_share::Model);

impl Share {
    /// Takes a share; none when it is written already, or the export is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take(
        tx: &impl ConnectionTrait,
        export: ExportId,
        owner: Owner,
    ) -> Result<Option<Self>, DbErr> {
        // The export before the share, as its removal locks them.
        let is_there = data_export::Entity::find_by_id(export).lock(LockType::KeyShare);
        if is_there.one(tx).await?.is_none() {
            return Ok(None);
        }
        let share = data_export_share::Entity::find_by_id((export, owner.as_str().to_owned()))
            .filter(data_export_share::Column::State.eq(ShareState::Running))
            .lock(LockType::Update)
            .one(tx)
            .await?;
        Ok(share.map(Self))
    }

    /// Where the owner goes on: what it gave to the last [`Share::step`]; none at the beginning.
    pub fn cursor(&self) -> Option<&str> {
        self.0.cursor.as_deref()
    }

    /// Ends a step: adds documents and where to go on from here, and commits. Without a `next` there was
    /// nothing left.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn step(
        self,
        tx: Tx,
        documents: Vec<Document>,
        next: Option<String>,
    ) -> Result<Progress, DbErr> {
        let Some(next) = next else {
            return Ok(Progress::Done);
        };
        self.write(&tx, documents, &next).await?;
        tx.commit().await?;
        Ok(Progress::More)
    }

    async fn write(
        self,
        tx: &impl ConnectionTrait,
        documents: Vec<Document>,
        cursor: &str,
    ) -> Result<(), DbErr> {
        let Self(share) = self;
        let mut number = share.parts;
        for document in documents {
            number += 1;
            let part = data_export_part::Model {
                export_id: share.export_id,
                owner: share.owner.clone(),
                number,
                subject: document.subject.to_owned(),
                body: document.body,
            };
            data_export_part::Entity::insert(data_export_part::ActiveModel::from(part).reset_all())
                .exec_without_returning(tx)
                .await?;
        }
        data_export_share::Entity::update_many()
            .col_expr(data_export_share::Column::Parts, Expr::value(number))
            .col_expr(data_export_share::Column::Cursor, Expr::value(cursor))
            .filter(data_export_share::Column::ExportId.eq(share.export_id))
            .filter(data_export_share::Column::Owner.eq(share.owner))
            .exec(tx)
            .await
            .map(|_| ())
    }
}

/// Ends a share, and the export with its last one.
pub(crate) async fn close(
    tx: &impl ConnectionTrait,
    export: ExportId,
    owner: Owner,
    state: ShareState,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    // Two shares that end at once must see each other.
    let row = data_export::Entity::find_by_id(export).lock(LockType::NoKeyUpdate);
    if row.one(tx).await?.is_none() {
        return Ok(());
    }
    data_export_share::Entity::update_many()
        .col_expr(data_export_share::Column::State, Expr::value(state))
        .filter(data_export_share::Column::ExportId.eq(export))
        .filter(data_export_share::Column::Owner.eq(owner.as_str()))
        .exec(tx)
        .await?;
    let running = data_export_share::Entity::find()
        .filter(data_export_share::Column::ExportId.eq(export))
        .filter(data_export_share::Column::State.eq(ShareState::Running))
        .one(tx)
        .await?;
    if running.is_none() {
        data_export::Entity::update_many()
            .col_expr(data_export::Column::FinishedAt, Expr::value(now))
            .filter(data_export::Column::Id.eq(export))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// One step of [`Effect::RemoveExport`].
///
/// # Errors
/// When the database fails.
pub async fn remove(tx: &impl ConnectionTrait, export: ExportId) -> Result<Progress, DbErr> {
    let parts: Vec<(String, i64)> = data_export_part::Entity::find()
        .select_only()
        .columns([data_export_part::Column::Owner, data_export_part::Column::Number])
        .filter(data_export_part::Column::ExportId.eq(export))
        .limit(REMOVED_AT_ONCE)
        .into_tuple()
        .all(tx)
        .await?;
    if parts.is_empty() {
        data_export::Entity::delete_by_id(export).exec(tx).await?;
        return Ok(Progress::Done);
    }
    for (owner, number) in parts {
        data_export_part::Entity::delete_by_id((export, owner, number))
            .exec(tx)
            .await?;
    }
    Ok(Progress::More)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_hold_every_item_and_are_bounded() {
        let items: Vec<Value> = (0..1000)
            .map(|i| Value::String(format!("{i}{}", "é".repeat(500))))
            .collect();
        let documents = Document::pack("messages", items.clone());
        assert!(documents.len() > 1);
        let mut found = Vec::new();
        for document in &documents {
            assert!(document.body.len() <= DOCUMENT);
            let Value::Array(some) = serde_json::from_str(&document.body).unwrap() else {
                panic!("a document is a list");
            };
            found.extend(some);
        }
        assert_eq!(found, items);
        assert!(documents[0].body.len() > DOCUMENT - 2000, "as few as hold them");
        assert_eq!(Document::pack("messages", []), []);
        let huge = Document::pack("messages", [Value::String("x".repeat(DOCUMENT))]);
        assert_eq!(huge[0].body, r#"[{"omitted":"262146 bytes"}]"#);
    }
}
