//! `policy-config.yaml` as a typed tree in which every value knows its place.

use crate::span::Spanned;
use crate::yaml::Node;

/// A whole configuration, all layers merged.
#[derive(Clone, Debug)]
pub struct Config {
    /// The pack's name and version.
    pub pack: Pack,
    /// The policies to run, in order: kinds or paths of rule files.
    pub chain: Vec<Spanned<String>>,
    /// Arguments of the policies, by kind: each node is a mapping, still untyped; the kind's own rule file types it.
    pub arguments: Vec<(Spanned<String>, Node)>,
    /// Where requests go.
    pub providers: Providers,
    /// Inline test suites.
    pub suites: Vec<Suite>,
}

/// `pack:`.
#[derive(Clone, Debug)]
pub struct Pack {
    /// Name of the pack.
    pub name: Spanned<String>,
    /// Version of the pack, as written.
    pub version: Spanned<String>,
    /// Whether the chain is applied at all.
    pub enabled: Spanned<bool>,
    /// What it is for.
    pub description: Option<String>,
}

/// `providers:`.
#[derive(Clone, Debug, Default)]
pub struct Providers {
    /// How a target is picked.
    pub strategy: Option<Spanned<Strategy>>,
    /// The targets, in order.
    pub targets: Vec<Target>,
    /// What makes a request go to the next target.
    pub fallback: Fallback,
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
    /// How many targets are tried after the first.
    pub max_attempts: u32,
}

/// A failure that sends a request on.
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
    /// Longest time for a whole answer, in seconds.
    pub timeout_seconds: u64,
    /// Longest wait for each event of a stream, in seconds.
    pub stream_timeout_seconds: u64,
    /// For people.
    pub description: Option<String>,
    /// Share of traffic for weighted turns.
    pub weight: f64,
    /// USD per million tokens.
    pub pricing: Option<Pricing>,
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

/// `testing.suites[]`.
#[derive(Clone, Debug)]
pub struct Suite {
    /// Name of the suite.
    pub name: String,
    /// Its cases, still untyped: the gateway decodes their inputs as it decodes traffic.
    pub cases: Vec<Node>,
}
