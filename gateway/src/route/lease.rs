//! One request's hold on a target: it counts as in flight until it is let go, and tells how it went.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Target;
use super::attempts::Term;
use crate::clock::Clock;

/// How a target did with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Went {
    /// It answered.
    Well,
    /// It failed.
    Badly,
    /// Nothing is known: the client left, or the provider only had no room.
    Unsaid,
}

/// A target that is being asked.
#[derive(Debug)]
pub(crate) struct Lease {
    term: Term,
    clock: Clock,
    began: Duration,
    has_begun: bool,
}

impl Lease {
    pub(super) fn new(term: Term, clock: Clock) -> Self {
        term.target.vitals().begin();
        Self { term, began: clock.now(), clock, has_begun: false }
    }

    /// The target.
    pub(crate) fn target(&self) -> &Arc<Target> {
        &self.term.target
    }

    /// Until when it has time to answer, or to begin its stream.
    pub(super) fn until(&self) -> Instant {
        self.term.until
    }

    pub(super) fn term(&self) -> &Term {
        &self.term
    }

    /// The first byte of an answer is there.
    pub(super) fn begin(&mut self) {
        if !std::mem::replace(&mut self.has_begun, true) {
            let now = self.clock.now();
            self.term.target.vitals().measured(now.saturating_sub(self.began), now);
        }
    }

    /// The request is over for the target.
    pub(crate) fn end(self, went: Went) {
        if went == Went::Badly && !self.has_begun {
            let now = self.clock.now();
            self.term.target.vitals().failed(now.saturating_sub(self.began), now);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.term.target.vitals().end();
    }
}
