//! The truth of these tests: rows in memory, read through `Cached::fetch`, which a test can hold.
//!
//! A read has two points to stop at: before it looks at the rows and after. So a test decides what a
//! slow read saw.

use commons_platform::loader::Cached;
use sea_orm::{DatabaseConnection, DbErr};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    str::FromStr,
    sync::{
        Arc, LazyLock, Mutex, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;

/// A row whose text tells its revision, so that a mixed-up one would show.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) key: Key,
    pub(crate) rev: i64,
    pub(crate) text: String,
}

/// Names a row and the truth it lives in: `fetch` has nothing else to find it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Key {
    truth: u64,
    pub(crate) row: u32,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.truth, self.row)
    }
}

impl FromStr for Key {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (truth, row) = text.split_once('-').unwrap_or_default();
        Ok(Self {
            truth: truth.parse()?,
            row: row.parse()?,
        })
    }
}

static TRUTHS: LazyLock<Mutex<HashMap<u64, Weak<Truth>>>> = LazyLock::new(Mutex::default);

/// The database of one test.
pub(crate) struct Truth {
    number: u64,
    rows: Mutex<BTreeMap<Key, i64>>,
    reads: Mutex<Vec<Vec<u32>>>,
    held: Mutex<Option<Arc<Gate>>>,
    fault: Mutex<Option<Fault>>,
}

/// What the next read does instead of answering.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    Fails,
    Panics,
}

/// The stops of a held read.
pub(crate) struct Gate {
    before: Semaphore,
    after: Semaphore,
}

impl Gate {
    /// Lets one read look at the rows.
    pub(crate) fn look(&self) {
        self.before.add_permits(1);
    }

    /// Lets one read that has looked answer.
    pub(crate) fn answer(&self) {
        self.after.add_permits(1);
    }
}

impl Truth {
    pub(crate) fn new() -> Arc<Self> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let truth = Arc::new(Self {
            number,
            rows: Mutex::default(),
            reads: Mutex::default(),
            held: Mutex::default(),
            fault: Mutex::default(),
        });
        TRUTHS.lock().unwrap().insert(number, Arc::downgrade(&truth));
        truth
    }

    pub(crate) fn key(&self, row: u32) -> Key {
        Key {
            truth: self.number,
            row,
        }
    }

    /// Commits a row; gives it back as a writer has it.
    pub(crate) fn commit(&self, row: u32, rev: i64) -> Note {
        self.rows.lock().unwrap().insert(self.key(row), rev);
        note(self.key(row), rev)
    }

    pub(crate) fn delete(&self, row: u32) {
        self.rows.lock().unwrap().remove(&self.key(row));
    }

    pub(crate) fn rev(&self, row: u32) -> Option<i64> {
        self.rows.lock().unwrap().get(&self.key(row)).copied()
    }

    /// The reads so far: the rows that each asked for, sorted.
    pub(crate) fn reads(&self) -> Vec<Vec<u32>> {
        self.reads.lock().unwrap().clone()
    }

    /// Holds all reads that begin from now on.
    pub(crate) fn hold(&self) -> Arc<Gate> {
        let gate = Arc::new(Gate {
            before: Semaphore::new(0),
            after: Semaphore::new(0),
        });
        *self.held.lock().unwrap() = Some(gate.clone());
        gate
    }

    /// Lets reads that begin from now on pass; those that are held stay so.
    pub(crate) fn let_pass(&self) {
        *self.held.lock().unwrap() = None;
    }

    pub(crate) fn fault(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap() = fault;
    }
}

impl Drop for Truth {
    fn drop(&mut self) {
        TRUTHS.lock().unwrap().remove(&self.number);
    }
}

fn note(key: Key, rev: i64) -> Note {
    Note {
        key,
        rev,
        text: format!("{key} as of {rev}"),
    }
}

impl Cached for Note {
    type Key = Key;
    const SERVICE: &'static str = "test";
    const KIND: &'static str = "note";
    const SCHEMA: u8 = 1;
    const TTL: Duration = Duration::from_secs(3600);

    fn key(&self) -> Key {
        self.key
    }

    fn rev(&self) -> i64 {
        self.rev
    }

    async fn fetch(_: &DatabaseConnection, keys: &[Key]) -> Result<Vec<Self>, DbErr> {
        let truth = TRUTHS.lock().unwrap().get(&keys[0].truth).and_then(Weak::upgrade);
        // Somebody may still ask when a test ends; a panic here would be every test's.
        let truth = truth.ok_or_else(|| DbErr::Custom("the test is over".into()))?;
        let mut asked: Vec<u32> = keys.iter().map(|key| key.row).collect();
        asked.sort_unstable();
        truth.reads.lock().unwrap().push(asked);
        let held = truth.held.lock().unwrap().clone();
        if let Some(gate) = &held {
            gate.before.acquire().await.unwrap().forget();
        }
        let rows: Vec<Self> = {
            let rows = truth.rows.lock().unwrap();
            keys.iter()
                .filter_map(|key| Some(note(*key, *rows.get(key)?)))
                .collect()
        };
        if let Some(gate) = &held {
            gate.after.acquire().await.unwrap().forget();
        }
        let fault = *truth.fault.lock().unwrap();
        match fault {
            None => Ok(rows),
            Some(Fault::Fails) => Err(DbErr::Custom("a test wants it".into())),
            Some(Fault::Panics) => panic!("a test wants it"),
        }
    }
}
