//! The sequence of faults that a seed gives.
//!
//! Kinds are drawn like cards, without putting back, so that a short run sees most of them. Nothing of
//! the run goes into the sequence: the same seed gives the same faults in the same order.

use crate::{cluster::Cluster, fault::Fault, random::Random};
use std::time::Duration;

/// How long things stand still, in milliseconds.
const SHORTEST: u64 = 500;
const LONGEST: u64 = 4000;
/// In how many rounds of a hundred a second fault meets the first.
const DOUBLE: u64 = 25;
/// How long after the first, in milliseconds.
const MEETS_WITHIN: u64 = 1500;
/// The rest between recovery and the next round, in milliseconds.
const REST: (u64, u64) = (200, 1200);

/// What happens next.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    pub(crate) fault: Fault,
    /// A second one, so long after the first.
    pub(crate) meets: Option<(Duration, Fault)>,
    /// The rest before all this.
    pub(crate) rest: Duration,
}

#[derive(Debug, Clone, Copy)]
enum Card {
    KillMessage,
    KillGateway,
    KillOther,
    Terminate,
    Pause,
    RedisKill,
    RedisFlush,
    RedisPause,
    PostgresStop,
    PostgresPause,
    CutClients,
    CutInside,
    Hold,
}

const CARDS: [Card; 13] = [
    Card::KillMessage,
    Card::KillGateway,
    Card::KillOther,
    Card::Terminate,
    Card::Pause,
    Card::RedisKill,
    Card::RedisFlush,
    Card::RedisPause,
    Card::PostgresStop,
    Card::PostgresPause,
    Card::CutClients,
    Card::CutInside,
    Card::Hold,
];

/// Draws rounds.
pub(crate) struct Deck {
    random: Random,
    left: Vec<Card>,
    redis: bool,
    processes: Vec<String>,
    links: Vec<String>,
}

impl Deck {
    pub(crate) fn new(seed: u64, cluster: &Cluster) -> Self {
        let names = |names: &mut dyn Iterator<Item = &String>| names.cloned().collect::<Vec<_>>();
        Self {
            random: Random::seeded(seed),
            left: Vec::new(),
            redis: cluster.redis.is_some(),
            processes: names(&mut cluster.processes.iter().map(|process| &process.name)),
            links: names(
                &mut cluster
                    .links
                    .iter()
                    .map(|link| &link.name)
                    .filter(|name| !name.starts_with("migrate")),
            ),
        }
    }

    /// The next round.
    pub(crate) fn draw(&mut self) -> Round {
        let rest = self.millis(REST.0, REST.1);
        let fault = self.fault();
        let meets = (self.random.between(0, 100) < DOUBLE).then(|| {
            let after = self.millis(0, MEETS_WITHIN);
            (after, self.fault())
        });
        Round { fault, meets, rest }
    }

    fn fault(&mut self) -> Fault {
        loop {
            if self.left.is_empty() {
                self.left = CARDS.to_vec();
            }
            let at = self.below(self.left.len());
            let card = self.left.swap_remove(at);
            if let Some(fault) = self.play(card) {
                return fault;
            }
        }
    }

    /// None when there is nothing that it could happen to.
    fn play(&mut self, card: Card) -> Option<Fault> {
        let time = self.millis(SHORTEST, LONGEST);
        let redis = |fault: Fault| self.redis.then_some(fault);
        match card {
            Card::KillMessage => self.process(|name| name.starts_with("message")).map(Fault::Kill),
            Card::KillGateway => self.process(is_gateway).map(Fault::Kill),
            Card::KillOther => {
                let is_other = |name: &str| !name.starts_with("message") && !is_gateway(name);
                self.process(is_other).map(Fault::Kill)
            }
            Card::Terminate => self.process(|_| true).map(Fault::Terminate),
            Card::Pause => self.process(|_| true).map(|name| Fault::Pause(name, time)),
            Card::RedisKill => redis(Fault::RedisKill),
            Card::RedisFlush => redis(Fault::RedisFlush),
            Card::RedisPause => redis(Fault::RedisPause(time)),
            Card::PostgresStop => Some(Fault::PostgresStop),
            Card::PostgresPause => Some(Fault::PostgresPause(time)),
            Card::CutClients => self.link(|name| name.starts_with("clients")).map(Fault::Cut),
            Card::CutInside => self.link(|name| !name.starts_with("clients")).map(Fault::Cut),
            Card::Hold => self.link(|_| true).map(|name| Fault::Hold(name, time)),
        }
    }

    fn process(&mut self, is_wanted: impl Fn(&str) -> bool) -> Option<String> {
        let names = self.processes.clone();
        self.one_of(names, is_wanted)
    }

    fn link(&mut self, is_wanted: impl Fn(&str) -> bool) -> Option<String> {
        let names = self.links.clone();
        self.one_of(names, is_wanted)
    }

    fn one_of(&mut self, mut names: Vec<String>, is_wanted: impl Fn(&str) -> bool) -> Option<String> {
        names.retain(|name| is_wanted(name));
        if names.is_empty() {
            return None;
        }
        let at = self.below(names.len());
        Some(names.swap_remove(at))
    }

    fn below(&mut self, count: usize) -> usize {
        let drawn = self.random.between(0, count as u64);
        usize::try_from(drawn).expect("it is below a length")
    }

    fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.random.between(low, high))
    }
}

/// In one process everything is the gateway.
fn is_gateway(name: &str) -> bool {
    name.starts_with("gateway") || name == "commons"
}
