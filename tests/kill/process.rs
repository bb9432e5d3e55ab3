//! A process that is started again whenever it ends, until it is told to stay down.

use anyhow::Context;
use commons_platform::task::Guard;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::time::interval;

/// How often a supervisor looks.
const LOOK: Duration = Duration::from_millis(10);
/// How long it waits before it starts a process again, twice as long each time it ends early.
const BACK_OFF: Duration = Duration::from_millis(100);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(1);
/// A process that lived this long did not end early.
const LIVED: Duration = Duration::from_secs(3);

/// A supervised process.
pub(crate) struct Process {
    pub(crate) name: String,
    command: Mutex<Command>,
    log: PathBuf,
    state: Mutex<State>,
    supervisor: Mutex<Option<Guard>>,
}

struct State {
    child: Option<Child>,
    started: Instant,
    due: Instant,
    back_off: Duration,
    /// Somebody ended it on purpose.
    expected: bool,
    /// It is not started again.
    down: bool,
    exits: Vec<Exit>,
}

/// An end that nobody asked for, or one that was asked for and went wrong.
#[derive(Debug, Clone)]
pub(crate) struct Exit {
    pub(crate) status: ExitStatus,
    pub(crate) expected: bool,
}

impl Process {
    /// Starts it; what it says goes to a file of its name in `logs`.
    pub(crate) fn start(name: &str, mut command: Command, logs: &Path) -> anyhow::Result<Arc<Self>> {
        command.stdin(Stdio::null());
        let now = Instant::now();
        let process = Arc::new(Self {
            name: name.to_owned(),
            command: Mutex::new(command),
            log: logs.join(format!("{name}.log")),
            state: Mutex::new(State {
                child: None,
                started: now,
                due: now,
                back_off: BACK_OFF,
                expected: false,
                down: false,
                exits: Vec::new(),
            }),
            supervisor: Mutex::new(None),
        });
        process.spawn(&mut process.state())?;
        // Weak: a process that nobody holds any more is not kept alive by its supervisor.
        let supervised = Arc::downgrade(&process);
        let supervisor = Guard::spawn(async move {
            let mut look = interval(LOOK);
            while let Some(process) = supervised.upgrade() {
                process.look();
                drop(process);
                look.tick().await;
            }
        });
        *lock(&process.supervisor) = Some(supervisor);
        Ok(process)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn spawn(&self, state: &mut State) -> anyhow::Result<()> {
        let mut log = self.open_log()?;
        writeln!(log, "---- started")?;
        let mut command = lock(&self.command);
        command.stdout(log.try_clone()?).stderr(log);
        let child = command
            .spawn()
            .with_context(|| format!("{} does not start", self.name))?;
        state.child = Some(child);
        state.started = Instant::now();
        Ok(())
    }

    fn open_log(&self) -> anyhow::Result<File> {
        Ok(OpenOptions::new().create(true).append(true).open(&self.log)?)
    }

    /// Notes an end and starts it again when it is time.
    fn look(&self) {
        let mut state = self.state();
        let now = Instant::now();
        if let Some(child) = &mut state.child {
            let Ok(Some(status)) = child.try_wait() else {
                return;
            };
            state.child = None;
            let expected = std::mem::take(&mut state.expected);
            state.exits.push(Exit { status, expected });
            if expected || now - state.started > LIVED {
                state.back_off = BACK_OFF;
            } else {
                state.back_off = (state.back_off * 2).min(LONGEST_BACK_OFF);
            }
            state.due = now + state.back_off;
            self.note(&format!("ended: {status}"));
        }
        if !state.down
            && now >= state.due
            && let Err(error) = self.spawn(&mut state)
        {
            self.note(&format!("{error:#}"));
            state.due = now + LONGEST_BACK_OFF;
        }
    }

    fn note(&self, text: &str) {
        if let Ok(mut log) = self.open_log() {
            // The log is for people; a full disk shows elsewhere.
            let _unwritten = writeln!(log, "---- {text}");
        }
    }

    /// Sends a signal that is to end it.
    pub(crate) fn end(&self, signal: Signal) -> bool {
        self.send(signal, true)
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) -> bool {
        self.send(signal, false)
    }

    /// False when it does not run. Under the lock it is not reaped, so the id is still its own.
    fn send(&self, signal: Signal, ends: bool) -> bool {
        let mut state = self.state();
        let Some(child) = &state.child else { return false };
        let sent = kill_process(Pid::from_child(child), signal).is_ok();
        state.expected |= sent && ends;
        sent
    }

    /// Its id, while it runs.
    pub(crate) fn id(&self) -> Option<u32> {
        self.state().child.as_ref().map(Child::id)
    }

    /// How often it has ended.
    pub(crate) fn exits(&self) -> Vec<Exit> {
        self.state().exits.clone()
    }

    /// Does not start it again.
    pub(crate) fn stay_down(&self) {
        self.state().down = true;
    }

    /// What it has said.
    pub(crate) fn said(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.state().child.take() {
            // It may have ended already.
            let _gone = child.kill();
            let _reaped = child.wait();
        }
    }
}

/// A mutex whose holders leave it whole even when one panics.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
