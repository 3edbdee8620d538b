//! Whether it answers, for the operator.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// How it has answered of late.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    failures: AtomicU64,
    state: Mutex<State>,
}

#[derive(Clone, Debug, Default)]
enum State {
    /// It was not asked yet.
    #[default]
    Unknown,
    Well,
    Failing(Failing),
}

/// Since when it does not answer, and how it failed last.
#[derive(Clone, Debug)]
pub(crate) struct Failing {
    pub(crate) since: Timestamp,
    pub(crate) cause: String,
}

impl Standing {
    /// It was asked; this is what was wrong, if something was.
    pub(super) fn note(&self, cause: Option<&str>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match (&mut *state, cause) {
            (State::Well, None) => {}
            (State::Unknown, None) => *state = State::Well,
            (State::Failing(failing), None) => {
                tracing::info!(since = failing.since.to_string(), "redis answers again");
                *state = State::Well;
            }
            (State::Failing(failing), Some(cause)) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                cause.clone_into(&mut failing.cause);
            }
            (State::Unknown | State::Well, Some(cause)) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!("what gateways share cannot be looked at: {cause}");
                *state = State::Failing(Failing { since: Timestamp::now(), cause: cause.to_owned() });
            }
        }
    }

    /// Whether it answered when it was asked last.
    pub(super) fn is_well(&self) -> bool {
        match *self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Well => true,
            State::Unknown | State::Failing(_) => false,
        }
    }

    /// What it fails with, if it does.
    pub(crate) fn failing(&self) -> Option<Failing> {
        match &*self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Failing(failing) => Some(failing.clone()),
            State::Unknown | State::Well => None,
        }
    }

    /// How often it has not answered.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}
