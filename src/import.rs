//! Bringing communities in from elsewhere, through the domains' own `service` functions.
//!
//! Reading a source is its own module; [`run`] carries what it reads into the services: people, then
//! channels, then messages day by day, each step one transaction, each idempotent.

mod progress;
mod run;
mod slack;

use crate::{DataLock, Services};
use anyhow::Context;
use commons_platform::config::Config;
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
    let services = Services::start(config).await?;
    let done = Run::new(&services, &export).all(guild, owner).await;
    services.stop().await;
    let summary = done?;
    summary.print(&export);
    Ok(if summary.skipped.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    })
}
