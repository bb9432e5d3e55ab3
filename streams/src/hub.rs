//! All followers of a process: who follows what, and the comparison of heads that trusts nobody.

use crate::{
    Event, StreamError, Subscription,
    announcer::Announcer,
    follower::{Follower, Work},
    log, meter,
    ring::Mark,
    source::Source,
    subscription::Seat,
};
use commons_platform::{bus::Bus, clock::Clock, db::Db, task};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, atomic::Ordering},
    time::Duration,
};
use tokio::sync::Notify;
use uuid::Uuid;

/// Fast comparisons after one that found something the bus had not told.
const SUSPICIOUS: u32 = 15;
/// Wake-ups within this time lead to one comparison.
const COLLECT: Duration = Duration::from_millis(20);
const RETENTION_PAUSE: Duration = Duration::from_secs(60 * 60);

/// The figures that decide how promptly and with how much memory streams are followed.
#[derive(Debug, Clone, Copy)]
pub struct Tuning {
    /// Newest events a follower keeps; a subscriber that is further behind reads the database.
    pub window: usize,
    /// Events read from the database at once.
    pub page: u32,
    /// Between two comparisons of heads.
    pub compare: Duration,
    /// The same while the bus is down, or missed something lately.
    pub compare_fast: Duration,
    /// How long a stream is followed after its last subscriber.
    pub linger: Duration,
    /// How long a database that fails is tried before subscriptions end.
    pub patience: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            window: 256,
            page: 128,
            compare: Duration::from_secs(4),
            compare_fast: Duration::from_secs(1),
            linger: Duration::from_secs(10),
            patience: Duration::from_secs(10),
        }
    }
}

/// The streams as this process follows them; cheap to clone. One a process.
#[derive(Clone)]
pub struct Streams {
    hub: Arc<Hub>,
    _comparing: Arc<task::Guard>,
}

impl Streams {
    /// Needs a running tokio runtime: comparing heads starts at once.
    pub fn new(db: Db, bus: Arc<dyn Bus>, clock: Arc<dyn Clock>) -> Self {
        Self::tuned(db, bus, clock, Tuning::default())
    }

    /// The same with other figures.
    pub fn tuned(db: Db, bus: Arc<dyn Bus>, clock: Arc<dyn Clock>, tuning: Tuning) -> Self {
        let origin = clock.new_id();
        let hub = Arc::new(Hub {
            source: Arc::new(Source::new(db.clone(), tuning.patience, tuning.page)),
            announcer: Announcer::new(bus.clone(), origin),
            soon: Arc::new(Notify::new()),
            table: Mutex::default(),
            db,
            bus,
            clock,
            origin,
            tuning,
        });
        let comparing = task::Guard::background("stream heads", keep_comparing(Arc::downgrade(&hub)));
        Self {
            hub,
            _comparing: Arc::new(comparing),
        }
    }

    /// Tells everybody who follows of events that are committed. Never waits, never fails.
    ///
    /// Followers in this process have them when it returns; others hear of them on the bus.
    pub fn announce(&self, events: &[Arc<Event>]) {
        let one_stream = events.windows(2).all(|pair| pair[0].stream == pair[1].stream);
        if one_stream {
            return self.hub.announce(events);
        }
        let mut sorted = events.to_vec();
        sorted.sort_by_key(|event| (event.stream, event.seq));
        for events in sorted.chunk_by(|a, b| a.stream == b.stream) {
            self.hub.announce(events);
        }
    }

    /// Subscribes to a stream: to what follows `after`, or without it to what follows from now on.
    ///
    /// Whether the caller may view the stream is to be settled before, and again while it lives.
    ///
    /// # Errors
    /// [`StreamError::Unknown`]; [`StreamError::Unavailable`] when the database does not answer.
    pub async fn follow(&self, stream: Uuid, after: Option<i64>) -> Result<Subscription, StreamError> {
        let follower = self.hub.join(stream);
        let seat = Seat::new(follower, self.clone());
        Subscription::start(seat, self.hub.source.clone(), after).await
    }

    /// Compares the heads of all followed streams with the database, and repairs what is behind.
    ///
    /// Runs by itself every few seconds; call it to have it now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn compare(&self) -> Result<Compared, StreamError> {
        self.hub.compare().await
    }

    /// How many streams are followed now.
    pub fn followed(&self) -> usize {
        self.hub.table().len()
    }

    /// Ends old events now and every hour, for as long as it is polled.
    pub async fn run_retention(self) {
        loop {
            match log::prune(&self.hub.db, self.hub.clock.now()).await {
                Ok(pruned) if pruned.events == 0 => {}
                Ok(pruned) => tracing::info!(
                    streams = pruned.streams,
                    events = pruned.events,
                    "old events ended"
                ),
                Err(error) => tracing::warn!(%error, "old events could not be ended"),
            }
            tokio::time::sleep(RETENTION_PAUSE).await;
        }
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams")
            .field("followed", &self.followed())
            .finish_non_exhaustive()
    }
}

/// What a comparison found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compared {
    /// Streams looked at.
    pub followed: usize,
    /// Streams of which something had not been announced.
    pub behind: usize,
}

