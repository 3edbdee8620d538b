//! One limit, and what is counted against it by this gateway alone.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore as _;
use governor::{Quota, RateLimiter, clock};
use grammar::config::RateLimit;
use hyper::StatusCode;

use super::table::Table;
use super::whose::Whose;
use crate::clock::Clock;
use crate::wire::Fault;

/// Longest time for which used tokens are held against somebody: a provider may count as it likes.
pub(super) const LONGEST_DEBT: Duration = Duration::from_secs(10 * 86_400);

/// One limit.
pub(super) struct Limiter {
    pub(super) name: &'static str,
    /// What is counted, and whose it is.
    pub(super) what: String,
    pub(super) limit: RateLimit,
    table: Table,
    gate: RateLimiter<u64, Table, Ticks, NoOpMiddleware<Duration>>,
    hasher: RandomState,
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("name", &self.name)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// The gateway's clock, as the limiter reads it.
struct Ticks(Clock);

impl clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.now()
    }
}

impl Limiter {
    pub(super) fn new(name: &'static str, what: String, limit: RateLimit, clock: &Clock) -> Self {
        let burst = NonZeroU32::new(limit.burst).unwrap_or(NonZeroU32::MIN);
        let each = Duration::from_nanos(interval(limit));
        let quota = Quota::with_period(each).unwrap_or(Quota::per_second(burst)).allow_burst(burst);
        let table = Table::new(clock);
        let gate = RateLimiter::new(quota, table.clone(), Ticks(clock.clone()));
        Self { name, what, limit, table, gate, hasher: RandomState::new() }
    }

    /// Whether it is the same limit.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.name == other.name && self.what == other.what && self.limit == other.limit
    }

    /// Nanoseconds until one comes back.
    pub(super) fn interval(&self) -> u64 {
        interval(self.limit)
    }

    /// Somebody, as a number: names may be long, and many.
    pub(super) fn who(&self, whose: Whose<'_>) -> u64 {
        self.hasher.hash_one(whose)
    }

    /// Takes so much, if there is as much.
    pub(super) fn take(&self, who: u64, amount: u32) -> Result<(), Fault> {
        let amount = NonZeroU32::new(amount).unwrap_or(NonZeroU32::MIN);
        match self.gate.check_key_n(&who, amount) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => {
                Err(self.reached(not_until.wait_time_from(clock::Clock::now(self.gate.clock()))))
            }
            Err(_more_than_the_limit) => {
                Err(self.reached(Duration::from_secs(self.limit.per.seconds().into())))
            }
        }
    }

    /// Gives back what was not used of what was taken, and takes what was used beyond it.
    pub(super) fn settle(&self, who: u64, taken: u32, used: u64) {
        let nanos = |amount: u64| amount.saturating_mul(self.interval());
        let now = u64::try_from(self.table.now().as_nanos()).unwrap_or(u64::MAX);
        let longest = now.saturating_add(u64::try_from(LONGEST_DEBT.as_nanos()).unwrap_or(u64::MAX));
        let taken = u64::from(taken);
        let settled = self.table.measure_and_replace(&who, |full| {
            let full = full.map_or(now, Nanos::as_u64);
            let full = match used.checked_sub(taken) {
                Some(more) => full.max(now).saturating_add(nanos(more)).min(longest),
                None => full.saturating_sub(nanos(taken - used)),
            };
            Ok::<_, std::convert::Infallible>(((), Nanos::new(full)))
        });
        match settled {
            Ok(()) => {}
        }
    }

    /// What somebody is told who must wait so long.
    pub(super) fn reached(&self, wait: Duration) -> Fault {
        let seconds = (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1);
        let RateLimit { amount, per, .. } = self.limit;
        let (what, per) = (&self.what, per.name());
        let message = format!("the limit of {amount} {what} per {per} is reached; come back in {seconds} s");
        let fault = Fault::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", self.name, message);
        Fault { is_own: true, ..fault }.retry_after(Some(&seconds.to_string()))
    }
}

fn interval(limit: RateLimit) -> u64 {
    (u64::from(limit.per.seconds()) * 1_000_000_000 / u64::from(limit.amount.max(1))).max(1)
}
