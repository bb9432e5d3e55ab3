//! How much somebody has of something: sockets of a network, sockets and subscriptions of a user.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

/// How many each has.
#[derive(Debug)]
pub(crate) struct Counts<K>(Arc<Mutex<HashMap<K, usize>>>);

impl<K> Clone for Counts<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash + Copy> Counts<K> {
    /// Counts one more of somebody's while it lives; none when they have as many as they may.
    pub(crate) fn one(&self, of: K, bound: usize) -> Option<One<K>> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(of).or_default();
        if *count >= bound {
            return None;
        }
        *count += 1;
        Some(One {
            counts: self.clone(),
            of,
        })
    }
}

/// One of somebody's.
#[derive(Debug)]
pub(crate) struct One<K: Eq + Hash + Copy> {
    counts: Counts<K>,
    of: K,
}

impl<K: Eq + Hash + Copy> One<K> {
    /// Whose it is.
    pub(super) fn of(&self) -> K {
        self.of
    }
}

impl<K: Eq + Hash + Copy> Drop for One<K> {
    fn drop(&mut self) {
        let mut counts = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_bound_of_their_own() {
        let counts = Counts::default();
        let first = counts.one("a", 2).unwrap();
        let _second = counts.one("a", 2).unwrap();
        assert!(counts.one("a", 2).is_none());
        assert!(counts.one("b", 2).is_some());
        drop(first);
        assert!(counts.one("a", 2).is_some());
        assert_eq!(counts.0.lock().unwrap().len(), 1);
    }
}
