//! `policy-config.yaml` as a typed tree in which every value knows its place.

mod access;
mod audit;
mod decode;
mod providers;
mod serving;
mod state;
mod telemetry;
#[cfg(test)]
mod tests;

pub use access::{Access, ClientKey, Cors, CountedBy, Origins, Period, RateLimit, RateLimits, SizeLimits};
pub use audit::{Audit, SyncPolicy};
pub use decode::{chain, decode, is_loopback};
pub use providers::{
    AbTest, CircuitBreaker, DataPolicy, Fallback, HealthProbe, KeyRef, Pricing, Providers, Retry, StickyBy,
    Strategy, Target, Trigger, Variant,
};
pub use serving::{Admin, Identity, Proxy, Reload, ServerTls, TargetTls};
pub use state::{KeyBudget, RedisState, RedisUrl, State};
pub use telemetry::{Collector, Database, Header, HeaderValue, Sink, SinkPlace, Telemetry, Traces};

use crate::case::Case;
use crate::span::Spanned;
use crate::yaml::Node;

/// A whole configuration, all layers merged.
#[derive(Clone, Debug)]
pub struct Config {
    /// The pack's name and version.
    pub pack: Pack,
    /// The policies to run.
    pub policies: Policies,
    /// Where requests go; no targets when the block is absent.
    pub providers: Providers,
    /// Inline test suites.
    pub suites: Vec<Suite>,
    /// What is asked of clients before their words are looked at.
    pub access: Access,
    /// What the audit log promises.
    pub audit: Audit,
    /// What else leaves the machine.
    pub telemetry: Telemetry,
    /// Where counters are kept.
    pub state: State,
    /// When changes of the files are taken up.
    pub reload: Reload,
    /// What the gateway shows to its clients; without it it speaks plainly.
    pub tls: Option<ServerTls>,
    /// What is asked of operators.
    pub admin: Admin,
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

/// `policies:`, `policy:` and `rules:`.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    /// The policies to run, in order: kinds, paths of rule files, or the name of the rules written here.
    pub chain: Vec<Spanned<String>>,
    /// Arguments of the policies, in the order written.
    pub arguments: Vec<Arguments>,
    /// Rules written in the configuration itself.
    pub inline: Option<Inline>,
}

/// `rules:`.
#[derive(Clone, Debug)]
pub struct Inline {
    /// The name of their policy: its own, or `rules`.
    pub name: Spanned<String>,
    /// A rule file as long as the configuration, blank but for the rules: its places are places of the configuration.
    pub text: String,
}

/// `policy.<kind>:`.
#[derive(Clone, Debug)]
pub struct Arguments {
    /// The kind that they are for.
    pub kind: Spanned<String>,
    /// A mapping, still untyped: the kind's own rule file types it. `on_error` is not in it.
    pub node: Node,
    /// What happens when the policy itself fails, if it says so.
    pub on_error: Option<Spanned<OnError>>,
}

/// `policy.<kind>.on_error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// The request is blocked.
    Block,
    /// The request goes on.
    Allow,
}

/// `testing.suites[]`.
#[derive(Clone, Debug)]
pub struct Suite {
    /// Name of the suite.
    pub name: Spanned<String>,
    /// Its cases.
    pub cases: Vec<Case>,
}
