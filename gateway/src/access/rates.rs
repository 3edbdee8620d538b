//! How often clients may ask, and for how much: a limiter for each line of `rate_limits`.

use std::sync::Arc;

use engine::input::Request;
use grammar::config::{CountedBy, RateLimit, RateLimits};
use hyper::StatusCode;

use super::Caller;
use super::limiter::Limiter;
use super::shared::Shared;
use super::whose::Whose;
use crate::clock::Clock;
use crate::commons::Commons;
use crate::gateway::FailMode;
use crate::wire::Fault;

/// What the limits are called, in the configuration and in errors.
const NAMES: [&str; 5] =
    ["global_rate_limit", "user_rate_limit", "key_rate_limit", "ip_rate_limit", "token_rate_limit"];

/// What is known of a request, and so what it counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing that counts.
    Nothing,
    /// Where it comes from.
    Place,
    /// Whose it is, too: it was let in.
    Client,
}

/// The limits that are configured.
#[derive(Debug)]
pub(super) struct Rates {
    global: Option<Arc<Limiter>>,
    user: Option<Arc<Limiter>>,
    key: Option<Arc<Limiter>>,
    ip: Option<Arc<Limiter>>,
    token: Option<(Arc<Limiter>, CountedBy)>,
    /// Where they are kept with other gateways, if they are.
    shared: Option<Arc<Shared>>,
}

/// What a request takes of one limit.
pub(super) struct Taking<'a> {
    pub(super) limiter: &'a Arc<Limiter>,
    pub(super) whose: Whose<'a>,
    pub(super) amount: u32,
}

/// Where something was taken.
enum Taken {
    Here,
    Shared(Arc<Shared>),
}

impl Rates {
    pub(super) fn new(
        limits: &RateLimits,
        clock: &Clock,
        commons: Option<&Arc<Commons>>,
        before: Option<&Self>,
    ) -> Self {
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
            shared: commons.map(Shared::new),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Limiter>> {
        let of_requests = [&self.global, &self.user, &self.key, &self.ip].into_iter().flatten();
        of_requests.chain(self.token.iter().map(|(limiter, _)| limiter))
    }

    /// A request comes, of which so much is known.
    pub(super) async fn come(&self, caller: &Caller, known: Known) -> Result<(), Fault> {
        let [place, client] = match known {
            Known::Nothing => return Ok(()),
            Known::Place => [true, false],
            Known::Client => [true, true],
        };
        let limits = [
            (&self.ip, Whose::at(caller.ip), place),
            (&self.key, Whose::Key(caller.key_name()), client),
            (&self.global, Whose::Everybody, client),
        ];
        let takings = limits
            .into_iter()
            .filter(|(_, _, counts)| *counts)
            .filter_map(|(limiter, whose, _)| Some(Taking { limiter: limiter.as_ref()?, whose, amount: 1 }));
        self.take(&takings.collect::<Vec<_>>()).await.map(drop)
    }

    /// It asks for that.
    pub(super) async fn ask(
        &self,
        caller: &Caller,
        request: &Request<'_>,
    ) -> Result<Option<Reservation>, Fault> {
        let user = Whose::User(caller.key_name(), request.user_id);
        let mut takings: Vec<_> =
            self.user.iter().map(|limiter| Taking { limiter, whose: user, amount: 1 }).collect();
        let Some((limiter, by)) = &self.token else { return self.take(&takings).await.map(|_| None) };
        let whose = match by {
            CountedBy::Gateway => Whose::Everybody,
            CountedBy::Key => Whose::Key(caller.key_name()),
            CountedBy::User => user,
            CountedBy::Ip => Whose::at(caller.ip),
        };
        let estimate = request.prompt_tokens.saturating_add(request.max_tokens.unwrap_or_default());
        // What is larger than the limit itself waits until nothing else is taken, and is settled afterwards.
        let tokens = u32::try_from(estimate).unwrap_or(u32::MAX).clamp(1, limiter.limit.burst);
        let taking = Taking { limiter, whose, amount: tokens };
        let (who, key) = (limiter.who(whose), self.shared.as_ref().map(|shared| shared.key(&taking)));
        takings.push(taking);
        let place = match (self.take(&takings).await?, key) {
            (Taken::Shared(shared), Some(key)) => Place::Shared(shared, key),
            (Taken::Shared(_) | Taken::Here, _) => Place::Here(who),
        };
        Ok(Some(Reservation { limiter: Arc::clone(limiter), tokens, place }))
    }

    /// Takes one after the other. What was taken stays so when a later one has too little left.
    async fn take(&self, takings: &[Taking<'_>]) -> Result<Taken, Fault> {
        if takings.is_empty() {
            return Ok(Taken::Here);
        }
        if let Some(shared) = &self.shared {
            match shared.take(takings).await {
                Ok(None) => return Ok(Taken::Shared(Arc::clone(shared))),
                Ok(Some((at, wait))) => {
                    let limiter = takings.get(at).map(|taking| taking.limiter);
                    return Err(limiter.map_or_else(unavailable, |limiter| limiter.reached(wait)));
                }
                Err(cause) => missed(&cause, shared.on_error())?,
            }
        }
        for Taking { limiter, whose, amount } in takings {
            limiter.take(limiter.who(*whose), *amount)?;
        }
        Ok(Taken::Here)
    }
}

/// The limits of all gateways cannot be looked at.
fn missed(cause: &str, on_error: FailMode) -> Result<(), Fault> {
    let next = match on_error {
        FailMode::Block => "the request is refused",
        FailMode::Allow => "this gateway counts for itself",
    };
    tracing::error!(store = "redis", next, "limits cannot be looked at: {cause}");
    match on_error {
        FailMode::Block => Err(unavailable()),
        FailMode::Allow => Ok(()),
    }
}

/// Nobody knows how many there were.
fn unavailable() -> Fault {
    let message = "the limits of clients cannot be looked up now, so nothing that counts is let through";
    Fault::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", "rate_limit_unavailable", message)
        .retry_after(Some("5"))
}

/// The limiter that was there before, when it is the same.
fn kept(before: Option<&Rates>, limiter: Limiter) -> Arc<Limiter> {
    let same = |old: &&Arc<Limiter>| old.is(&limiter);
    before.and_then(|before| before.all().find(same)).cloned().unwrap_or_else(|| Arc::new(limiter))
}

/// Tokens that a request may need, taken before it is sent.
#[derive(Debug)]
pub(crate) struct Reservation {
    limiter: Arc<Limiter>,
    tokens: u32,
    place: Place,
}

/// Where they were taken, and whose they are.
#[derive(Debug)]
enum Place {
    Here(u64),
    Shared(Arc<Shared>, String),
}

impl Reservation {
    /// Gives back what was not used, and takes what was used beyond it.
    pub(crate) fn settle(self, used: u64) {
        match self.place {
            Place::Here(who) => self.limiter.settle(who, self.tokens, used),
            Place::Shared(shared, key) => shared.settle(key, self.limiter.interval(), self.tokens, used),
        }
    }
}
