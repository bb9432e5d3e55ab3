//! What other transactions owe the user domain.

use super::UserService;
use crate::store;
use commons_entities::{ExportId, UserId};
use commons_jobs::{
    Effect, Owner, Progress, Runner, Worker,
    export::{self, Document, Share},
};
use commons_platform::{ApiError, db::Tx};
use sea_orm::DbErr;
use serde_json::json;
use std::sync::Arc;

impl UserService {
    /// Has the jobs of the user domain done for as long as the worker lives.
    pub fn work(self: &Arc<Self>) -> Worker {
        let runner = Arc::new(Work(self.clone()));
        Worker::start(self.platform.clone(), Owner::User, runner)
    }
}

struct Work(Arc<UserService>);

#[async_trait::async_trait]
impl Runner for Work {
    async fn run(&self, effect: &Effect) -> Result<Progress, ApiError> {
        let tx = self.0.platform.db.begin().await?;
        match effect {
            Effect::ExportAccount { export, user } => return Ok(write_share(tx, *export, *user).await?),
            Effect::RemoveExport { export } => {
                let progress = export::remove(&tx, *export).await?;
                tx.commit().await?;
                return Ok(progress);
            }
            Effect::ReleaseUsername { user } => return self.release_username(tx, *user).await,
            Effect::EraseAccount { .. } | Effect::EraseGuild { .. } | Effect::EraseMessagesOf { .. } => {}
        }
        tx.commit().await?;
        Ok(Progress::Done)
    }
}

impl Work {
    async fn release_username(&self, tx: Tx, user: UserId) -> Result<Progress, ApiError> {
        let row = store::lock(&tx, user).await?;
        if let Some(row) = row.filter(|row| row.deleted_at.is_some()) {
            let writing = self.0.profiles.writing(&[user]).await;
            let row = store::release_username(&tx, &row).await?;
            tx.commit().await?;
            writing.wrote(vec![row.into()]).await;
        }
        Ok(Progress::Done)
    }
}

/// Writes the user domain's share of an export: it is small, and one step writes it all.
async fn write_share(tx: Tx, export: ExportId, user: UserId) -> Result<Progress, DbErr> {
    let Some(share) = Share::take(&tx, export, Owner::User).await? else {
        return Ok(Progress::Done);
    };
    let account = store::by_id(&tx, user).await?;
    // Written already, or nobody's any more.
    let (None, Some(account)) = (share.cursor(), account.filter(|row| row.deleted_at.is_none())) else {
        return Ok(Progress::Done);
    };
    let mut documents = Document::pack(
        "account",
        [json!({
            "id": account.id.to_string(), "username": account.username,
            "displayName": account.display_name, "bio": account.bio, "avatarUrl": account.avatar_url,
            "email": account.email, "administrator": account.administrator,
            "createdAt": account.created_at,
        })],
    );
    let sessions = store::all_sessions(&tx, user).await?.into_iter().map(|row| {
        json!({
            "id": row.id.to_string(), "device": row.device, "address": row.address,
            "createdAt": row.created_at, "lastSeenAt": row.last_seen_at, "expiresAt": row.expires_at,
            "revokedAt": row.revoked_at,
        })
    });
    documents.extend(Document::pack("sessions", sessions));
    let bots = store::bots_of(&tx, user).await?.into_iter().map(|row| {
        json!({
            "id": row.id.to_string(), "username": row.username, "displayName": row.display_name,
            "bio": row.bio, "avatarUrl": row.avatar_url, "createdAt": row.created_at,
        })
    });
    documents.extend(Document::pack("bots", bots));
    let imports = store::imports_of(&tx, user).await?.into_iter();
    let imports = imports.map(|row| json!({ "source": row.source, "externalId": row.external_id }));
    documents.extend(Document::pack("imports", imports));
    share.step(tx, documents, Some("all".to_owned())).await
}
