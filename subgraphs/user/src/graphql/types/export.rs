//! Copies of accounts as their owners see them.

use crate::{graphql::cx, service};
use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject, connection::Connection};
use chrono::{DateTime, Utc};
use commons_jobs::export::{PARTS_LIST, State};
use commons_platform::{ApiError, page::PageArgs};

/// How many parts a page has at most: each may have 256 KiB.
const MAX_PARTS: u64 = 4;

/// How far a copy of an account is.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "State")]
pub enum DataExportState {
    /// Being gathered.
    Running,
    /// All there.
    Ready,
    /// Something could not be gathered; what is there can be read.
    Incomplete,
}

/// A copy of what an account has, readable by its owner alone, for seven days.
pub struct DataExport(pub service::Export);

/// A copy of what an account has, readable by its owner alone, for seven days.
#[Object]
impl DataExport {
    /// The id.
    pub async fn id(&self) -> ID {
        self.0.row.id.to_string().into()
    }

    /// How far it is.
    async fn state(&self) -> DataExportState {
        self.0.state.into()
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.row.created_at
    }

    /// When everything was gathered.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.0.row.finished_at
    }

    /// When it goes.
    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.row.expires_at
    }

    /// What was gathered; nothing while it runs.
    async fn parts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 4; 1 when absent.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
    ) -> Result<Connection<String, DataExportPart>> {
        let args = PageArgs::forward(first.or(Some(1)), after.as_deref())?;
        if args.size > MAX_PARTS {
            let message = format!("first must be from 1 to {MAX_PARTS}");
            return Err(ApiError::invalid("first", "PAGE_SIZE", message).into());
        }
        let page = service::export_parts(cx(context), &self.0, &args).await?;
        Ok(page.connection(
            PARTS_LIST,
            |row| (row.owner.clone(), row.number),
            |row| DataExportPart {
                domain: row.owner,
                subject: row.subject,
                content: row.body,
            },
        ))
    }
}

/// A document of a copy.
#[derive(SimpleObject)]
pub struct DataExportPart {
    /// Who gathered it: `user`, `channel` or `message`.
    pub domain: String,
    /// What is in it, such as `sessions`; a subject may have several parts.
    pub subject: String,
    /// A JSON list, at most 256 KiB.
    pub content: String,
}
