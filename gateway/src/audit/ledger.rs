//! The record of one exchange while it is being made; it is written however the exchange ends.

use std::sync::Arc;
use std::time::Instant;

use engine::verdict::Report;
use grammar::config::Pricing;
use hyper::header::HeaderMap;

use super::record::Attempt;
use super::{Hash, Outcome, Receipt, Record, Seat};
use crate::access::{Caller, Reservation};
use crate::ids;
use crate::metrics::Metrics;
use crate::packs::Pack;
use crate::route::Target;
use crate::telemetry::{Attempted, Ended, Phase, Traced};
use crate::wire::{Endpoint, Usage};

/// The status of a request whose client did not wait for one, as proxies commonly write it.
const CLIENT_CLOSED: u16 = 499;

/// A record in the making. Dropped before it is closed, it says that the client went away.
#[derive(Debug)]
pub(crate) struct Ledger {
    seat: Option<Seat>,
    record: Option<Box<Record>>,
    target: Option<Arc<Target>>,
    began: Instant,
    begun: bool,
    reservation: Option<Reservation>,
    /// The most of a stream that ever waited.
    held: Option<usize>,
    metrics: Option<Arc<Metrics>>,
    traced: Traced,
}

impl Ledger {
    /// Opens the record of a request. Without a seat it is only told to the process log.
    pub(crate) fn open(seat: Option<Seat>, pack: &Pack, request_id: &str) -> Self {
        let record = Record {
            seq: 0,
            id: ids::fresh("evt"),
            event_type: "decision",
            timestamp: jiff::Timestamp::now().to_string(),
            request_id: request_id.to_owned(),
            endpoint: None,
            outcome: Outcome::ClientDisconnect,
            verdict: "allow",
            reason_code: None,
            policy: None,
            rule: None,
            severity: None,
            tags: Vec::new(),
            model: None,
            provider: None,
            target: None,
            attempts: Vec::new(),
            config_version: pack.config.pack.version.value.clone(),
            config_hash: pack.hash().to_owned(),
            status: 0,
            error: None,
            stream: false,
            latency_ms: 0,
            input_tokens: None,
            output_tokens: None,
            cost_usd: None,
            trace_id: None,
            user_id: None,
            key: None,
            policies_evaluated: Vec::new(),
            prev_hash: Hash::ZERO,
        };
        Self {
            seat,
            record: Some(Box::new(record)),
            target: None,
            began: Instant::now(),
            begun: false,
            reservation: None,
            held: None,
            metrics: None,
            traced: Traced::default(),
        }
    }

    /// For a request of that caller.
    #[must_use]
    pub(crate) fn by(mut self, caller: &Caller) -> Self {
        self.note(|record| record.key = caller.key_name().map(str::to_owned));
        self
    }

    /// For a request that is counted.
    #[must_use]
    pub(crate) fn counted(mut self, metrics: &Arc<Metrics>) -> Self {
        metrics.begun();
        self.metrics = Some(Arc::clone(metrics));
        self
    }

    /// For a request that is part of that trace.
    #[must_use]
    pub(crate) fn traced(mut self, traced: Traced) -> Self {
        self.note(|record| record.trace_id = traced.id());
        self.traced = traced;
        self
    }

    /// For a request to that endpoint.
    #[must_use]
    pub(crate) fn at(mut self, endpoint: Endpoint) -> Self {
        self.note(|record| record.endpoint = Some(endpoint));
        self
    }

    fn note(&mut self, write: impl FnOnce(&mut Record)) {
        if let Some(record) = &mut self.record {
            write(record);
        }
    }

    /// What the client asked for.
    pub(crate) fn asked(&mut self, request: &engine::input::Request<'_>) {
        self.note(|record| {
            record.model = Some(request.model.to_owned());
            record.stream = request.stream;
            record.user_id = request.user_id.map(str::to_owned);
        });
    }

    /// The tokens that it has taken from a limit, until it is known how many it takes.
    pub(crate) fn reserved(&mut self, reservation: Option<Reservation>) {
        self.reservation = reservation;
    }

