//! A clock that stands still until a test winds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gateway::Clock;

/// The hands of a clock.
#[derive(Clone, Debug, Default)]
pub struct Hands(Arc<AtomicU64>);

impl Hands {
    /// The clock of these hands.
    pub fn clock(&self) -> Clock {
        let hands = self.clone();
        Clock::new(move || Duration::from_secs(hands.0.load(Ordering::SeqCst)))
    }

    /// Lets so many seconds pass.
    pub fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}
