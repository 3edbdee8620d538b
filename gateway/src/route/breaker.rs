//! A circuit breaker: a target that fails time after time is left alone for a while, and then tried with care.

use std::time::Duration;

use grammar::config::CircuitBreaker;

use super::Went;

/// How long to come back when a target is being tried just now.
const SOON: Duration = Duration::from_secs(1);

/// The breaker of one target. It has no clock: every call says what time it is.
#[derive(Debug)]
pub(super) struct Breaker {
    settings: CircuitBreaker,
    circuit: Circuit,
    /// Grows with every change, so that what began before it says nothing after it.
    generation: u64,
    /// What the last failure was.
    cause: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Circuit {
    /// Everyone may ask. So many failures came in a row.
    Closed { failures: u32 },
    /// Nobody may ask until then.
    Open { until: Duration },
    /// A few may ask: so many do or did, of whom so many were answered.
    HalfOpen { asked: u32, answered: u32 },
}

/// A request that was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pass {
    generation: u64,
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// Requests go through.
    Closed,
    /// They do not.
    Open,
    /// A few do.
    HalfOpen,
}

impl Position {
    /// As the log and the health page write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Position::Closed => "closed",
            Position::Open => "open",
            Position::HalfOpen => "half_open",
        }
    }
}

/// Why a target is not asked, and when it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) why: String,
    pub(super) back_in: Option<Duration>,
}

impl Breaker {
    pub(super) fn new(settings: CircuitBreaker) -> Self {
        Self { settings, circuit: Circuit::Closed { failures: 0 }, generation: 0, cause: String::new() }
    }

    /// How it is set.
    pub(super) fn settings(&self) -> CircuitBreaker {
        self.settings
    }

    /// Where it stands. An open one whose time is over is half open, although nobody has asked yet.
    pub(super) fn position(&self, now: Duration) -> Position {
        match self.circuit {
            Circuit::Closed { .. } => Position::Closed,
            Circuit::Open { until } if now < until => Position::Open,
            Circuit::Open { .. } | Circuit::HalfOpen { .. } => Position::HalfOpen,
        }
    }

    /// How often it has changed.
    pub(super) fn changes(&self) -> u64 {
        self.generation
    }

    /// What the last failure was.
    pub(super) fn cause(&self) -> &str {
        &self.cause
    }

    /// Why a request would not be let through now, if so.
    pub(super) fn refusal(&self, now: Duration) -> Option<Refusal> {
        let cause = &self.cause;
        match self.circuit {
            Circuit::Open { until } if now < until => {
                let left = until.saturating_sub(now);
                let why = format!(
                    "its circuit breaker is open for another {} s; the last failure: {cause}",
                    whole_seconds(left)
                );
                Some(Refusal { why, back_in: Some(left) })
            }
            Circuit::HalfOpen { asked, .. } if asked >= self.settings.half_open_probes => {
                let why = format!(
                    "it is being tried after its circuit breaker was open; the last failure: {cause}"
                );
                Some(Refusal { why, back_in: Some(SOON) })
            }
            Circuit::Closed { .. } | Circuit::Open { .. } | Circuit::HalfOpen { .. } => None,
        }
    }

    /// Lets a request through, or not.
    pub(super) fn admit(&mut self, now: Duration) -> Result<Pass, Refusal> {
        if let Some(refusal) = self.refusal(now) {
            return Err(refusal);
        }
        if let Circuit::Open { .. } = self.circuit {
            self.change(Circuit::HalfOpen { asked: 0, answered: 0 });
        }
        if let Circuit::HalfOpen { asked, .. } = &mut self.circuit {
            *asked += 1;
        }
        Ok(Pass { generation: self.generation })
    }

    /// A request that was let through has its first byte. That is enough for a target that is being tried, which need
    /// not wait for the end of a long stream. What still counts of the request is a new pass.
    pub(super) fn begun(&mut self, pass: Pass) -> Option<Pass> {
        let is_tried = matches!(self.circuit, Circuit::HalfOpen { .. });
        if !is_tried || pass.generation != self.generation {
            return Some(pass);
        }
        self.well();
        let is_closed = matches!(self.circuit, Circuit::Closed { .. });
        is_closed.then_some(Pass { generation: self.generation })
    }

    /// A request that was let through is over.
    pub(super) fn end(&mut self, pass: Pass, went: Went, cause: &str, now: Duration) {
        if pass.generation != self.generation || !self.settings.enabled {
            return;
        }
        match went {
            Went::Well => self.well(),
            Went::Badly => self.badly(cause, now),
            Went::Unsaid => {
                if let Circuit::HalfOpen { asked, .. } = &mut self.circuit {
                    *asked = asked.saturating_sub(1);
                }
            }
        }
    }

    fn well(&mut self) {
        match &mut self.circuit {
            Circuit::Closed { failures } => *failures = 0,
            Circuit::HalfOpen { answered, .. } => {
                *answered += 1;
                if *answered >= self.settings.half_open_probes {
                    self.change(Circuit::Closed { failures: 0 });
                }
            }
            Circuit::Open { .. } => {}
        }
    }

    fn badly(&mut self, cause: &str, now: Duration) {
        cause.clone_into(&mut self.cause);
        let opens = match &mut self.circuit {
            Circuit::Closed { failures } => {
                *failures += 1;
                *failures >= self.settings.failure_threshold
            }
            Circuit::HalfOpen { .. } => true,
            Circuit::Open { .. } => false,
        };
        if opens {
            let until = now + Duration::from_secs(self.settings.cooldown_seconds.into());
            self.change(Circuit::Open { until });
        }
    }

    fn change(&mut self, circuit: Circuit) {
        self.circuit = circuit;
        self.generation += 1;
    }
}

/// Seconds for people and headers, never too few.
pub(super) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests;
