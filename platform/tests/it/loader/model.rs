//! Every order of the steps of readers, writers and accidents: afterwards nothing old is served.
//!
//! The steps run on the real loader, cache and bus; a read is stopped where a step ends. The rule
//! that is checked after every order: when all are done, two seconds later no process reads anything
//! but the truth; and with no writer dead and no cache away, at once.

use super::{
    truth::{Gate, Note},
    world::{World, settle},
};
use commons_platform::{
    cache::Cache,
    loader::{CachedLoader, Writing},
    task,
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::task::JoinHandle;

/// The row that all of it is about.
const ROW: u32 = 1;

/// Who takes the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    /// Asks, looks at the rows, answers.
    Reader(usize),
    /// Announces, commits, tells.
    Writer(usize),
    /// One step.
    Accident(Accident),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Accident {
    /// The shared cache loses everything but the pending writes.
    Wipe,
    /// The shared cache loses the row.
    Evict,
    /// Messages were lost.
    Missed,
    /// Tombstones and leases run out under whoever was slow.
    Late,
    /// The shared cache fails from here until all are done.
    CacheDown,
}

/// All different orders of a bag of steps.
fn orders(bag: &[(Who, usize)]) -> BTreeSet<Vec<Who>> {
    let mut all = BTreeSet::from([Vec::new()]);
    for _ in 0..bag.iter().map(|(_, steps)| steps).sum() {
        let longer = |order: Vec<Who>| {
            let left = bag
                .iter()
                .filter(|(who, steps)| order.iter().filter(|taken| *taken == who).count() < *steps);
            left.map(|(who, _)| order.iter().copied().chain([*who]).collect())
                .collect::<Vec<Vec<Who>>>()
        };
        all = all.into_iter().flat_map(longer).collect();
    }
    all
}

/// One run: two processes that have read the row, and who is where in its steps.
struct Run {
    w: World,
    processes: [CachedLoader<Note>; 2],
    readers: [Option<(Arc<Gate>, JoinHandle<()>)>; 2],
    writers: [Option<Writing<Note>>; 2],
    committed: [Option<Note>; 2],
    next_rev: i64,
    taken: Vec<Who>,
}

impl Run {
    async fn new(known: bool) -> Self {
        let w = World::new();
        let processes = [w.process().await, w.process().await];
        w.truth.commit(ROW, 1);
        if known {
            for process in &processes {
                w.read(process, ROW).await;
            }
        }
        Self {
            w,
            processes,
            readers: Default::default(),
            writers: Default::default(),
            committed: Default::default(),
            next_rev: 2,
            taken: Vec::new(),
        }
    }

    async fn step(&mut self, who: Who) {
        let step = self.taken.iter().filter(|taken| **taken == who).count();
        self.taken.push(who);
        match who {
            Who::Reader(n) => self.read(n, step).await,
            Who::Writer(n) => self.write(n, step).await,
            Who::Accident(accident) => self.suffer(accident).await,
        }
        settle().await;
    }

    async fn read(&mut self, n: usize, step: usize) {
        if step == 0 {
            let gate = self.w.truth.hold();
            let (process, key) = (self.processes[n].clone(), self.w.key(ROW));
            let asked = task::spawn(async move {
                process.get(&key).await.unwrap();
            });
            settle().await;
            self.w.truth.let_pass();
            self.readers[n] = Some((gate, asked));
        } else if let Some((gate, _)) = &self.readers[n] {
            if step == 1 { gate.look() } else { gate.answer() }
        }
    }

    async fn write(&mut self, n: usize, step: usize) {
        match step {
            0 => self.writers[n] = Some(self.processes[n].writing(&[self.w.key(ROW)]).await),
            1 => {
                self.committed[n] = Some(self.w.truth.commit(ROW, self.next_rev));
                self.next_rev += 1;
            }
            _ => {
                let (writing, row) = (self.writers[n].take().unwrap(), self.committed[n].take().unwrap());
                writing.wrote(vec![row]).await;
            }
        }
    }

    async fn suffer(&mut self, accident: Accident) {
        let cache = &self.w.cache;
        match accident {
            Accident::Wipe => cache.wipe().await.unwrap(),
            Accident::Evict => cache
                .remove(&[format!("comm:test:note:{}", self.w.key(ROW))])
                .await
                .unwrap(),
            Accident::Missed => self.w.bus.missed(),
            Accident::Late => self.w.pass(11),
            Accident::CacheDown => cache.down(true),
        }
    }

    /// Lets everybody end, also those who die here: a writer without its last step.
    async fn quiesce(&mut self) {
        self.writers = Default::default();
        for (gate, asked) in self.readers.iter_mut().filter_map(Option::take) {
            gate.look();
            gate.answer();
            asked.await.unwrap();
        }
        self.w.cache.down(false);
        settle().await;
    }

    async fn check(&self, when: &str) {
        let truth = self.w.truth.rev(ROW);
        for round in 0..2 {
            for (n, process) in self.processes.iter().enumerate() {
                let read = self.w.read(process, ROW).await;
                assert_eq!(
                    read, truth,
                    "process {n} {when}, round {round}, after {:?}",
                    self.taken
                );
            }
        }
    }
}

/// Runs every order of the steps, with the row read before by both processes or by neither; returns
/// how many orders there were.
async fn all_orders(bag: &[(Who, usize)], known: &[bool]) -> usize {
    let orders = orders(bag);
    let steps = |n| {
        bag.iter()
            .find(|(who, _)| *who == Who::Writer(n))
            .map_or(0, |(_, steps)| *steps)
    };
    let nobody_dies = [0, 1].iter().all(|n| matches!(steps(*n), 0 | 3));
    let down = bag
        .iter()
        .any(|(who, _)| *who == Who::Accident(Accident::CacheDown));
    for (order, known) in orders
        .iter()
        .flat_map(|order| known.iter().map(move |known| (order, *known)))
    {
        let mut run = Run::new(known).await;
        for who in order {
            run.step(*who).await;
        }
        run.quiesce().await;
        if nobody_dies && !down {
            run.check("at once").await;
        }
        // Time for the writers' processes to repair a cache that was away.
        tokio::time::advance(Duration::from_secs(1)).await;
        settle().await;
        run.w.pass(2);
        run.check("after two seconds").await;
        run.w.pass(11);
        run.check("after all tombstones").await;
    }
    orders.len()
}

const ACCIDENTS: [Accident; 5] = [
    Accident::Wipe,
    Accident::Evict,
    Accident::Missed,
    Accident::Late,
    Accident::CacheDown,
];

#[tokio::test(start_paused = true)]
async fn a_reader_a_writer_and_an_accident() {
    for accident in ACCIDENTS {
        // The writer dies before its commit, after it, or not at all; it is the reader's process or not.
        for steps in 1..=3 {
            for writer in [0, 1] {
                let bag = [
                    (Who::Reader(0), 3),
                    (Who::Writer(writer), steps),
                    (Who::Accident(accident), 1),
                ];
                all_orders(&bag, &[false, true]).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_and_two_writers() {
    for dies in 1..=3 {
        let bag = [(Who::Reader(0), 3), (Who::Writer(0), 3), (Who::Writer(1), dies)];
        let orders = all_orders(&bag, &[false]).await;
        assert_eq!(orders, [140, 560, 1680][dies - 1]);
    }
}

#[tokio::test(start_paused = true)]
async fn two_writers_and_an_accident() {
    for accident in ACCIDENTS {
        for dies in 2..=3 {
            let bag = [
                (Who::Writer(0), 3),
                (Who::Writer(1), dies),
                (Who::Accident(accident), 1),
            ];
            all_orders(&bag, &[false, true]).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_readers_and_a_writer() {
    for dies in 2..=3 {
        let bag = [(Who::Reader(0), 3), (Who::Reader(1), 3), (Who::Writer(1), dies)];
        all_orders(&bag, &[false]).await;
    }
}
