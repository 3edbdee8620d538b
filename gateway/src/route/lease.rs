//! One request's hold on a target: it counts as in flight until it is let go, and tells how it went.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Target;
use super::attempts::Term;
use super::breaker::{Pass, Refusal};
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
    pass: Option<Pass>,
}

impl Lease {
    /// Asks the target's breaker for it.
    pub(super) fn new(term: Term, clock: Clock) -> Result<Self, Refusal> {
        let began = clock.now();
        let pass = term.target.vitals().breaker(&term.target.id, |breaker| breaker.admit(began))?;
        term.target.vitals().begin();
        Ok(Self { term, clock, began, has_begun: false, pass: Some(pass) })
    }

    /// The target.
    pub(crate) fn target(&self) -> &Arc<Target> {
        &self.term.target
    }

    /// Until when it has time to answer, or to begin its stream.
    pub(super) fn until(&self) -> Instant {
        self.term.until
    }

    /// When the client gives up, if it says so.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.term.deadline
    }

    pub(super) fn term(&self) -> &Term {
        &self.term
    }

    /// The client gets the head of an answer that has not said anything yet: it took so long already.
    pub(super) fn commit(&self) {
        let now = self.clock.now();
        self.term.target.vitals().measured(now.saturating_sub(self.began), now);
    }

    /// The first byte of an answer is there.
    pub(super) fn begin(&mut self) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        let (now, target) = (self.clock.now(), &self.term.target);
        target.vitals().measured(now.saturating_sub(self.began), now);
        if let Some(pass) = self.pass.take() {
            self.pass = target.vitals().breaker(&target.id, |breaker| breaker.begun(pass));
        }
    }

    /// The request is over for the target; `cause` is what it failed with, when it did. What is said first counts.
    pub(crate) fn end(&mut self, went: Went, cause: &str) {
        let Some(pass) = self.pass.take() else { return };
        let (now, target) = (self.clock.now(), &self.term.target);
        if went == Went::Badly && !self.has_begun {
            target.vitals().failed(now.saturating_sub(self.began), now);
        }
        target.vitals().breaker(&target.id, |breaker| breaker.end(pass, went, cause, now));
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.end(Went::Unsaid, "");
        self.term.target.vitals().end();
    }
}

#[cfg(test)]
impl Lease {
    /// A hold on a target that has all its time.
    pub(crate) fn on(target: &Arc<Target>) -> Self {
        let until = Instant::now() + target.stream_timeout;
        let term = Term { target: Arc::clone(target), tries: 1, until, deadline: None, slot: None };
        Self::new(term, Clock::default()).unwrap()
    }
}
