//! Every order of the steps of readers, writers and accidents: afterwards nothing old is served.
//!
//! The steps run on the real loader, cache and bus; a read is stopped where a step ends. The rule
//! that is checked after every order: when all are done, two seconds later no process reads anything
//! but the truth; and with no writer dead and no cache away, at once.
//!
//! On the cache of a process every order of up to eight steps is run, and a sample of the longer ones;
//! on the one in Redis a sample of both, where Redis also loses what it holds.

mod redis;

use super::{
    truth::{Gate, Note},
    world::World,
};
use commons_platform::{
    cache::Cache,
    clock::ManualClock,
    loader::{CachedLoader, Writing},
    task,
};
use commons_testing::redis::server::Server;
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use std::{sync::Arc, time::Duration};
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
    /// The server of the shared cache loses everything, pending writes too.
    Lost,
    /// It loses what it knows of pending writes, and keeps the values.
    GuardsLost,
}

/// Who takes part, with how many steps.
type Bag = Vec<(Who, usize)>;

/// Where the shared cache is.
struct Stage {
    cache: Arc<dyn Cache>,
    clock: Arc<ManualClock>,
    server: Server,
    namespace: String,
}

/// All different orders of a bag of steps, each once.
fn orders(bag: &[(Who, usize)]) -> impl Iterator<Item = Vec<Who>> {
    let mut steps = steps(bag);
    steps.sort_unstable();
    std::iter::successors(Some(steps), |order| following(order.clone()))
}

/// The order that follows among all orders of the same steps.
fn following(mut order: Vec<Who>) -> Option<Vec<Who>> {
    let turn = order.windows(2).rposition(|pair| pair[0] < pair[1])?;
    let above = order.iter().rposition(|who| *who > order[turn])?;
    order.swap(turn, above);
    order[turn + 1..].reverse();
    Some(order)
}

/// Orders of a bag by chance, the same ones every time.
fn sample(bag: &[(Who, usize)], seed: u64, count: usize) -> Vec<Vec<Who>> {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut steps = steps(bag);
    (0..count)
        .map(|_| {
            steps.shuffle(&mut chance);
            steps.clone()
        })
        .collect()
}

fn steps(bag: &[(Who, usize)]) -> Vec<Who> {
    bag.iter()
        .flat_map(|(who, steps)| std::iter::repeat_n(*who, *steps))
        .collect()
}

/// One run: two processes that have read the row, and who is where in its steps.
struct Run<'a> {
    stage: Option<&'a Stage>,
    w: World,
    processes: [CachedLoader<Note>; 2],
    readers: [Option<(Arc<Gate>, JoinHandle<()>)>; 2],
    writers: [Option<Writing<Note>>; 2],
    committed: [Option<Note>; 2],
    next_rev: i64,
    taken: Vec<Who>,
}

