//! `state:` as types: where counters are kept, and what a key may take.

use std::fmt;

use super::{KeyRef, OnError, TargetTls};
use crate::budget::Meter;
use crate::span::Spanned;

/// Where counters are kept: in the state folder, where nothing else is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// What several gateways share.
    pub redis: Option<RedisState>,
}

/// `state.redis:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisState {
    /// Where it is.
    pub url: RedisUrl,
    /// What all keys begin with.
    pub prefix: String,
    /// How long it may take to answer.
    pub timeout_ms: u32,
    /// What happens to requests that count when it does not.
    pub on_error: OnError,
    /// Whom to trust there and what to show, where it speaks TLS.
    pub tls: Option<TargetTls>,
}

/// `state.redis.url:`.
#[derive(Clone, PartialEq, Eq)]
pub enum RedisUrl {
    /// As it stands in the configuration, without a password.
    Plain(Spanned<String>),
    /// Kept elsewhere.
    Key(KeyRef),
}

/// Addresses of databases may tell more than they should.
impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RedisUrl::Plain(_) => f.write_str("Plain"),
            RedisUrl::Key(key) => f.debug_tuple("Key").field(key).finish(),
        }
    }
}

/// `auth.keys[].budget:`. Amounts of money are thousandths of a millionth of a dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyBudget {
    /// The most that one request may cost.
    pub max_request: Option<u64>,
    /// The most that requests may cost in a day.
    pub max_daily: Option<u64>,
    /// The most that requests may cost in a month.
    pub max_monthly: Option<u64>,
    /// The most tokens in a minute.
    pub max_tokens_per_minute: Option<u64>,
    /// Tokens of an answer of whose length the request says nothing.
    pub answer_tokens: u64,
}

impl KeyBudget {
    /// What it counts.
    pub fn meters(&self) -> Vec<Meter> {
        let costs = [self.max_request, self.max_daily, self.max_monthly];
        let cost = costs.iter().flatten().next().map(|_| Meter::Cost);
        cost.into_iter().chain(self.max_tokens_per_minute.map(|_| Meter::Tokens)).collect()
    }
}
