//! Which programs there are, and a copy of each that a build meanwhile does not replace.

use anyhow::Context;
use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Below where the system takes the ports of outgoing connections, so that a restarted process finds its
/// port free.
const FIRST_PORT: u16 = 20_000;
const LAST_PORT: u16 = 32_000;

/// The binaries of one run.
#[derive(Debug)]
pub(crate) struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// A folder for them that is gone with this.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kill-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// A binary of this workspace. Those of other packages lie beside this one's.
    pub(crate) fn take(&self, name: &str) -> anyhow::Result<PathBuf> {
        let made = Path::new(env!("CARGO_BIN_EXE_commons")).with_file_name(name);
        let taken = self.folder.join(name);
        if !taken.exists() && fs::hard_link(&made, &taken).is_err() {
            fs::copy(&made, &taken)
                .with_context(|| format!("there is no {name}: run `cargo build --workspace --bins`"))?;
        }
        Ok(taken)
    }
}

impl Drop for Binaries {
    fn drop(&mut self) {
        // It lies in the build's own folder, so what is left harms nobody.
        let _left = fs::remove_dir_all(&self.folder);
    }
}

/// A program of the system: in PATH, or where Debian puts those of PostgreSQL.
pub(crate) fn installed(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(versions) = fs::read_dir("/usr/lib/postgresql") {
        let mut versions: Vec<PathBuf> = versions.flatten().map(|entry| entry.path().join("bin")).collect();
        versions.sort();
        folders.extend(versions.into_iter().rev());
    }
    folders
        .into_iter()
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
        .with_context(|| format!("there is no {name}; install it"))
}

/// A command that does not outlive this process, whatever ends it, as another user where one is named.
pub(crate) fn command(program: &Path, user: Option<&str>, when_orphaned: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(installed("setpriv")?);
    command.args(["--pdeathsig", when_orphaned]);
    if let Some(user) = user {
        command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    }
    // Ctrl-C is for this process alone.
    command.arg("--").arg(program).process_group(0);
    Ok(command)
}

/// Ports that nobody listens on; each call gives others.
#[derive(Debug)]
pub(crate) struct Ports(u16);

impl Ports {
    pub(crate) fn new() -> Self {
        let range = u32::from(LAST_PORT - FIRST_PORT);
        let start = std::process::id().wrapping_mul(97) % range;
        Self(FIRST_PORT + u16::try_from(start).expect("the range fits"))
    }

    pub(crate) fn free(&mut self) -> anyhow::Result<u16> {
        for _ in FIRST_PORT..LAST_PORT {
            self.0 = if self.0 + 1 < LAST_PORT {
                self.0 + 1
            } else {
                FIRST_PORT
            };
            if TcpListener::bind((Ipv4Addr::LOCALHOST, self.0)).is_ok() {
                return Ok(self.0);
            }
        }
        anyhow::bail!("no port is free")
    }
}
