//! Bringing communities in from elsewhere, through the domains' own `service` functions.
//!
//! Reading a source is its own module; [`run`] carries what it reads into the services: people, then
//! channels, then messages day by day, each step one transaction, each idempotent.

mod progress;
mod run;
mod slack;

use crate::{DataLock, Services};
use anyhow::{Context, bail};
use commons_platform::{
    config::Config,
    db::{self, DatabaseConnection},
};
use run::Run;
use slack::Export;
use std::{path::Path, process::ExitCode};

/// Imports a Slack export into a guild: 0 when all of it is in, 2 when records were skipped.
///
/// # Errors
/// When nothing can be imported: the zip is broken, a server runs, there is no such owner.
pub async fn slack(config: Config, file: &Path, guild: &str, owner: &str) -> anyhow::Result<ExitCode> {
    let export = Export::open(file).with_context(|| format!("cannot import {}", file.display()))?;
    let _lock = DataLock::take(&config)?;
    let alone = alone(&config).await?;
    let services = Services::start(config).await?;
    let done = Run::new(&services, &export).all(guild, owner).await;
    services.stop().await;
    if let Some(alone) = alone {
        // The lock goes with its connection, however that ends.
        let _closed = alone.close().await;
    }
    let summary = done?;
    summary.print(&export);
    Ok(if summary.skipped.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    })
}

/// Any number that nobody else locks.
const LOCK: i64 = 0x0063_6f6d_6d6f_6e69;

/// One import at a time over a database server: the connection has the lock. A file has its own.
async fn alone(config: &Config) -> anyhow::Result<Option<DatabaseConnection>> {
    if config.sqlite_path().is_some() {
        return Ok(None);
    }
    let connection = db::unbounded(&config.database).await.context("database")?;
    match db::try_lock_alone(&connection, LOCK).await.context("database")? {
        true => Ok(Some(connection)),
        false => bail!("another import is running; try again when it has ended"),
    }
}
