//! Who waits for changes of which subjects, so that a change wakes only those it concerns.

use crate::Subject;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::Notify;

/// All listeners of a process.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    next: AtomicU64,
    waiting: Mutex<HashMap<Subject, HashMap<u64, Arc<Notify>>>>,
}

/// Waits for changes of some subjects. Changes that come while nobody waits are not lost; several
/// become one.
#[derive(Debug)]
pub struct Listener {
    listeners: Arc<Listeners>,
    number: u64,
    subjects: Vec<Subject>,
    notify: Arc<Notify>,
}

impl Listeners {
    pub(super) fn listen(self: &Arc<Self>, subjects: &[Subject]) -> Listener {
        let listener = Listener {
            listeners: self.clone(),
            number: self.next.fetch_add(1, Ordering::Relaxed),
            subjects: subjects.to_vec(),
            notify: Arc::default(),
        };
        let mut waiting = self.lock();
        for subject in subjects {
            waiting
                .entry(*subject)
                .or_default()
                .insert(listener.number, listener.notify.clone());
        }
        listener
    }

    pub(super) fn wake(&self, subject: &Subject) {
        for notify in self.lock().get(subject).into_iter().flat_map(HashMap::values) {
            notify.notify_one();
        }
    }

    pub(super) fn wake_all(&self) {
        for notify in self.lock().values().flat_map(HashMap::values) {
            notify.notify_one();
        }
    }

    #[cfg(test)]
    fn subjects(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Subject, HashMap<u64, Arc<Notify>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// Returns once one of the subjects changed since the last call, or since the start.
    pub async fn changed(&mut self) {
        self.notify.notified().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut waiting = self.listeners.lock();
        for subject in &self.subjects {
            if let Some(numbers) = waiting.get_mut(subject) {
                numbers.remove(&self.number);
                if numbers.is_empty() {
                    waiting.remove(subject);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commons_entities::{ChannelId, GuildId};
    use futures_util::FutureExt;
    use uuid::Uuid;

    const GUILD: Subject = Subject::Guild(GuildId(Uuid::from_u128(1)));
    const CHANNEL: Subject = Subject::Channel(ChannelId(Uuid::from_u128(2)));

    #[test]
    fn only_those_concerned_are_woken() {
        let listeners = Arc::new(Listeners::default());
        let (mut both, mut guild) = (listeners.listen(&[GUILD, CHANNEL]), listeners.listen(&[GUILD]));
        assert!(both.changed().now_or_never().is_none());
        listeners.wake(&CHANNEL);
        listeners.wake(&CHANNEL);
        assert!(guild.changed().now_or_never().is_none());
        assert!(
            both.changed().now_or_never().is_some(),
            "kept until somebody waits"
        );
        assert!(both.changed().now_or_never().is_none(), "several are one");
        for wake in [|all: &Listeners| all.wake(&GUILD), Listeners::wake_all] {
            wake(&listeners);
            assert!(both.changed().now_or_never().is_some());
            assert!(guild.changed().now_or_never().is_some());
        }
    }

    #[test]
    fn nothing_stays_of_a_listener() {
        let listeners = Arc::new(Listeners::default());
        let (both, guild) = (listeners.listen(&[GUILD, CHANNEL]), listeners.listen(&[GUILD]));
        drop(both);
        assert_eq!(listeners.subjects(), 1);
        drop(guild);
        assert_eq!(listeners.subjects(), 0);
    }
}