impl<'a> Run<'a> {
    async fn new(stage: Option<&'a Stage>, known: bool) -> Self {
        let w = match stage {
            Some(stage) => World::over(stage.cache.clone(), stage.clock.clone()),
            None => World::new(),
        };
        let processes = [w.process().await, w.process().await];
        w.truth.commit(ROW, 1);
        if known {
            for process in &processes {
                w.read(process, ROW).await;
            }
        }
        w.settle().await;
        Self {
            stage,
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
        self.w.settle().await;
    }

    async fn read(&mut self, n: usize, step: usize) {
        if step == 0 {
            let gate = self.w.truth.hold();
            let (process, key) = (self.processes[n].clone(), self.w.key(ROW));
            let asked = task::spawn(async move {
                process.get(&key).await.unwrap();
            });
            self.w.settle().await;
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
        match accident {
            Accident::Wipe => self.w.cache.itself().wipe().await.unwrap(),
            Accident::Evict => {
                let key = format!("test:note:{}", self.w.key(ROW));
                match self.stage {
                    Some(stage) => stage.say(&["DEL", &format!("{}:{key}", stage.namespace)]).await,
                    None => self
                        .w
                        .cache
                        .itself()
                        .remove(&[format!("comm:{key}")])
                        .await
                        .unwrap(),
                }
            }
            Accident::Lost => self.stage.unwrap().say(&["FLUSHALL"]).await,
            Accident::GuardsLost => self.stage.unwrap().lose_guards().await,
            Accident::Missed => self.w.bus.missed(),
            Accident::Late => self.w.pass(11),
            Accident::CacheDown => self.w.cache.down(true),
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
        self.w.settle().await;
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

/// Runs one order to its end, and checks.
async fn run(stage: Option<&Stage>, order: &[Who], known: bool) {
    let steps = |n| order.iter().filter(|who| **who == Who::Writer(n)).count();
    let nobody_dies = [0, 1].iter().all(|n| matches!(steps(*n), 0 | 3));
    let down = order.contains(&Who::Accident(Accident::CacheDown));
    let mut run = Run::new(stage, known).await;
    for who in order {
        run.step(*who).await;
    }
    run.quiesce().await;
    if nobody_dies && !down {
        run.check("at once").await;
    }
    // Time for the writers' processes to repair a cache that was away.
    tokio::time::advance(Duration::from_millis(1100)).await;
    run.w.settle().await;
    run.w.pass(2);
    run.check("after two seconds").await;
    run.w.pass(11);
    run.check("after all tombstones").await;
}

/// Runs every order of the steps in the cache of a process, with the row read before by both processes
/// or by neither; returns how many orders there were.
async fn all_orders(bag: &[(Who, usize)], known: &[bool]) -> usize {
    let mut count = 0;
    for order in orders(bag) {
        for known in known {
            run(None, &order, *known).await;
        }
        count += 1;
    }
    count
}

const ACCIDENTS: [Accident; 5] = [
    Accident::Wipe,
    Accident::Evict,
    Accident::Missed,
    Accident::Late,
    Accident::CacheDown,
];

/// Two different accidents, all pairs.
fn pairs() -> impl Iterator<Item = [Accident; 2]> {
    (0..ACCIDENTS.len()).flat_map(|one| (0..one).map(move |other| [ACCIDENTS[one], ACCIDENTS[other]]))
}

/// Two readers, two writers that may die and one accident of each of some kinds: up to 14 steps.
fn everything(dies: [usize; 2], accidents: &[Accident]) -> Bag {
    let people = [
        (Who::Reader(0), 3),
        (Who::Reader(1), 3),
        (Who::Writer(0), dies[0]),
        (Who::Writer(1), dies[1]),
    ];
    let accidents = accidents.iter().map(|accident| (Who::Accident(*accident), 1));
    people.into_iter().chain(accidents).collect()
}

#[test]
fn every_order_is_there_once() {
    let bag = [(Who::Reader(0), 3), (Who::Writer(0), 3), (Who::Writer(1), 2)];
    let all: std::collections::BTreeSet<_> = orders(&bag).collect();
    assert_eq!((orders(&bag).count(), all.len()), (560, 560));
}

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
async fn a_reader_a_writer_and_two_accidents() {
    for (steps, accidents) in [2, 3]
        .into_iter()
        .flat_map(|steps| pairs().map(move |pair| (steps, pair)))
    {
        let bag = [
            (Who::Reader(0), 3),
            (Who::Writer(1), steps),
            (Who::Accident(accidents[0]), 1),
            (Who::Accident(accidents[1]), 1),
        ];
        all_orders(&bag, &[true]).await;
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
async fn a_reader_two_writers_and_an_accident() {
    for accident in ACCIDENTS {
        let bag = [
            (Who::Reader(0), 3),
            (Who::Writer(0), 2),
            (Who::Writer(1), 2),
            (Who::Accident(accident), 1),
        ];
        assert_eq!(all_orders(&bag, &[true]).await, 1680);
    }
}

#[tokio::test(start_paused = true)]
async fn two_writers_and_accidents() {
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
    for accidents in pairs() {
        let bag = [
            (Who::Writer(0), 3),
            (Who::Writer(1), 3),
            (Who::Accident(accidents[0]), 1),
            (Who::Accident(accidents[1]), 1),
        ];
        assert_eq!(all_orders(&bag, &[true]).await, 1120);
    }
}

#[tokio::test(start_paused = true)]
async fn two_readers_and_a_writer() {
    for dies in 2..=3 {
        let bag = [(Who::Reader(0), 3), (Who::Reader(1), 3), (Who::Writer(1), dies)];
        all_orders(&bag, &[false]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn two_readers_two_writers_and_accidents_by_chance() {
    for (seed, accidents) in (0..).zip(pairs()) {
        for dies in [[3, 3], [3, 2], [2, 1]] {
            for order in sample(&everything(dies, &accidents), seed, 100) {
                run(None, &order, seed % 2 == 0).await;
            }
        }
    }
}
