//! One request's hold on a target: it counts as in flight until it is let go, and tells how it went.

use std::sync::Arc;
use std::time::Duration;

use super::Target;
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
    target: Arc<Target>,
    clock: Clock,
    began: Duration,
    has_begun: bool,
}

impl Lease {
    pub(super) fn new(target: Arc<Target>, clock: Clock) -> Self {
        target.vitals().begin();
        Self { target, began: clock.now(), clock, has_begun: false }
    }

    /// The target.
    pub(crate) fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// The first byte of an answer is there.
    pub(super) fn begin(&mut self) {
        if !std::mem::replace(&mut self.has_begun, true) {
            let now = self.clock.now();
            self.target.vitals().measured(now.saturating_sub(self.began), now);
        }
    }

    /// The request is over for the target.
    pub(crate) fn end(self, went: Went) {
        if went == Went::Badly && !self.has_begun {
            let now = self.clock.now();
            self.target.vitals().failed(now.saturating_sub(self.began), now);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.target.vitals().end();
    }
}
