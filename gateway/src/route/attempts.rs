//! The attempts at one request: who is asked, who is asked again, who is next, until one answers or nobody else may.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::slots::Slot;
use super::{Failure, Lease, Refused, Router, Target, Went, none_available, retry};
use crate::wire::Fault;

/// What is left to try for a request. Nothing of an answer may have gone to the client.
#[derive(Debug)]
pub(crate) struct Attempts<'r> {
    router: &'r Router,
    trip: Trip<'r>,
    plan: std::vec::IntoIter<Arc<Target>>,
    again: Option<Again>,
    refused: Vec<Refused>,
    last: Option<Fault>,
}

/// What all attempts at a request have in common.
#[derive(Debug)]
pub(super) struct Trip<'r> {
    pub(super) request_id: &'r str,
    pub(super) stream: bool,
    /// When the client gives up, if it says so.
    pub(super) deadline: Option<Instant>,
    /// The request's place among those that are under way.
    pub(super) slot: Option<Slot>,
}

/// A target that is asked once more.
#[derive(Debug)]
struct Again {
    term: Term,
    wait: Duration,
}

/// How often a target was asked for a request, and until when it has time: all tries share it.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) target: Arc<Target>,
    pub(super) tries: u32,
    pub(super) until: Instant,
    pub(super) deadline: Option<Instant>,
    /// Held for as long as the target is.
    #[expect(dead_code, reason = "it is held, and nothing is read of it")]
    pub(super) slot: Option<Slot>,
}

/// What follows a failure.
#[derive(Clone, Copy, Debug)]
enum Next {
    Again(Duration),
    Elsewhere,
    Nothing,
}

impl<'r> Attempts<'r> {
    pub(super) fn new(router: &'r Router, plan: Vec<Arc<Target>>, trip: Trip<'r>) -> Self {
        Self { router, trip, plan: plan.into_iter(), again: None, refused: Vec::new(), last: None }
    }

    /// The target to ask now, after a wait where it is asked again; nothing when no attempt is left.
    pub(crate) async fn next(&mut self) -> Option<Lease> {
        loop {
            let term = match self.again.take() {
                Some(Again { term, wait }) => {
                    sleep(wait).await;
                    Term { tries: term.tries + 1, ..term }
                }
                None => self.first_try()?,
            };
            let target = Arc::clone(&term.target);
            match self.router.lease(term) {
                Ok(lease) => return Some(lease),
                Err(refusal) => self.refused.push((target, refusal)),
            }
        }
    }

    fn first_try(&mut self) -> Option<Term> {
        let target = self.plan.next()?;
        target.vitals().budget().request(self.router.clock.now());
        let patience = if self.trip.stream { target.stream_timeout } else { target.timeout };
        let until = self.trip.deadline.into_iter().fold(Instant::now() + patience, Instant::min);
        Some(Term { target, tries: 1, until, deadline: self.trip.deadline, slot: self.trip.slot.clone() })
    }

    /// The target has failed: decides what comes next.
    pub(crate) fn failed(&mut self, mut lease: Lease, mut failure: Failure) {
        if self.is_too_late() {
            // The target might have answered in its own time.
            (failure.trigger, failure.went) = (None, Went::Unsaid);
        }
        let next = self.after(&lease, &failure);
        self.tell(&lease, &failure, next);
        match next {
            Next::Again(wait) => self.again = Some(Again { term: lease.term().clone(), wait }),
            Next::Elsewhere => {}
            Next::Nothing => self.plan = Vec::new().into_iter(),
        }
        lease.end(failure.went, &failure.cause);
        self.last = Some(*failure.fault);
    }

    /// Whether the client has given up.
    fn is_too_late(&self) -> bool {
        self.trip.deadline.is_some_and(|deadline| deadline <= Instant::now())
    }

    fn after(&self, lease: &Lease, failure: &Failure) -> Next {
        let Some(trigger) = failure.trigger else { return Next::Nothing };
        let Term { target, tries, until, .. } = lease.term();
        if failure.again && target.retry.retry_on.contains(&trigger) {
            let wait = retry::wait(&target.retry, *tries, failure.asked_for, fastrand::f64());
            let in_time = wait.filter(|wait| Instant::now() + *wait < *until);
            if let Some(wait) = in_time.filter(|_| target.vitals().budget().retry(self.router.clock.now())) {
                return Next::Again(wait);
            }
        }
        if self.router.fallback.triggers.contains(&trigger) { Next::Elsewhere } else { Next::Nothing }
    }

    fn tell(&self, lease: &Lease, failure: &Failure, next: Next) {
        let next = match next {
            Next::Again(wait) => format!("asked again in {} ms", wait.as_millis()),
            Next::Elsewhere => match self.plan.as_slice().first() {
                Some(target) => format!("`{}` is next", target.id),
                None => "no target is left".to_owned(),
            },
            Next::Nothing => "no other can help".to_owned(),
        };
        tracing::warn!(
            request_id = self.trip.request_id,
            target_id = lease.target().id,
            attempt = lease.term().tries,
            cause = failure.cause,
            next,
            "a target failed"
        );
    }

    /// What the client is told when nobody has answered: what the last target failed with.
    pub(crate) fn fault(self) -> Fault {
        self.last.unwrap_or_else(|| none_available(&self.refused))
    }
}