/// What all clones of [`Streams`] share.
pub(crate) struct Hub {
    db: Db,
    bus: Arc<dyn Bus>,
    clock: Arc<dyn Clock>,
    tuning: Tuning,
    /// Tells this process's announcements from others'.
    origin: Uuid,
    source: Arc<Source>,
    announcer: Announcer,
    soon: Arc<Notify>,
    /// Never held over an await.
    table: Mutex<HashMap<Uuid, Entry>>,
}

struct Entry {
    follower: Arc<Follower>,
    _task: task::Guard,
}

impl Hub {
    fn table(&self) -> MutexGuard<'_, HashMap<Uuid, Entry>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn announce(&self, events: &[Arc<Event>]) {
        let Some(first) = events.first() else { return };
        meter::told(self.clock.now(), events);
        let follower = self
            .table()
            .get(&first.stream)
            .map(|entry| entry.follower.clone());
        if let Some(follower) = follower {
            follower.hear(events);
        }
        self.announcer.send(events);
    }

    /// Events came from elsewhere.
    pub(crate) fn measure(&self, events: &[Arc<Event>]) {
        meter::told(self.clock.now(), events);
    }

    /// The stream's follower, with one subscriber more.
    fn join(self: &Arc<Self>, stream: Uuid) -> Arc<Follower> {
        let mut table = self.table();
        let current = table
            .get(&stream)
            .filter(|entry| entry.follower.ring.borrow().ended().is_none());
        let follower = match current {
            Some(entry) => entry.follower.clone(),
            None => {
                let entry = self.start(stream);
                let follower = entry.follower.clone();
                table.insert(stream, entry);
                follower
            }
        };
        follower.subscribers.fetch_add(1, Ordering::AcqRel);
        follower
    }

    fn start(self: &Arc<Self>, stream: Uuid) -> Entry {
        let follower = Arc::new(Follower::new(stream, self.tuning.window));
        let work = Work {
            follower: follower.clone(),
            hub: Arc::downgrade(self),
            source: self.source.clone(),
            bus: self.bus.clone(),
            origin: self.origin,
            linger: self.tuning.linger,
        };
        Entry {
            follower,
            _task: task::Guard::background("stream follower", work.run()),
        }
    }

    /// Forgets a follower unless somebody subscribes to it; says whether it did.
    pub(crate) fn retire(&self, follower: &Arc<Follower>) -> bool {
        let mut table = self.table();
        if follower.subscribers.load(Ordering::Acquire) > 0 {
            return false;
        }
        remove(&mut table, follower);
        true
    }

    /// Forgets a follower and ends its subscribers.
    pub(crate) fn drop_follower(&self, follower: &Arc<Follower>, error: StreamError) {
        remove(&mut self.table(), follower);
        follower.end(error);
    }

    pub(crate) fn compare_soon(&self) {
        self.soon.notify_one();
    }

    async fn compare(&self) -> Result<Compared, StreamError> {
        // Marks first, heads then: a head below its mark means that the database went back.
        let marks: Vec<(Arc<Follower>, Mark)> = self
            .table()
            .values()
            .filter_map(|entry| {
                let ring = entry.follower.ring.borrow();
                ring.live().then(|| (entry.follower.clone(), ring.mark()))
            })
            .collect();
        let ids: Vec<Uuid> = marks.iter().map(|(follower, _)| follower.stream).collect();
        let heads = tokio::time::timeout(self.tuning.patience, log::heads(self.db.background(), &ids))
            .await
            .map_err(|_| StreamError::Unavailable(None))??;
        let mut compared = Compared {
            followed: marks.len(),
            behind: 0,
        };
        let mut lag = 0;
        for (follower, mark) in marks {
            let Some(head) = heads.get(&follower.stream) else {
                self.drop_follower(&follower, StreamError::Unknown(follower.stream));
                continue;
            };
            if head.seq < mark.last {
                follower.jump(mark, *head);
                continue;
            }
            let behind = head.seq - follower.ring.borrow().mark().last;
            if behind > 0 {
                lag += behind;
                compared.behind += 1;
                follower.know(head.seq);
            }
        }
        meter::lag(lag);
        Ok(compared)
    }
}

/// Takes this very follower out of the table, not a successor. Its task ends.
fn remove(table: &mut HashMap<Uuid, Entry>, follower: &Arc<Follower>) {
    if table
        .get(&follower.stream)
        .is_some_and(|entry| Arc::ptr_eq(&entry.follower, follower))
    {
        table.remove(&follower.stream);
    }
}

async fn keep_comparing(weak: Weak<Hub>) {
    let Some((bus, soon, tuning)) = weak
        .upgrade()
        .map(|hub| (hub.bus.clone(), hub.soon.clone(), hub.tuning))
    else {
        return;
    };
    let mut suspicious = 0;
    loop {
        let fast = suspicious > 0 || !bus.connected();
        tokio::select! {
            () = tokio::time::sleep(if fast { tuning.compare_fast } else { tuning.compare }) => {}
            () = soon.notified() => tokio::time::sleep(COLLECT).await,
        }
        let Some(hub) = weak.upgrade() else { return };
        suspicious = match hub.compare().await {
            Ok(compared) if compared.behind > 0 => SUSPICIOUS,
            Ok(_) => suspicious.saturating_sub(1),
            Err(error) => {
                tracing::warn!(%error, "heads could not be compared");
                suspicious.max(1)
            }
        };
    }
}
