//! `providers:` as types, with the defaults that the book promises.

use super::{Proxy, TargetTls};
use crate::span::Spanned;

/// `providers:`.
#[derive(Clone, Debug, Default)]
pub struct Providers {
    /// How a target is picked, if it says so; [`Providers::strategy`] has the answer for all cases.
    pub strategy: Option<Spanned<Strategy>>,
    /// The targets, in order.
    pub targets: Vec<Target>,
    /// What makes a request go to the next target.
    pub fallback: Fallback,
    /// Trying the same target again, for targets that say nothing themselves.
    pub retry: Option<Retry>,
    /// Leaving a failing target alone, for targets that say nothing themselves.
    pub circuit_breaker: Option<CircuitBreaker>,
    /// Splitting users between targets.
    pub ab_test: Option<AbTest>,
    /// How many requests may be under way to all targets together.
    pub max_concurrency: Option<u32>,
    /// Whom connections go through, for targets that say nothing themselves.
    pub proxy: Option<Proxy>,
}

impl Providers {
    /// How a target is picked: as written; else in order, or the only one.
    pub fn strategy(&self) -> Strategy {
        match &self.strategy {
            Some(strategy) => strategy.value,
            None if self.targets.len() == 1 => Strategy::Single,
            None => Strategy::Fallback,
        }
    }
}

/// How a target is picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// The only one.
    Single,
    /// The first that answers, in order.
    Fallback,
    /// By smooth weighted turns.
    WeightedRoundRobin,
    /// By turns.
    RoundRobin,
    /// At random.
    Random,
    /// The fastest of late.
    LowestLatency,
    /// The cheapest.
    LeastCost,
    /// The one with the fewest requests in flight.
    LeastBusy,
}

/// `providers.fallback:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// What sends a request on to the next target.
    pub triggers: Vec<Trigger>,
    /// `max_fallback_attempts`: how many targets are tried after the first.
    pub max_attempts: u32,
}

/// A failure after which a request goes elsewhere, or is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The provider answered 429.
    RateLimit,
    /// The provider answered 5xx.
    ServerError,
    /// The provider took too long.
    Timeout,
    /// No connection, or it broke before an answer.
    Connection,
}

impl Default for Fallback {
    fn default() -> Self {
        use Trigger::{Connection, RateLimit, ServerError, Timeout};
        Self { triggers: vec![RateLimit, ServerError, Timeout, Connection], max_attempts: 3 }
    }
}

/// `providers.targets[]`, with provider defaults filled in.
#[derive(Clone, Debug)]
pub struct Target {
    /// Unique name.
    pub id: Spanned<String>,
    /// Provider's name: `fireworks`, `openai`, …; without the shorthand's model.
    pub provider: String,
    /// The model sent upstream; the client's own when absent.
    pub model: Option<String>,
    /// Where the API lives, without a trailing slash, with its version segment such as `/v1`.
    pub base_url: Spanned<String>,
    /// Where the key comes from; none for a provider that needs no key.
    pub key: Option<KeyRef>,
    /// Whether `http` to another machine is wanted.
    pub allow_insecure: bool,
    /// Longest time for a whole answer, in seconds.
    pub timeout_seconds: u64,
    /// Longest wait for each event of a stream, in seconds.
    pub stream_timeout_seconds: u64,
    /// Longest time for the whole of a stream, in seconds.
    pub max_stream_seconds: u64,
    /// For people.
    pub description: Option<String>,
    /// Share of traffic for weighted turns.
    pub weight: f64,
    /// USD per million tokens.
    pub pricing: Option<Pricing>,
    /// Asking the target from time to time whether it is well.
    pub health_probe: Option<HealthProbe>,
    /// In place of the one of [`Providers`].
    pub retry: Option<Retry>,
    /// In place of the one of [`Providers`].
    pub circuit_breaker: Option<CircuitBreaker>,
    /// Request fields that are removed before sending, beside the provider's own.
    pub drop_params: Vec<Spanned<String>>,
    /// What the provider promises about what it is sent.
    pub data_policy: DataPolicy,
    /// How its connections are secured, where not in the usual way.
    pub tls: Option<TargetTls>,
    /// In place of the one of [`Providers`].
    pub proxy: Option<Proxy>,
}

/// Where a key comes from. The key itself is never here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRef {
    /// An environment variable.
    Env(Spanned<String>),
    /// A file.
    File(Spanned<String>),
}

/// USD per million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pricing {
    /// Per million prompt tokens.
    pub prompt: f64,
    /// Per million completion tokens.
    pub completion: f64,
    /// Per million cached prompt tokens; the prompt price when absent.
    pub cached: Option<f64>,
}

/// `retry:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often the same target is tried, the first time included.
    pub max_attempts: u32,
    /// The first wait is up to this long, in milliseconds; each later one up to twice as long.
    pub backoff_ms: u32,
    /// No wait is longer, in milliseconds.
    pub max_backoff_ms: u32,
    /// What is tried again.
    pub retry_on: Vec<Trigger>,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max_attempts: 2,
            backoff_ms: 250,
            max_backoff_ms: 4000,
            retry_on: Fallback::default().triggers,
        }
    }
}

/// `circuit_breaker:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitBreaker {
    /// Whether it does anything.
    pub enabled: bool,
    /// Failures in a row that open it.
    pub failure_threshold: u32,
    /// How long it stays open, in seconds.
    pub cooldown_seconds: u32,
    /// Real requests that must all succeed to close it again.
    pub half_open_probes: u32,
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self { enabled: true, failure_threshold: 5, cooldown_seconds: 30, half_open_probes: 1 }
    }
}

/// `health_probe:`; the mapping, or just `true`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthProbe {
    /// Whether it does anything.
    pub enabled: bool,
    /// What is asked for, below the target's address.
    pub path: String,
    /// Time between two probes, in seconds.
    pub interval_seconds: u32,
    /// Longest wait for an answer, in seconds.
    pub timeout_seconds: u32,
    /// Failures in a row that take the target out.
    pub unhealthy_threshold: u32,
    /// Successes in a row that take it in again.
    pub healthy_threshold: u32,
}

impl Default for HealthProbe {
    fn default() -> Self {
        Self {
            enabled: true,
            path: "/models".to_owned(),
            interval_seconds: 30,
            timeout_seconds: 5,
            unhealthy_threshold: 3,
            healthy_threshold: 2,
        }
    }
}

/// `data_policy:` and `zdr:`. Nothing is promised unless it says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DataPolicy {
    /// Nothing is kept.
    pub zero_data_retention: bool,
    /// Nothing is trained on.
    pub training_opt_out: bool,
    /// How long it is kept, in days, when that is known.
    pub retention_days: Option<u32>,
}

/// `ab_test:`.
#[derive(Clone, Debug)]
pub struct AbTest {
    /// Whether it does anything.
    pub enabled: bool,
    /// What keeps a user with a variant.
    pub sticky_by: StickyBy,
    /// The variants.
    pub variants: Vec<Variant>,
}

/// What keeps a user with a variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StickyBy {
    /// `x-user-id`.
    UserId,
    /// `x-conversation-id`.
    ConversationId,
    /// Another request header, in lower case.
    Header(String),
}

/// `ab_test.variants[]`.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Id of a target.
    pub provider_id: Spanned<String>,
    /// Its share.
    pub weight: f64,
}
