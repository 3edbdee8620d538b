//! Where limits remember who has asked: a table that has an end, however many ask.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::nanos::Nanos;
use governor::state::StateStore;

use crate::clock::Clock;

/// Most whom a limit remembers: a few megabytes.
const MOST: usize = 100_000;

/// Shortest time between two looks for those who can be forgotten.
const REST: Duration = Duration::from_secs(1);

/// For each who has asked of late, the time at which all that was taken will have come back.
#[derive(Clone)]
pub(super) struct Table {
    rows: Arc<Mutex<Rows>>,
    clock: Clock,
    began: Duration,
    most: usize,
}

#[derive(Default)]
struct Rows {
    known: HashMap<u64, Nanos>,
    /// All those together for whom there is no row.
    crowd: Option<Nanos>,
    swept: Option<Duration>,
}

impl Table {
    pub(super) fn new(clock: &Clock) -> Self {
        Self { rows: Arc::default(), clock: clock.clone(), began: clock.now(), most: MOST }
    }

    /// The time since it was made.
    pub(super) fn now(&self) -> Duration {
        self.clock.now().saturating_sub(self.began)
    }
}

impl Rows {
    /// Makes room by forgetting those whose time has passed: they are as if they had never asked.
    fn sweep(&mut self, now: Duration) {
        if self.swept.is_none_or(|swept| now >= swept + REST) {
            self.swept = Some(now);
            self.known.retain(|_, full| Duration::from_nanos(full.as_u64()) > now);
        }
    }
}

impl StateStore for Table {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.known.len() >= self.most && !rows.known.contains_key(key) {
            rows.sweep(self.now());
        }
        let has_row = rows.known.contains_key(key) || rows.known.len() < self.most;
        let before = if has_row { rows.known.get(key).copied() } else { rows.crowd };
        let (told, after) = decide(before)?;
        if has_row {
            rows.known.insert(*key, after);
        } else {
            rows.crowd = Some(after);
        }
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn a_full_table_forgets_the_past_and_else_counts_newcomers_as_one() {
        let hand = Arc::new(AtomicU64::new(0));
        let clock = {
            let hand = Arc::clone(&hand);
            Clock::new(move || Duration::from_secs(hand.load(Ordering::SeqCst)))
        };
        let table = Table { most: 2, ..Table::new(&clock) };
        let full_at = |seconds| Nanos::from(Duration::from_secs(seconds));
        let ask = |key, seconds| {
            table.measure_and_replace(&key, |before| Ok::<_, ()>((before, full_at(seconds)))).unwrap()
        };
        assert_eq!((ask(1, 10), ask(2, 60)), (None, None));
        assert_eq!((ask(3, 70), ask(4, 80)), (None, Some(full_at(70))), "newcomers share what is left");
        assert_eq!(ask(1, 10), Some(full_at(10)));
        hand.store(20, Ordering::SeqCst);
        assert_eq!(ask(5, 30), None, "the first is forgotten");
        assert_eq!((ask(2, 60), ask(1, 90)), (Some(full_at(60)), Some(full_at(80))));
    }
}
