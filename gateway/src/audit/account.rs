//! What is told of an exchange besides its record: figures, spans, and the process log's line. They say what the record
//! says, so they are told when that is decided: a record that cannot be written makes another of the answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Record;
use crate::metrics::Metrics;
use crate::money::Money;
use crate::telemetry::{Ended, Traced};
use crate::wire::Endpoint;

/// How often it is told that policies were passed over.
const WARN_AGAIN: Duration = Duration::from_secs(10);

/// What the record does not hold of all that is told.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) metrics: Option<Arc<Metrics>>,
    pub(super) traced: Traced,
    /// From the head of the request to the end of the answer.
    pub(super) took: Duration,
    /// The most of a stream that ever waited.
    pub(super) held: Option<usize>,
    pub(super) cost: Option<Money>,
}

impl Account {
    /// Tells of that record.
    pub(super) fn tell(mut self, record: &Record) {
        if let Some(metrics) = &self.metrics {
            metrics.ended(record, self.took, self.held, self.cost);
        }
        if let Some(trace) = self.traced.trace() {
            trace.end(ended(record));
        }
        log(record);
    }
}

/// What is asked of a model at an endpoint, as the conventions for traces call it.
pub(super) fn operation(endpoint: Endpoint) -> &'static str {
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

/// What the policies did. Where none has run, nothing was allowed either.
fn action(record: &Record) -> &'static str {
    let is_judged = !record.policies_evaluated.is_empty() || record.verdict != "allow";
    if is_judged { record.verdict } else { "none" }
}

/// Tells of a policy that could not run and was passed over, every so often: it may be so with every request.
fn tell_passed_over(record: &Record) {
    static TOLD: Mutex<Option<Instant>> = Mutex::new(None);
    let failed = record.policies_evaluated.iter().find(|policy| policy.result == "error");
    let Some(failed) = failed.filter(|_| record.reason_code.as_deref() != Some("policy.error")) else {
        return;
    };
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.is_none_or(|last| last.elapsed() >= WARN_AGAIN) {
        *told = Some(Instant::now());
        tracing::warn!(
            request_id = record.request_id,
            policy = failed.name,
            "a policy could not run and was passed over, as its `on_error` says"
        );
    }
}

/// The process log's line on a request.
fn log(record: &Record) {
    tell_passed_over(record);
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
        cost_usd = record.cost_usd,
        policies_applied = policies.join(","),
        policy_action = action(record),
        key = record.key,
        error = record.error,
        "request {}",
        record.outcome.name()
    );
}