    /// Where it went, and under which model: the target's own, or else the one that was asked for.
    pub(crate) fn sent(&mut self, target: &Arc<Target>, asked: &str) {
        self.target = Some(Arc::clone(target));
        self.note(|record| {
            record.attempts.push(Attempt { target: target.id.clone(), failure: None });
            record.target = Some(target.id.clone());
            record.provider = Some(target.provider.clone());
            record.model = Some(target.model.as_deref().unwrap_or(asked).to_owned());
        });
        if let (Some(trace), Some(record)) = (self.traced.trace(), &self.record) {
            trace.attempt(Attempted {
                operation: record.endpoint.map(operation),
                model: target.model.as_deref().unwrap_or(asked),
                provider: &target.provider,
                target: &target.id,
                host: target.host(),
                port: target.port(),
            });
        }
    }

    /// Puts the trace into the headers of a request to the target that it is sent to.
    pub(crate) fn pass_on(&self, headers: &mut HeaderMap) {
        self.traced.pass_on(headers);
    }

    /// The target that it was sent to last has failed.
    pub(crate) fn attempt_failed(&mut self, code: &str, cause: &str) {
        if let Some(trace) = self.traced.trace() {
            trace.attempt_failed(code, cause);
        }
        self.note(|record| {
            if let Some(attempt) = record.attempts.last_mut() {
                attempt.failure = Some(cause.to_owned());
            }
        });
    }

    /// The answer of the target that it was sent to last has failed, too late for another target.
    pub(crate) fn answer_failed(&mut self, code: &str, cause: &str) {
        self.attempt_failed(code, cause);
        if let Some(record) = &self.record {
            let (request_id, target_id) = (&record.request_id, record.target.as_deref());
            tracing::warn!(request_id, target_id, cause, next = "the client is told", "a target failed");
        }
    }

    /// The policies begin to judge.
    pub(crate) fn judging(&mut self, phase: Phase) {
        if let Some(trace) = self.traced.trace() {
            trace.judging(phase);
        }
    }

    /// What was decided.
    pub(crate) fn judged(&mut self, report: &Report) {
        if let Some(trace) = self.traced.trace() {
            trace.judged(report);
        }
        self.note(|record| record.judge(report));
    }

    /// The status that the client was told.
    pub(crate) fn replied(&mut self, status: hyper::StatusCode) {
        self.note(|record| record.status = status.as_u16());
    }

    /// The head of the answer goes to the client; what comes after can only be told in the stream.
    pub(crate) fn begin(&mut self) {
        self.begun = true;
    }

    /// What it consumed.
    pub(crate) fn used(&mut self, usage: Option<Usage>) {
        let pricing = self.target.as_ref().and_then(|target| target.pricing);
        if let (Some(trace), Some(usage)) = (self.traced.trace(), usage) {
            trace.used(usage);
        }
        self.note(|record| {
            let Some(usage) = usage else { return };
            (record.input_tokens, record.output_tokens) = (usage.input, usage.output);
            record.cost_usd = pricing.and_then(|price| cost(&price, &usage));
        });
    }

    /// The most of the stream that was held back at any moment, in bytes.
    pub(crate) fn held(&mut self, most: usize) {
        self.held = Some(most);
    }

    /// The failure that the client was told.
    pub(crate) fn failed(&mut self, code: &str) {
        self.note(|record| record.error = Some(code.to_owned()));
    }

    /// The exchange is over: the record goes to the log, and the end of the answer waits for the receipt.
    pub(crate) fn close(&mut self, outcome: Outcome) -> Receipt {
        let Some(mut record) = self.record.take() else { return Receipt::none() };
        let took = self.began.elapsed();
        record.outcome = outcome;
        record.latency_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if let Some(metrics) = &self.metrics {
            metrics.ended(&record, took, self.held);
        }
        if let Some(trace) = self.traced.trace() {
            trace.end(ended(&record));
        }
        tell(&record);
        if let Some((reservation, used)) = self.reservation.take().zip(tokens(&record)) {
            reservation.settle(used);
        }
        match self.seat.take() {
            Some(seat) => seat.write(record, self.begun),
            None => Receipt::none(),
        }
    }
}

