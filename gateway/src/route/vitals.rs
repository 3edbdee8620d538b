//! What is known of a target while the gateway runs: how busy it is, how fast, and whether it was reached.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::latency::Latency;
use super::retry::Budget;

/// The live side of a target.
#[derive(Debug)]
pub(crate) struct Vitals {
    in_flight: AtomicUsize,
    latency: Mutex<Latency>,
    budget: Mutex<Budget>,
    reached: AtomicBool,
}

impl Default for Vitals {
    fn default() -> Self {
        Self {
            in_flight: AtomicUsize::new(0),
            latency: Mutex::default(),
            budget: Mutex::default(),
            reached: AtomicBool::new(true),
        }
    }
}

impl Vitals {
    /// Requests that it has not answered to the end yet.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Its usual time to the first byte, for people.
    pub(crate) fn latency_ms(&self) -> Option<u64> {
        self.lock().milliseconds()
    }

    /// Whether the last request got through to it.
    pub(crate) fn is_reached(&self) -> bool {
        self.reached.load(Ordering::Relaxed)
    }

    pub(super) fn note_reached(&self, reached: bool) {
        self.reached.store(reached, Ordering::Relaxed);
    }

    pub(super) fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn measured(&self, took: Duration, now: Duration) {
        self.lock().measured(took, now);
    }

    pub(super) fn failed(&self, took: Duration, now: Duration) {
        self.lock().failed(took, now);
    }

    pub(super) fn latency(&self, now: Duration) -> f64 {
        self.lock().expected(now)
    }

    pub(super) fn budget(&self) -> MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Latency> {
        self.latency.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
