//! Who may come in, from where, how often and with how much: `auth`, `rate_limits`, `cors`, addresses and sizes.

use std::fmt;

use ipnet::IpNet;

use super::KeyBudget;
use crate::span::Spanned;

/// What is asked of clients before their words are looked at. Nothing is asked by default.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The keys that clients may use; when there are none, every client is let in.
    pub keys: Vec<ClientKey>,
    /// How often clients may ask.
    pub rate_limits: RateLimits,
    /// Which web pages may read answers.
    pub cors: Option<Cors>,
    /// The only addresses that clients may come from, if there is such a list.
    pub ip_allowlist: Option<Vec<IpNet>>,
    /// Proxies whose `x-forwarded-for` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How much a request may be.
    pub size_limits: SizeLimits,
    /// `media.hosts`: the only hosts that addresses of media may lead to, in lower case, if there is such a list.
    pub media_hosts: Option<Vec<String>>,
}

/// `auth.keys[]`.
#[derive(Clone)]
pub struct ClientKey {
    /// Who uses it, for rules, records and limits.
    pub name: Spanned<String>,
    /// SHA-256 of the key. The key itself is never here.
    pub sha256: [u8; 32],
    /// The models that it may ask for, as globs; all of them when it does not say.
    pub allowed_models: Option<Vec<String>>,
    /// What requests with it may take.
    pub budget: Option<KeyBudget>,
    /// How many requests with it may be under way at once; any number when it does not say.
    pub max_concurrency: Option<u32>,
    /// What it is marked with, for rules to read.
    pub labels: Vec<(Spanned<String>, String)>,
    /// Policies that judge requests with it besides the chain.
    pub policies: Vec<Spanned<String>>,
}

/// A digest of a short key can be guessed from, so it is not shown.
impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKey").field("name", &self.name.value).finish_non_exhaustive()
    }
}

/// `rate_limits:`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests of everybody together.
    pub global: Option<RateLimit>,
    /// Requests of each user.
    pub user: Option<RateLimit>,
    /// Requests with each key.
    pub key: Option<RateLimit>,
    /// Requests from each address.
    pub ip: Option<RateLimit>,
    /// Tokens, and whose they are counted as.
    pub token: Option<(RateLimit, CountedBy)>,
}

/// So many in such a time, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How many in a period.
    pub amount: u32,
    /// The period.
    pub per: Period,
    /// How many at once after a rest; as many as in a period when it does not say.
    pub burst: u32,
}

/// `per:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of the configuration")]
pub enum Period {
    Second,
    Minute,
    Hour,
    Day,
}

impl Period {
    /// As written in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Period::Second => "second",
            Period::Minute => "minute",
            Period::Hour => "hour",
            Period::Day => "day",
        }
    }

    /// Its length.
    pub fn seconds(self) -> u32 {
        match self {
            Period::Second => 1,
            Period::Minute => 60,
            Period::Hour => 3600,
            Period::Day => 86_400,
        }
    }
}

/// `token_rate_limit.by`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedBy {
    /// All together.
    Gateway,
    /// Those with the same key.
    Key,
    /// Those of the same user.
    User,
    /// Those from the same address.
    Ip,
}

/// `cors:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// Origins such as `https://app.example.com`, in lower case.
    pub allowed_origins: Origins,
    /// How long a browser may remember a preflight's answer.
    pub max_age_seconds: u32,
}

/// `cors.allowed_origins`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// `"*"`.
    Any,
    /// These.
    Listed(Vec<String>),
}

/// `size_limits:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeLimits {
    /// Most KiB of a request's body.
    pub body_kb: u32,
    /// Most MiB of all bodies together that are there at once.
    pub bodies_mb: u32,
    /// Most KiB of a request's head.
    pub head_kb: u32,
    /// Most headers of a request.
    pub headers: u32,
    /// Most answers to one prompt that a request may ask for.
    pub choices: u32,
    /// Most connections from one address at once; any number when it is 0.
    pub connections_per_ip: u32,
}

impl Default for SizeLimits {
    fn default() -> Self {
        Self {
            body_kb: 10 * 1024,
            bodies_mb: 256,
            head_kb: 64,
            headers: 100,
            choices: 128,
            connections_per_ip: 0,
        }
    }
}
