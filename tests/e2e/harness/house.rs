//! A platform: its processes over its data, which outlives them.

use super::{Api, Ended, PATIENCE, Person, Place, Process, commons};
use sea_orm::DatabaseConnection;
use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};
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
    place: Place,
    settings: Vec<(String, String)>,
    /// The gateways, then those that clients do not see; one that is everything where it is one.
    processes: Vec<Process>,
    /// How many of them are gateways.
    gateways: usize,
    _seat: SemaphorePermit<'static>,
}

impl House {
    /// A fresh one without limits in time.
    pub(crate) async fn start() -> Self {
        Self::with(&UNLIMITED).await
    }

    /// A fresh one that has the machine for itself, for what is measured.
    pub(crate) async fn alone() -> Self {
        Self::alone_with(&[]).await
    }

    /// The same with some settings of its own.
    pub(crate) async fn alone_with(settings: &[(&str, &str)]) -> Self {
        let seats = SEATS.acquire_many(2).await.unwrap();
        Self::seated(seats, &[&UNLIMITED, settings].concat()).await
    }

    /// A fresh one with these settings and no others.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let seat = SEATS.acquire().await.unwrap();
        Self::seated(seat, settings).await
    }

    /// A fresh one in one process over SQLite, whatever the others are.
    pub(crate) async fn embedded() -> Self {
        let seat = SEATS.acquire().await.unwrap();
        Self::at(Place::embedded(), seat, &UNLIMITED).await
    }

    async fn seated(seat: SemaphorePermit<'static>, settings: &[(&str, &str)]) -> Self {
        Self::at(Place::new().await, seat, settings).await
    }

    async fn at(place: Place, seat: SemaphorePermit<'static>, settings: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut house = Self {
            api: Api::new(),
            place,
            settings: settings.iter().map(owned).collect(),
            processes: Vec::new(),
            gateways: 0,
            _seat: seat,
        };
        house.open().await;
        house
    }

    /// Starts the processes again where they have ended; everybody's requests find the new addresses.
    pub(crate) async fn open(&mut self) {
        assert!(self.processes.is_empty(), "it runs");
        let mut gateways = Vec::new();
        for (program, is_gateway) in self.place.programs().await {
            let (process, address) = Process::listening(self.with_settings(program));
            let place = if is_gateway {
                gateways.len()
            } else {
                self.processes.len()
            };
            self.processes.insert(place, process);
            let address = timeout(PATIENCE, address).await.unwrap();
            let address = address.unwrap_or_else(|_| panic!("no start:\n{}", self.log()));
            gateways.extend(is_gateway.then_some(address));
        }
        self.gateways = gateways.len();
        self.api.set_gateways(gateways);
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

    /// `commons` with the house's data and settings.
    pub(crate) fn command(&self) -> Command {
        let mut command = commons(self.data());
        command.envs(self.place.data());
        self.with_settings(command)
    }

    fn with_settings(&self, mut command: Command) -> Command {
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Whether its database is a file of its one process.
    pub(crate) fn is_embedded(&self) -> bool {
        self.place.is_embedded()
    }

    /// The database itself.
    pub(crate) async fn database(&self) -> &DatabaseConnection {
        self.place.database().await
    }

    /// How many messages are in the database, whoever wrote them.
    pub(crate) async fn messages(&self) -> i64 {
        self.place.count("message").await
    }

    /// Where it keeps its files.
    pub(crate) fn data(&self) -> &Path {
        self.place.folder()
    }

    /// Ends every process as a crash would.
    pub(crate) async fn kill9(&mut self) {
        for process in self.processes.drain(..) {
            process.kill9().await;
        }
    }

    /// Asks every process to end and waits for it, who depends on others first, as an operator would:
    /// how the first one that failed ends, or the last of all, what all said, and how long it takes.
    pub(crate) async fn terminate(&mut self) -> (Ended, Duration) {
        let asked = Instant::now();
        let services = self.processes.split_off(self.gateways);
        let mut all: Option<Ended> = None;
        for some in [std::mem::take(&mut self.processes), services] {
            some.iter().for_each(Process::terminate);
            for process in some {
                let mut ended = process.ended().await;
                if let Some(before) = all {
                    ended.said.insert_str(0, &before.said);
                    if !before.status.success() {
                        ended.status = before.status;
                    }
                }
                all = Some(ended);
            }
        }
        (all.expect("it runs"), asked.elapsed())
    }

    /// It runs, answers, and nothing in it has panicked.
    pub(crate) async fn lives(&mut self) {
        assert!(!self.processes.is_empty(), "it runs");
        for i in 0..self.processes.len() {
            assert_eq!(self.processes[i].has_ended(), None, "{}", self.log());
        }
        assert!(self.api.is_ready().await);
        assert!(!self.log().contains("panicked"), "{}", self.log());
    }

    /// What the processes have said on stderr.
    pub(crate) fn log(&self) -> String {
        self.processes.iter().map(Process::log).collect()
    }

    pub(crate) async fn register(&self, username: &str) -> Person {
        Person::register(&self.api, username).await
    }
}
