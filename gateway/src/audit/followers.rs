//! Those who take records elsewhere: how far the log can be read by them, and how far each has come. What one of them has not
//! taken is not removed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// All of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Followers(Arc<[Follower]>);

/// One of them.
#[derive(Debug)]
pub(crate) struct Follower {
    name: String,
    taken: AtomicU64,
}

impl Followers {
    /// Followers of those names, with the number of the last record that each has taken.
    pub(crate) fn new(followers: impl IntoIterator<Item = (String, u64)>) -> Self {
        let follower = |(name, taken)| Follower { name, taken: AtomicU64::new(taken) };
        Self(followers.into_iter().map(follower).collect())
    }

    /// That one, by its place among them.
    pub(crate) fn get(&self, at: usize) -> Option<&Follower> {
        self.0.get(at)
    }

    /// The one that is furthest behind.
    pub(super) fn last(&self) -> Option<&Follower> {
        self.0.iter().min_by_key(|follower| follower.taken())
    }
}

impl Follower {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The number of the last record that it has taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// It has taken all records up to that one.
    pub(crate) fn take(&self, seq: u64) {
        self.taken.store(seq, Ordering::Relaxed);
    }
}

/// What came of removing what is past its time.
#[derive(Debug, Default)]
pub(crate) struct Pruned {
    /// What was removed.
    pub(crate) removed: Vec<super::Removed>,
    /// Who keeps the rest: its name, and the last record that it has taken.
    pub(crate) held: Option<(String, u64)>,
}
