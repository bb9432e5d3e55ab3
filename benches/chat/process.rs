//! The real server as a child process, and what the system says of it. Linux only: it reads `/proc`.

use anyhow::{Context, bail, ensure};
use commons_platform::config::DEFAULTS;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tokio::{
    sync::oneshot,
    task::spawn_blocking,
    time::{interval, timeout},
};

/// What Linux counts CPU time in, whatever the kernel's own tick: `USER_HZ`.
const TICKS_PER_SECOND: f64 = 100.0;
const START: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(10);

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Its address, `http://127.0.0.1:…`.
    pub(crate) base: String,
}

impl Server {
    /// Starts the server on a data folder and waits until it says its address.
    ///
    /// # Errors
    /// When it does not start, or not within 30 s.
    pub(crate) async fn start(data: &Path) -> anyhow::Result<Self> {
        Self::start_at(data, "127.0.0.1:0").await
    }

    /// The same at an address that is chosen.
    ///
    /// # Errors
    /// When it does not start, or not within 30 s.
    pub(crate) async fn start_at(data: &Path, address: &str) -> anyhow::Result<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_commons"))
            // A folder without a commons.toml.
            .current_dir(data)
            .env("COMMONS_DATA_DIR", data)
            .env("COMMONS_GATEWAY__LISTEN", address)
            .envs(limits())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let said = BufReader::new(child.stderr.take().context("stderr was asked for above")?);
        let (found, address) = oneshot::channel();
        // Reads to the end, or the server would block on a full pipe.
        std::thread::spawn(move || {
            let mut found = Some(found);
            for line in said.lines().map_while(Result::ok) {
                let address = line
                    .split("Commons is at ")
                    .nth(1)
                    .and_then(|rest| rest.split(' ').next());
                if let Some((address, found)) = address.zip(found.take_if(|_| address.is_some())) {
                    let _gave_up = found.send(address.to_owned());
                }
            }
        });
        let mut server = Self {
            child,
            base: String::new(),
        };
        server.base = timeout(START, address).await?.context("the server ended")?;
        Ok(server)
    }

    /// Ends it as an operator would and waits for it.
    ///
    /// # Errors
    /// When it does not end cleanly within 10 s.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let kill = format!("kill -TERM {}", self.child.id());
        Command::new("sh").args(["-c", &kill]).status()?;
        let waiting = spawn_blocking(move || self.child.wait());
        let status = timeout(STOP, waiting).await???;
        match status.success() {
            true => Ok(()),
            false => bail!("the server ended with {status}"),
        }
    }

    /// The CPU time it used so far, its own and the kernel's for it.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        cpu(&self.child.id().to_string())
    }

    /// A line of `/proc/<pid>/status` in MiB, such as `VmRSS`.
    pub(crate) fn memory(&self, field: &str) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let value = status
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let kib = value
            .and_then(|value| value.trim().strip_suffix(" kB"))
            .context("no such field")?;
        Ok(kib.parse::<f64>()? / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails when it has ended, which is as good.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Every limit there is, out of the way: all clients come from one address here.
fn limits() -> impl Iterator<Item = (String, &'static str)> {
    DEFAULTS
        .lines()
        .skip_while(|line| *line != "[limits]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| (format!("COMMONS_LIMITS__{}", name.to_uppercase()), "1000000"))
}

/// Waits until a server says that all it needs answers.
///
/// # Errors
/// When it does not within 30 s.
pub(crate) async fn ready(base: &str) -> anyhow::Result<()> {
    let http = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(2))
        .build()?;
    let deadline = Instant::now() + START;
    let mut tick = interval(Duration::from_millis(20));
    loop {
        tick.tick().await;
        let answer = http.get(format!("{base}/ready")).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("{base} is not ready within {START:?}");
        }
    }
}

/// The CPU time that a process used so far; `self` is this one.
pub(crate) fn cpu(pid: &str) -> anyhow::Result<Duration> {
    ticks(&stat(pid)?[11..13])
}

/// The CPU time that a process used so far with all it has started, what has ended of them too.
pub(crate) fn family(pid: u32) -> anyhow::Result<Duration> {
    let mut used = ticks(&stat(&pid.to_string())?[11..15])?;
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(name) = name.to_str().filter(|name| name.parse::<u32>().is_ok()) else {
            continue;
        };
        // It may have ended meanwhile; then its time is its parent's.
        let Ok(fields) = stat(name) else { continue };
        if fields[1] == pid.to_string() {
            used += ticks(&fields[11..13])?;
        }
    }
    Ok(used)
}

/// Who has started a process.
pub(crate) fn parent(pid: &str) -> anyhow::Result<u32> {
    Ok(stat(pid)?[1].parse()?)
}

/// The fields of `/proc/<pid>/stat` from the third on, which is the state.
fn stat(pid: &str) -> anyhow::Result<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is the program's name in parentheses, which may contain anything.
    let (_, fields) = stat.rsplit_once(')').context("unreadable stat")?;
    let fields: Vec<String> = fields.split_whitespace().map(ToOwned::to_owned).collect();
    ensure!(fields.len() > 15, "unreadable stat");
    Ok(fields)
}

fn ticks(fields: &[String]) -> anyhow::Result<Duration> {
    let ticks = fields
        .iter()
        .map(|field| field.parse::<f64>())
        .sum::<Result<f64, _>>()?;
    Ok(Duration::from_secs_f64(ticks / TICKS_PER_SECOND))
}

/// The machine's load over 1, 5 and 15 minutes.
pub(crate) fn load_average() -> anyhow::Result<String> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').take(3).collect::<Vec<_>>().join(" "))
}
