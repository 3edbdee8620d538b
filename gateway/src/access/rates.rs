//! How often clients may ask, and for how much: a limiter for each line of `rate_limits`.

use std::fmt;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use engine::input::Request;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore as _;
use governor::{Quota, RateLimiter, clock};
use grammar::config::{CountedBy, RateLimit, RateLimits};
use hyper::StatusCode;

use super::Caller;
use super::table::Table;
use crate::clock::Clock;
use crate::wire::Fault;

/// What the limits are called, in the configuration and in errors.
const NAMES: [&str; 5] =
    ["global_rate_limit", "user_rate_limit", "key_rate_limit", "ip_rate_limit", "token_rate_limit"];

/// Longest time for which used tokens are held against somebody: a provider may count as it likes.
const LONGEST_DEBT: Duration = Duration::from_secs(10 * 86_400);

/// Whether that is a limit of the gateway, and not of a provider.
pub(crate) fn is_own_limit(code: &str) -> bool {
    NAMES.contains(&code)
}

/// The limits that are configured.
#[derive(Debug)]
pub(super) struct Rates {
    global: Option<Arc<Limiter>>,
    user: Option<Arc<Limiter>>,
    key: Option<Arc<Limiter>>,
    ip: Option<Arc<Limiter>>,
    token: Option<(Arc<Limiter>, CountedBy)>,
}

impl Rates {
    pub(super) fn new(limits: &RateLimits, clock: &Clock, before: Option<&Self>) -> Self {
        let [global, user, key, ip, token] = NAMES;
        let requests = |name, whose, limit: Option<RateLimit>| {
            limit.map(|limit| kept(before, Limiter::new(name, format!("requests {whose}"), limit, clock)))
        };
        let tokens = |(limit, by)| {
            let whose = match by {
                CountedBy::Gateway => "in all",
                CountedBy::Key => "with one key",
                CountedBy::User => "of one user",
                CountedBy::Ip => "from one address",
            };
            (kept(before, Limiter::new(token, format!("tokens {whose}"), limit, clock)), by)
        };
        Self {
            global: requests(global, "in all", limits.global),
            user: requests(user, "of one user", limits.user),
            key: requests(key, "with one key", limits.key),
            ip: requests(ip, "from one address", limits.ip),
            token: limits.token.map(tokens),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Limiter>> {
        let of_requests = [&self.global, &self.user, &self.key, &self.ip].into_iter().flatten();
        of_requests.chain(self.token.iter().map(|(limiter, _)| limiter))
    }

    /// A request comes from that address.
    pub(super) fn from(&self, ip: Option<IpAddr>) -> Result<(), Fault> {
        take_one(self.ip.as_deref(), ip.map(place))
    }

    /// It is of somebody who was let in.
    pub(super) fn with(&self, caller: &Caller) -> Result<(), Fault> {
        take_one(self.key.as_deref(), caller.key_name())?;
        take_one(self.global.as_deref(), ())
    }

    /// It asks for that.
    pub(super) fn asks(&self, caller: &Caller, request: &Request<'_>) -> Result<Option<Reservation>, Fault> {
        // Users are told apart by what clients say of them, so those of different keys are different.
        let user = (caller.key_name(), request.user_id);
        take_one(self.user.as_deref(), user)?;
        let Some((limiter, by)) = &self.token else { return Ok(None) };
        let who = match by {
            CountedBy::Gateway => limiter.who(()),
            CountedBy::Key => limiter.who(caller.key_name()),
            CountedBy::User => limiter.who(user),
            CountedBy::Ip => limiter.who(caller.ip.map(place)),
        };
        let estimate = request.prompt_tokens.saturating_add(request.max_tokens.unwrap_or_default());
        // What is larger than the limit itself waits until nothing else is taken, and is settled afterwards.
        let tokens = u32::try_from(estimate).unwrap_or(u32::MAX).clamp(1, limiter.limit.burst);
        limiter.take(who, tokens)?;
        Ok(Some(Reservation { limiter: Arc::clone(limiter), who, tokens }))
    }
}

/// The limiter that was there before, when it is the same.
fn kept(before: Option<&Rates>, limiter: Limiter) -> Arc<Limiter> {
    let same = |old: &&Arc<Limiter>| {
        old.name == limiter.name && old.what == limiter.what && old.limit == limiter.limit
    };
    before.and_then(|before| before.all().find(same)).cloned().unwrap_or_else(|| Arc::new(limiter))
}

fn take_one(limiter: Option<&Limiter>, who: impl Hash) -> Result<(), Fault> {
    limiter.map_or(Ok(()), |limiter| limiter.take(limiter.who(who), 1))
}

/// An address as one client: whoever has an IPv6 address has a network of them.
fn place(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
    }
}

/// Tokens that a request may need, taken before it is sent.
#[derive(Debug)]
pub(crate) struct Reservation {
    limiter: Arc<Limiter>,
    who: u64,
    tokens: u32,
}

impl Reservation {
    /// Gives back what was not used, and takes what was used beyond it.
    pub(crate) fn settle(self, used: u64) {
        let each = self.limiter.interval();
        let nanos = |tokens: u64| tokens.saturating_mul(each);
        let now = u64::try_from(self.limiter.table.now().as_nanos()).unwrap_or(u64::MAX);
        let longest = now.saturating_add(u64::try_from(LONGEST_DEBT.as_nanos()).unwrap_or(u64::MAX));
        let reserved = u64::from(self.tokens);
        let settled = self.limiter.table.measure_and_replace(&self.who, |full| {
            let full = full.map_or(now, Nanos::as_u64);
            let full = match used.checked_sub(reserved) {
                Some(more) => full.max(now).saturating_add(nanos(more)).min(longest),
                None => full.saturating_sub(nanos(reserved - used)),
            };
            Ok::<_, std::convert::Infallible>(((), Nanos::new(full)))
        });
        match settled {
            Ok(()) => {}
        }
    }
}

/// One limit.
struct Limiter {
    name: &'static str,
    /// What is counted, and whose it is.
    what: String,
    limit: RateLimit,
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
    fn new(name: &'static str, what: String, limit: RateLimit, clock: &Clock) -> Self {
        let burst = NonZeroU32::new(limit.burst).unwrap_or(NonZeroU32::MIN);
        let each = Duration::from_nanos(interval(limit));
        let quota = Quota::with_period(each).unwrap_or(Quota::per_second(burst)).allow_burst(burst);
        let table = Table::new(clock);
        let gate = RateLimiter::new(quota, table.clone(), Ticks(clock.clone()));
        Self { name, what, limit, table, gate, hasher: RandomState::new() }
    }

    /// Somebody, as a number: names may be long, and many.
    fn who(&self, who: impl Hash) -> u64 {
        self.hasher.hash_one(who)
    }

    /// Nanoseconds until one comes back.
    fn interval(&self) -> u64 {
        interval(self.limit)
    }

    fn take(&self, who: u64, amount: u32) -> Result<(), Fault> {
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

    fn reached(&self, wait: Duration) -> Fault {
        let seconds = (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1);
        let RateLimit { amount, per, .. } = self.limit;
        let (what, per) = (&self.what, per.name());
        let message = format!("the limit of {amount} {what} per {per} is reached; come back in {seconds} s");
        Fault::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", self.name, message)
            .retry_after(Some(&seconds.to_string()))
    }
}

fn interval(limit: RateLimit) -> u64 {
    (u64::from(limit.per.seconds()) * 1_000_000_000 / u64::from(limit.amount.max(1))).max(1)
}
