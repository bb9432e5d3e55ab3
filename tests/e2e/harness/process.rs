//! A process of the binary and what it says.

use super::PATIENCE;
use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::{
    sync::oneshot,
    time::{interval, timeout},
};

/// The binary with nothing of this process's environment, in a folder of its own.
pub(crate) fn commons(folder: &Path) -> Command {
    program("commons", folder)
}

/// A binary of this workspace. Those of other packages lie beside this one's; `cargo test` and
/// `cargo build --workspace` make them.
pub(super) fn program(name: &str, folder: &Path) -> Command {
    let path = Path::new(env!("CARGO_BIN_EXE_commons")).with_file_name(name);
    assert!(
        path.is_file(),
        "there is no {name}: run `cargo build --workspace` first"
    );
    let mut command = Command::new(path);
    command
        .env_clear()
        .env("COMMONS_DATA_DIR", folder)
        .env("COMMONS_GATEWAY__LISTEN", "127.0.0.1:0")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// A process; dropping it kills it.
pub(crate) struct Process {
    child: Child,
    log: Arc<Mutex<String>>,
    /// Ends with the process: then there is nothing more to read.
    reader: Option<JoinHandle<()>>,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// All it said on stderr.
    pub(crate) said: String,
}

impl Process {
    pub(crate) fn start(command: Command) -> Self {
        Self::listening(command).0
    }

    /// Starts a server; the address comes when it listens.
    pub(super) fn listening(mut command: Command) -> (Self, oneshot::Receiver<SocketAddr>) {
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let (tell, address) = oneshot::channel();
        let (mut tell, kept) = (Some(tell), log.clone());
        let reader = thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if let Some(address) = address_in(&line)
                    && let Some(tell) = tell.take()
                {
                    // The test may have given up.
                    let _unheard = tell.send(address);
                }
                let mut log = kept.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        });
        (
            Self {
                child,
                log,
                reader: Some(reader),
            },
            address,
        )
    }

    /// Runs it to its end.
    pub(crate) async fn run(command: Command) -> Ended {
        Self::start(command).ended().await
    }

    /// Waits for it to end by itself.
    pub(crate) async fn ended(mut self) -> Ended {
        let mut tick = interval(Duration::from_millis(5));
        let ended = timeout(PATIENCE, async {
            loop {
                tick.tick().await;
                if let Some(status) = self.has_ended() {
                    return status;
                }
            }
        });
        let status = ended.await;
        let status = status.unwrap_or_else(|_| panic!("it does not end:\n{}", self.log()));
        self.reader.take().expect("it is joined once").join().unwrap();
        Ended {
            status,
            said: self.log(),
        }
    }

    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Ends it as a crash would.
    pub(crate) async fn kill9(mut self) -> Ended {
        self.child.kill().unwrap();
        self.ended().await
    }

    /// Sends SIGTERM.
    pub(super) fn terminate(&self) {
        let id = self.child.id().to_string();
        let sent = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &id]).status();
        assert!(sent.unwrap().success());
    }

    /// What it has said on stderr.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(" is at ")?;
    let address = rest.split([' ', ',']).next()?;
    address.strip_prefix("http://").unwrap_or(address).parse().ok()
}