#[cfg(test)]
impl Ledger {
    /// The record as it would be written.
    pub(crate) fn into_record(mut self) -> Box<Record> {
        self.record.take().expect("a record that is not closed")
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.failed("internal_error");
            self.note(|record| record.status = if record.status == 0 { 500 } else { record.status });
            return drop(self.close(Outcome::Failed));
        }
        self.note(|record| record.status = if record.status == 0 { CLIENT_CLOSED } else { record.status });
        drop(self.close(Outcome::ClientDisconnect)); // nobody is left who could wait
    }
}

/// What is asked of a model at an endpoint, as the conventions for traces call it.
fn operation(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Chat | Endpoint::Responses => "chat",
        Endpoint::Completions => "text_completion",
        Endpoint::Embeddings => "embeddings",
    }
}

/// What the span of an exchange tells of its record.
fn ended(record: &Record) -> Ended<'_> {
    Ended {
        route: record.endpoint.map(Endpoint::path),
        operation: record.endpoint.map(operation),
        model: record.model.as_deref(),
        status: record.status,
        outcome: record.outcome.name(),
        error: record.error.as_deref(),
        stream: record.stream,
        request_id: &record.request_id,
        event_id: &record.id,
        target: record.target.as_deref(),
        verdict: record.verdict,
        policy: record.policy.as_deref(),
        rule: record.rule.as_deref(),
        reason_code: record.reason_code.as_deref(),
    }
}

/// The tokens that a request took, where that is known: none when it was sent nowhere.
fn tokens(record: &Record) -> Option<u64> {
    let told = record.input_tokens.is_some() || record.output_tokens.is_some();
    let sum =
        record.input_tokens.unwrap_or_default().saturating_add(record.output_tokens.unwrap_or_default());
    (told || record.attempts.is_empty()).then_some(sum)
}

/// What an exchange cost in USD, where all that takes is known. Cached tokens are part of the prompt's.
fn cost(price: &Pricing, usage: &Usage) -> Option<f64> {
    let (input, output) = usage.input.zip(usage.output)?;
    let cached = usage.cached.unwrap_or_default().min(input);
    #[expect(clippy::cast_precision_loss, reason = "token counts stay far below 2^52")]
    let [fresh, cached, output] = [input - cached, cached, output].map(|tokens| tokens as f64);
    let of_cached = price.cached.unwrap_or(price.prompt);
    Some((fresh * price.prompt + cached * of_cached + output * price.completion) / 1e6)
}

/// The process log's line on a request.
fn tell(record: &Record) {
    let policies: Vec<&str> = record.policies_evaluated.iter().map(|policy| policy.name.as_str()).collect();
    tracing::info!(
        request_id = record.request_id,
        trace_id = record.trace_id,
        endpoint = record.endpoint.map(Endpoint::path),
        model = record.model,
        provider = record.provider,
        target_id = record.target,
        status = record.status,
        latency_ms = record.latency_ms,
        input_tokens = record.input_tokens,
        output_tokens = record.output_tokens,
        policies_applied = policies.join(","),
        policy_action = record.verdict,
        key = record.key,
        error = record.error,
        "request {}",
        record.outcome.name()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_tokens_cost_what_the_price_says_of_them() {
        let price = |cached| Pricing { prompt: 2.0, completion: 10.0, cached };
        let usage = |input, cached| Usage { input: Some(input), cached, output: Some(100_000) };
        let cost = |cached_price, usage| cost(&price(cached_price), &usage);
        assert_eq!(cost(Some(0.5), usage(1_000_000, None)), Some(3.0));
        assert_eq!(cost(Some(0.5), usage(1_000_000, Some(400_000))), Some(1.2 + 0.2 + 1.0));
        assert_eq!(cost(None, usage(1_000_000, Some(400_000))), Some(3.0));
        assert_eq!(cost(Some(0.5), usage(1_000_000, Some(9_000_000))), Some(1.5), "no more than there are");
        assert_eq!(cost(Some(0.5), Usage { input: Some(1), ..Usage::default() }), None);
    }
}
