//! The groups of a gateway, by what their clients ask.

use super::{Group, IDLE, Phase, Seat, State};
use crate::edge::{engines::Engines, meter, shape::Numbered, tape::Tape, upstream::Caller};
use crate::{caller, reply::Reply};
use commons_access::Access;
use commons_platform::{clock::Clock, task};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    sync::{Notify, Semaphore},
    time::Instant,
};

/// How many groups there are at most: each has an upstream.
const MAX_GROUPS: usize = 4096;
/// How many catch-ups read at a time; more wait.
const CATCH_UPS: usize = 16;

type Map = HashMap<Arc<str>, Arc<Group>>;

/// All groups.
#[derive(Debug)]
pub(crate) struct Groups {
    map: Arc<Mutex<Map>>,
    catch_ups: Arc<Semaphore>,
}

/// What a client wants to share.
pub(in crate::edge) struct Shared {
    /// Same key, same answers.
    pub(in crate::edge) key: Arc<str>,
    pub(in crate::edge) numbered: Arc<Numbered>,
    pub(in crate::edge) engines: Engines,
    pub(in crate::edge) access: Arc<dyn Access>,
    pub(in crate::edge) clock: Arc<dyn Clock>,
    /// As whom the upstream runs.
    pub(in crate::edge) caller: Arc<dyn Fn() -> Caller + Send + Sync>,
}

impl Default for Groups {
    fn default() -> Self {
        Self {
            map: Arc::default(),
            catch_ups: Arc::new(Semaphore::new(CATCH_UPS)),
        }
    }
}

impl Groups {
    /// A seat among those who follow the same, or the first; none when there are too many groups.
    pub(in crate::edge) fn seat(&self, shared: Shared) -> Option<Seat> {
        let mut map = lock(&self.map);
        if let Some(group) = map.get(&shared.key) {
            return Some(Seat::new(group.clone(), false));
        }
        if map.len() >= MAX_GROUPS {
            map.retain(|_, group| group.state().seats > 0);
        }
        if map.len() >= MAX_GROUPS {
            return None;
        }
        let group = Arc::new(Group {
            numbered: shared.numbered,
            engines: shared.engines,
            access: shared.access,
            clock: shared.clock,
            caller: shared.caller,
            catch_ups: self.catch_ups.clone(),
            request_id: caller::request_id(),
            state: Mutex::new(State {
                phase: Phase::Opening,
                ring: Tape::at(0),
                head: 0,
                shards: Vec::new(),
                segments: Vec::new(),
                probe: None,
                seats: 0,
                lasting: false,
                empty_since: Instant::now(),
            }),
            changed: Notify::new(),
            probing: Arc::new(Semaphore::new(1)),
        });
        map.insert(shared.key.clone(), group.clone());
        let seat = Seat::new(group.clone(), true);
        drop(map);
        self.feed(shared.key, group);
        Some(seat)
    }

    /// Runs a group from the stream's head on: whoever wants more catches up.
    fn feed(&self, key: Arc<str>, group: Arc<Group>) {
        let upstream = group.upstream(None);
        let map = self.map.clone();
        task::background("live group", async move {
            let _counted = meter::upstream();
            // Also when it panics.
            let over = Over {
                key: &key,
                group: &group,
                map: &map,
            };
            let left = || {
                let mut map = lock(&map);
                let state = group.state();
                let known = knows(&map, &key, &group);
                let over = !known || !state.lasting || state.empty_since.elapsed() > IDLE;
                let left = state.seats == 0 && over;
                if left && known {
                    map.remove(&key);
                }
                left
            };
            group.run(upstream, left).await;
            drop(over);
        });
    }
}

/// The end of a group: nobody finds it any more, and whoever is still there is told.
struct Over<'g> {
    key: &'g Arc<str>,
    group: &'g Arc<Group>,
    map: &'g Mutex<Map>,
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        let mut map = lock(self.map);
        if knows(&map, self.key, self.group) {
            map.remove(self.key);
        }
        drop(map);
        self.group.end(&Reply::broken(&self.group.request_id));
    }
}

/// Whether a group is found: somebody else may have begun anew under its key.
fn knows(map: &Map, key: &str, group: &Arc<Group>) -> bool {
    map.get(key).is_some_and(|there| Arc::ptr_eq(there, group))
}

fn lock(map: &Mutex<Map>) -> MutexGuard<'_, Map> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}
