//! What is known of a target while the gateway runs: how busy it is, how fast, and whether it was reached.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use grammar::config::{CircuitBreaker, HealthProbe};

use super::breaker::{Breaker, Position, Refusal};
use super::latency::Latency;
use super::probe::Pulse;
use super::retry::Budget;

/// The live side of a target.
#[derive(Debug)]
pub(crate) struct Vitals {
    in_flight: AtomicUsize,
    latency: Mutex<Latency>,
    budget: Mutex<Budget>,
    breaker: Mutex<Breaker>,
    pulse: Mutex<Pulse>,
    reached: AtomicBool,
}

impl Vitals {
    pub(super) fn new(breaker: CircuitBreaker) -> Self {
        Self {
            in_flight: AtomicUsize::new(0),
            latency: Mutex::default(),
            budget: Mutex::default(),
            breaker: Mutex::new(Breaker::new(breaker)),
            pulse: Mutex::default(),
            reached: AtomicBool::new(true),
        }
    }

    /// How its breaker is set.
    pub(super) fn breaker_settings(&self) -> CircuitBreaker {
        locked(&self.breaker).settings()
    }

    /// Requests that it has not answered to the end yet.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Its usual time to the first byte, for people.
    pub(crate) fn latency_ms(&self) -> Option<u64> {
        locked(&self.latency).milliseconds()
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
        locked(&self.latency).measured(took, now);
    }

    pub(super) fn failed(&self, took: Duration, now: Duration) {
        locked(&self.latency).failed(took, now);
    }

    pub(super) fn latency(&self, now: Duration) -> f64 {
        locked(&self.latency).expected(now)
    }

    /// Where its breaker stands.
    pub(crate) fn position(&self, now: Duration) -> Position {
        locked(&self.breaker).position(now)
    }

    /// Why it is not to be asked now, if so.
    pub(super) fn refusal(&self, now: Duration) -> Option<Refusal> {
        locked(&self.breaker).refusal(now).or_else(|| locked(&self.pulse).refusal())
    }

    /// Whether its probes find it well.
    pub(crate) fn is_well(&self) -> bool {
        !locked(&self.pulse).is_unwell()
    }

    /// What a probe has found; when that takes the target out or in, the process log says so.
    pub(super) fn probed(&self, id: &str, found: Result<(), String>, settings: &HealthProbe) {
        let mut pulse = locked(&self.pulse);
        if pulse.beat(found, settings) {
            match pulse.is_unwell() {
                true => tracing::error!(
                    target_id = id,
                    cause = pulse.cause(),
                    "health probes take the target out"
                ),
                false => tracing::info!(target_id = id, "health probes take the target in again"),
            }
        }
    }

    /// Does something to the breaker; when that changes where it stands, the process log says so.
    pub(super) fn breaker<T>(&self, id: &str, act: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut breaker = locked(&self.breaker);
        let before = breaker.changes();
        let result = act(&mut breaker);
        if breaker.changes() != before {
            tell(id, &breaker);
        }
        result
    }

    pub(super) fn budget(&self) -> MutexGuard<'_, Budget> {
        locked(&self.budget)
    }
}

/// A counter that a panic left locked is as good as before.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A change of where a breaker stands, for the process log.
fn tell(id: &str, breaker: &Breaker) {
    match breaker.position(Duration::ZERO) {
        Position::Closed => tracing::info!(target_id = id, "the circuit breaker closes"),
        Position::HalfOpen => tracing::info!(target_id = id, "the circuit breaker lets a request try"),
        Position::Open => {
            tracing::error!(target_id = id, cause = breaker.cause(), "the circuit breaker opens")
        }
    }
}
