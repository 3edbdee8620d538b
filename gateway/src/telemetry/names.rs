//! The names of attributes: OpenTelemetry's where it has one, and `kt.` for what is ours.

/// What is asked of a model.
pub(super) const OPERATION: &str = "gen_ai.operation.name";
/// Whose model it is.
pub(super) const PROVIDER: &str = "gen_ai.provider.name";
/// The model that is asked for.
pub(super) const MODEL: &str = "gen_ai.request.model";
/// Tokens of the prompt.
pub(super) const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
/// Tokens of the answer.
pub(super) const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
/// The host that is asked.
pub(super) const SERVER_ADDRESS: &str = "server.address";
/// Its port.
pub(super) const SERVER_PORT: &str = "server.port";
/// What it failed with: a code of few values.
pub(super) const ERROR_TYPE: &str = "error.type";
/// The method of a request.
pub(super) const METHOD: &str = "http.request.method";
/// The endpoint of a request.
pub(super) const ROUTE: &str = "http.route";
/// The status of an answer.
pub(super) const STATUS: &str = "http.response.status_code";
/// The client's name for its request.
pub(super) const REQUEST_ID: &str = "kt.request_id";
/// The record in the audit log.
pub(super) const EVENT_ID: &str = "kt.event_id";
/// How the exchange ended.
pub(super) const OUTCOME: &str = "kt.outcome";
/// The code that the client was told.
pub(super) const ERROR: &str = "kt.error";
/// Whether a stream was asked for.
pub(super) const STREAM: &str = "kt.stream";
/// The target that was asked.
pub(super) const TARGET: &str = "kt.target";
/// How often a target was asked for the request by then.
pub(super) const ATTEMPT: &str = "kt.attempt";
/// Which part of an exchange policies judge.
pub(super) const PHASE: &str = "kt.phase";
/// What they decided.
pub(super) const VERDICT: &str = "kt.verdict";
/// The policy that decided.
pub(super) const POLICY: &str = "kt.policy";
/// The rule that decided.
pub(super) const RULE: &str = "kt.rule";
/// Its code.
pub(super) const REASON: &str = "kt.reason_code";
/// What each policy came to, as `name=result`.
pub(super) const RESULTS: &str = "kt.policy.results";
/// How long each took so far, in microseconds, in the same order.
pub(super) const MICROS: &str = "kt.policy.micros";
