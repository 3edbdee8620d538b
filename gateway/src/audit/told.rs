//! What is said of an exchange that is over, beside its record: a line of the process log, and the end of its span.

use super::Record;
use crate::telemetry::Ended;
use crate::wire::Endpoint;

/// What is asked of a model at an endpoint, as the conventions for traces call it.
pub(super) fn operation(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Chat | Endpoint::Responses => "chat",
        Endpoint::Completions => "text_completion",
        Endpoint::Embeddings => "embeddings",
    }
}

/// What the span of an exchange tells of its record.
pub(super) fn ended(record: &Record) -> Ended<'_> {
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
pub(super) fn tell(record: &Record) {
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
