//! Figures for those who run the gateway, in the text form of OpenMetrics.
//!
//! What happens to requests is counted when the record of one is closed, so that the figures and the audit log say the
//! same. How things stand now is read when somebody asks.

mod dollars;
mod labels;
mod now;

use std::collections::BTreeSet;
use std::time::Duration;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::audit::{Outcome, Record};
use crate::gateway::Gateway;
use crate::money::Money;
use dollars::Dollars;
use labels::Models;

/// The content type of a page of figures.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A histogram for each label set.
type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// Figures that are counted as requests end.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    models: Models,
    requests: Family<labels::Request, Counter>,
    tokens: Family<labels::Tokens, Counter>,
    cost: Family<labels::Model, Counter<f64, Dollars>>,
    latency: Histograms<labels::Model>,
    in_flight: Gauge,
    policies: Family<labels::Ran, Counter>,
    judging: Histograms<labels::Policy>,
    rules: Family<labels::Rule, Counter>,
    attempts: Family<labels::Attempt, Counter>,
    held: Histogram,
    reloads: Family<labels::Reload, Counter>,
    turned_away: Counter,
}

/// Seconds of a whole exchange.
fn of_exchanges() -> Histogram {
    Histogram::new([0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0])
}

/// Seconds of a policy.
fn of_policies() -> Histogram {
    Histogram::new([5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 1e-2, 5e-2, 0.25])
}

/// Bytes held back.
fn of_held() -> Histogram {
    Histogram::new([0.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0, 4096.0, 65_536.0, 1_048_576.0])
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            models: Models::default(),
            requests: Family::default(),
            tokens: Family::default(),
            cost: Family::default(),
            latency: Family::new_with_constructor(of_exchanges),
            in_flight: Gauge::default(),
            policies: Family::default(),
            judging: Family::new_with_constructor(of_policies),
            rules: Family::default(),
            attempts: Family::default(),
            held: of_held(),
            reloads: Family::default(),
            turned_away: Counter::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        let llm = registry.sub_registry_with_prefix("keeptrusts_llm");
        llm.register("requests", "Requests, by what the client was told", self.requests.clone());
        llm.register(
            "tokens",
            "Tokens as providers count them, and estimates where they do not",
            self.tokens.clone(),
        );
        llm.register("cost", "What exchanges cost in USD, where prices are known", self.cost.clone());
        let help = "From the request's head to the last byte of its answer";
        llm.register_with_unit("latency", help, Unit::Seconds, self.latency.clone());
        let own = registry.sub_registry_with_prefix("kt");
        own.register("requests_in_flight", "Requests whose answer is not over", self.in_flight.clone());
        own.register("policy_results", "What policies came to", self.policies.clone());
        let help = "How long a policy took over one exchange, both phases";
        own.register_with_unit("policy", help, Unit::Seconds, self.judging.clone());
        own.register("rule_hits", "Exchanges in which a rule found something or decided", self.rules.clone());
        own.register("target_attempts", "Times that a target was asked", self.attempts.clone());
        own.register("config_reloads", "Times that the configuration was read anew", self.reloads.clone());
        let help = "Connections that were closed at once, as too many came from their address";
        own.register("connections_refused", help, self.turned_away.clone());
        let help = "The most of one stream that was held back at any moment";
        own.register_with_unit("stream_held", help, Unit::Bytes, self.held.clone());
    }

    /// The configuration was read anew.
    pub(crate) fn reloaded(&self, is_taken: bool) {
        let result = if is_taken { "taken" } else { "refused" };
        self.reloads.get_or_create(&labels::Reload { result }).inc();
    }

    /// A connection was one too many of its address.
    pub(crate) fn turned_away(&self) {
        self.turned_away.inc();
    }

    /// A request has come in.
    pub(crate) fn begun(&self) {
        self.in_flight.inc();
    }

    /// Requests whose answer is not over.
    pub(crate) fn in_flight(&self) -> i64 {
        self.in_flight.get()
    }

    /// A request is over: what its record says is counted. `held` is the most of its stream that ever waited.
    pub(crate) fn ended(&self, record: &Record, took: Duration, held: Option<usize>, cost: Option<Money>) {
        self.in_flight.dec();
        let of = self.models.of(record);
        let labels::Model { model, provider } = of.clone();
        let (status, verdict) = (record.status, record.verdict);
        let asked = labels::Request { model: model.clone(), provider: provider.clone(), status, verdict };
        self.requests.get_or_create(&asked).inc();
        self.latency.get_or_create(&of).observe(took.as_secs_f64());
        for (direction, count) in [("input", record.input_tokens), ("output", record.output_tokens)] {
            let Some(count) = count else { continue };
            let tokens = labels::Tokens { model: model.clone(), provider: provider.clone(), direction };
            self.tokens.get_or_create(&tokens).inc_by(count);
        }
        if let Some(cost) = cost {
            self.cost.get_or_create(&of).inner().add(cost);
        }
        self.judged(record);
        let answered = matches!(record.outcome, Outcome::Complete | Outcome::Blocked);
        for attempt in &record.attempts {
            let result = match attempt.failure {
                Some(_) => "failed",
                None if answered => "ok",
                None => "unsaid",
            };
            self.attempts.get_or_create(&labels::Attempt { target: attempt.target.clone(), result }).inc();
        }
        if let Some(held) = held {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            self.held.observe(held as f64);
        }
    }

    fn judged(&self, record: &Record) {
        for policy in &record.policies_evaluated {
            let ran = labels::Ran { policy: policy.name.clone(), result: policy.result };
            self.policies.get_or_create(&ran).inc();
            let took = Duration::from_micros(policy.latency_us).as_secs_f64();
            self.judging.get_or_create(&labels::Policy { policy: policy.name.clone() }).observe(took);
        }
        let found = record.policies_evaluated.iter();
        let found = found.flat_map(|policy| policy.findings.iter().map(|found| (&policy.name, &found.rule)));
        let decided = record.policy.iter().zip(&record.rule);
        for (policy, rule) in found.chain(decided).collect::<BTreeSet<_>>() {
            let hit = labels::Rule { policy: policy.clone(), rule: rule.clone() };
            self.rules.get_or_create(&hit).inc();
        }
    }
}

/// All figures as a page.
pub(crate) fn page(gateway: &Gateway) -> String {
    let mut page = String::new();
    // Writing to a string does not fail.
    let _ = encode_registry(&mut page, &gateway.metrics.registry);
    let _ = encode_registry(&mut page, &now::registry(gateway));
    let _ = encode_eof(&mut page);
    page
}
