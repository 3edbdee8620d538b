//! How many of somebody's are there at once: requests with a key, connections from an address.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Those who are counted, and how many each has there. Who has none takes no room.
pub(super) struct Crowd<K>(Arc<Mutex<HashMap<K, u32>>>);

/// One that is there, for as long as this is kept.
pub(crate) struct Place<K: Hash + Eq> {
    crowd: Crowd<K>,
    who: K,
}

impl<K> Default for Crowd<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K> Clone for Crowd<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> Crowd<K> {
    fn counts(&self) -> MutexGuard<'_, HashMap<K, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq + Clone> Crowd<K> {
    /// Lets one more in, unless there are as many as that.
    pub(super) fn enter(&self, who: &K, most: u32) -> Option<Place<K>> {
        let mut counts = self.counts();
        let count = counts.entry(who.clone()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Place { crowd: self.clone(), who: who.clone() })
    }
}

impl<K: Hash + Eq> Drop for Place<K> {
    fn drop(&mut self) {
        let mut counts = self.crowd.counts();
        if let Some(count) = counts.get_mut(&self.who) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.who);
            }
        }
    }
}

impl<K> fmt::Debug for Crowd<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Crowd").field(&self.counts().len()).finish()
    }
}

impl<K: Hash + Eq> fmt::Debug for Place<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_leaves_makes_room_and_is_forgotten() {
        let crowd = Crowd::default();
        let [first, second] = [crowd.enter(&"a", 2), crowd.enter(&"a", 2)];
        assert!(first.is_some() && second.is_some() && crowd.enter(&"a", 2).is_none());
        assert!(crowd.enter(&"b", 2).is_some(), "each is counted alone");
        drop(first);
        assert!(crowd.enter(&"a", 2).is_some() && crowd.enter(&"a", 1).is_none());
        drop(second);
        assert!(crowd.counts().is_empty());
        assert!(crowd.enter(&"a", 0).is_none());
    }
}
