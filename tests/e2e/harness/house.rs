//! A platform: a process over a data folder, which outlives it.

use super::{Api, Ended, PATIENCE, Person, Process, commons};
use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{interval, timeout},
};

/// As many houses at once as a small machine has cores: more would only wait for each other.
static SEATS: Semaphore = Semaphore::const_new(2);

/// Above what any test needs.
const UNLIMITED: [(&str, &str); 2] = [
    ("COMMONS_LIMITS__SIGN_INS_PER_MINUTE", "100000"),
    ("COMMONS_LIMITS__SENDS_PER_TEN_SECONDS", "1000000"),
];

/// A platform, and what it takes to start it again.
pub(crate) struct House {
    pub(crate) api: Api,
    folder: TempDir,
    settings: Vec<(String, String)>,
    process: Option<Process>,
    _seat: SemaphorePermit<'static>,
}

impl House {
    /// A fresh one without limits in time.
    pub(crate) async fn start() -> Self {
        Self::with(&UNLIMITED).await
    }

    /// A fresh one that has the machine for itself, for what is measured.
    pub(crate) async fn alone() -> Self {
        let seats = SEATS.acquire_many(2).await.unwrap();
        Self::seated(seats, &UNLIMITED).await
    }

    /// A fresh one with these settings and no others.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let seat = SEATS.acquire().await.unwrap();
        Self::seated(seat, settings).await
    }

    async fn seated(seat: SemaphorePermit<'static>, settings: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut house = Self {
            api: Api::new(),
            folder: TempDir::new().unwrap(),
            settings: settings.iter().map(owned).collect(),
            process: None,
            _seat: seat,
        };
        house.open().await;
        house
    }

    /// Starts the process again where it has ended; everybody's requests find the new address.
    pub(crate) async fn open(&mut self) {
        assert!(self.process.is_none(), "it runs");
        let (process, address) = Process::listening(self.command());
        self.process = Some(process);
        let address = timeout(PATIENCE, address).await.unwrap();
        let address = address.unwrap_or_else(|_| panic!("no start:\n{}", self.log()));
        self.api.set_address(address);
        let deadline = Instant::now() + PATIENCE;
        let mut tick = interval(Duration::from_millis(10));
        while !self.api.is_ready().await {
            assert!(Instant::now() < deadline, "not ready:\n{}", self.log());
            tick.tick().await;
        }
    }

    /// Changes a setting for the next start.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// The binary with the house's folder and settings.
    pub(crate) fn command(&self) -> Command {
        let mut command = commons(self.folder.path());
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Where the database is.
    pub(crate) fn data(&self) -> &Path {
        self.folder.path()
    }

    /// Ends the process as a crash would.
    pub(crate) async fn kill9(&mut self) {
        self.process.take().expect("it runs").kill9().await;
    }

    /// Asks the process to end and waits for it: how it ends, and how long it takes.
    pub(crate) async fn terminate(&mut self) -> (Ended, Duration) {
        let asked = Instant::now();
        let process = self.process.take().expect("it runs");
        process.terminate();
        let ended = process.ended().await;
        (ended, asked.elapsed())
    }

    /// It runs, answers, and nothing in it has panicked.
    pub(crate) async fn lives(&mut self) {
        let exited = self.process.as_mut().expect("it runs").has_ended();
        assert_eq!(exited, None, "{}", self.log());
        assert!(self.api.is_ready().await);
        assert!(!self.log().contains("panicked"), "{}", self.log());
    }

    /// What the process has said on stderr.
    pub(crate) fn log(&self) -> String {
        self.process.as_ref().map(Process::log).unwrap_or_default()
    }

    pub(crate) async fn register(&self, username: &str) -> Person {
        Person::register(&self.api, username).await
    }
}
