//! One process at a time uses an embedded database.

use anyhow::Context;
use commons_platform::{config::Config, create_private};
use std::fs::{File, TryLockError};

/// The right to use the database's file; given back when dropped, also by the system after a crash.
#[derive(Debug)]
pub struct DataLock(#[expect(dead_code, reason = "held for its lock")] File);

/// Another process uses the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another process uses this database; stop it first")]
pub struct Locked;

impl DataLock {
    /// Takes the lock; none where the database is a server, which many processes may use.
    ///
    /// # Errors
    /// [`Locked`] when another process has it.
    pub fn take(config: &Config) -> anyhow::Result<Option<Self>> {
        let Some(path) = config.sqlite_path() else {
            return Ok(None);
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            create_private(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let path = path.with_added_extension("lock");
        let file = File::create(&path).with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Err(Locked.into()),
            Err(TryLockError::Error(error)) => Err(error).context("cannot lock the database"),
        }
    }
}
