//! What is told of an exchange besides its record: figures, spans, and the process log's line. They say what the record
//! says, so they are told when that is decided: a record that cannot be written makes another of the answer.

use std::sync::Arc;
use std::time::Duration;

use super::Record;
use crate::metrics::Metrics;
use crate::money::Money;
use crate::telemetry::{Ended, Traced};
use crate::wire::Endpoint;

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
    pub(super) fn tell(self, record: &Record) {
        self.count(record);
        log(record);
    }

    /// Tells of it all but the line in the process log.
    pub(super) fn count(mut self, record: &Record) {
        if let Some(metrics) = &self.metrics {
            metrics.ended(record, self.took, self.held, self.cost);
        }
        if let Some(trace) = self.traced.trace() {
            trace.end(ended(record));
        }
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

/// The process log's line on a request.
pub(super) fn log(record: &Record) {
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
        policy_action = record.verdict,
        key = record.key,
        error = record.error,
        "request {}",
        record.outcome.name()
    );
}
