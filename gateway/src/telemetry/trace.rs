//! The spans of one request: the exchange, what the policies made of it, and each attempt at a target. None of them holds a
//! text of the exchange.

use engine::verdict::Report;
use hyper::Method;
use opentelemetry::trace::{Span as _, SpanContext, SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Array, Context, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::{SdkTracer, Span};

use super::names;
use crate::wire::Usage;

/// Longest text of an attribute that others choose.
const LONGEST: usize = 200;

/// The methods that clients may choose from; a name of their own would make a name of a span.
const KNOWN: [Method; 9] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::CONNECT,
    Method::OPTIONS,
    Method::TRACE,
    Method::PATCH,
];

/// The spans of a request.
#[derive(Debug)]
pub(crate) struct Trace {
    tracer: SdkTracer,
    exchange: Span,
    judging: Option<Span>,
    attempt: Option<Span>,
    attempts: i64,
}

/// Which part of an exchange policies judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// What the client sent.
    Request,
    /// What the provider sent.
    Response,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Phase::Request => "request",
            Phase::Response => "response",
        }
    }
}

/// What is known of an attempt when it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempted<'a> {
    pub(crate) operation: Option<&'static str>,
    pub(crate) model: &'a str,
    pub(crate) provider: &'a str,
    pub(crate) target: &'a str,
    pub(crate) host: Option<&'a str>,
    pub(crate) port: Option<u16>,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended<'a> {
    pub(crate) route: Option<&'static str>,
    pub(crate) operation: Option<&'static str>,
    pub(crate) model: Option<&'a str>,
    pub(crate) status: u16,
    pub(crate) outcome: &'static str,
    pub(crate) error: Option<&'a str>,
    pub(crate) stream: bool,
    pub(crate) request_id: &'a str,
    pub(crate) event_id: &'a str,
    pub(crate) target: Option<&'a str>,
    pub(crate) verdict: &'static str,
    pub(crate) policy: Option<&'a str>,
    pub(crate) rule: Option<&'a str>,
    pub(crate) reason_code: Option<&'a str>,
}

impl Trace {
    /// Begins with the span of the exchange, below the client's where there is one.
    pub(super) fn begin(tracer: &SdkTracer, parent: Option<&SpanContext>, method: &Method) -> Self {
        let context = parent
            .map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent.clone()));
        let method = KNOWN
            .into_iter()
            .find(|known| known == method)
            .map_or("_OTHER".to_owned(), |known| known.to_string());
        let name = if method == "_OTHER" { "HTTP".to_owned() } else { method.clone() };
        let exchange = tracer.span_builder(name).with_kind(SpanKind::Server);
        let exchange = exchange.with_attributes([KeyValue::new(names::METHOD, method)]);
        let exchange = tracer.build_with_context(exchange, &context);
        Self { tracer: tracer.clone(), exchange, judging: None, attempt: None, attempts: 0 }
    }

    /// The span that a request to a target comes from: its attempt, or else the exchange.
    pub(super) fn context(&self) -> &SpanContext {
        self.attempt.as_ref().unwrap_or(&self.exchange).span_context()
    }

    fn child(&self, name: String, kind: SpanKind) -> Span {
        let parent = Context::new().with_remote_span_context(self.exchange.span_context().clone());
        self.tracer.build_with_context(self.tracer.span_builder(name).with_kind(kind), &parent)
    }

    /// The policies begin to judge.
    pub(crate) fn judging(&mut self, phase: Phase) {
        let mut span = self.child(format!("policies {}", phase.name()), SpanKind::Internal);
        span.set_attribute(KeyValue::new(names::PHASE, phase.name()));
        self.judging = Some(span);
    }

    /// They have judged.
    pub(crate) fn judged(&mut self, report: &Report) {
        let Some(mut span) = self.judging.take().filter(Span::is_recording) else { return };
        let decision = &report.decision;
        span.set_attribute(KeyValue::new(names::VERDICT, decision.verdict.name()));
        text(&mut span, names::POLICY, decision.policy.as_deref());
        text(&mut span, names::RULE, decision.rule.as_deref());
        text(&mut span, names::REASON, decision.reason_code.as_deref());
        let results =
            report.policies.iter().map(|policy| format!("{}={}", policy.name, policy.outcome.name()));
        let results = Array::String(results.map(StringValue::from).collect());
        span.set_attribute(KeyValue::new(names::RESULTS, Value::Array(results)));
        let micros = report.policies.iter().map(|policy| whole(policy.nanos / 1_000)).collect();
        span.set_attribute(KeyValue::new(names::MICROS, Value::Array(Array::I64(micros))));
        span.end();
    }

    /// A target is asked.
    pub(crate) fn attempt(&mut self, attempted: Attempted<'_>) {
        self.attempts += 1;
        let Attempted { operation, model, provider, target, host, port } = attempted;
        let operation = operation.unwrap_or("request");
        let mut span = self.child(format!("{operation} {}", short(model)), SpanKind::Client);
        span.set_attribute(KeyValue::new(names::OPERATION, operation));
        text(&mut span, names::MODEL, Some(model));
        text(&mut span, names::PROVIDER, Some(provider));
        text(&mut span, names::TARGET, Some(target));
        text(&mut span, names::SERVER_ADDRESS, host);
        if let Some(port) = port {
            span.set_attribute(KeyValue::new(names::SERVER_PORT, i64::from(port)));
        }
        span.set_attribute(KeyValue::new(names::ATTEMPT, self.attempts));
        self.attempt = Some(span);
    }

    /// What the answer took.
    pub(crate) fn used(&mut self, usage: Usage) {
        let Some(span) = &mut self.attempt else { return };
        for (name, count) in [(names::INPUT_TOKENS, usage.input), (names::OUTPUT_TOKENS, usage.output)] {
            if let Some(count) = count {
                span.set_attribute(KeyValue::new(name, whole(count)));
            }
        }
    }

    /// The attempt has failed; `cause` is in our words.
    pub(crate) fn attempt_failed(&mut self, code: &str, cause: &str) {
        let Some(mut span) = self.attempt.take() else { return };
        fail(&mut span, code, cause);
        span.end();
    }

    /// The exchange is over, and with it all that is under way.
    pub(crate) fn end(&mut self, ended: Ended<'_>) {
        if let Some(mut judging) = self.judging.take() {
            judging.end();
        }
        let is_failed = ended.status >= 500 || ended.outcome == "failed";
        let left = (ended.outcome == "client_disconnect").then_some(ended.outcome);
        if let Some(mut attempt) = self.attempt.take() {
            match left.or(ended.error.filter(|_| is_failed)) {
                Some(code) => fail(&mut attempt, code, code),
                None => attempt.set_attribute(KeyValue::new(names::STATUS, 200)),
            }
            attempt.end();
        }
        let span = &mut self.exchange;
        if span.is_recording() {
            describe(span, ended);
            if let Some(code) = ended.error.filter(|_| is_failed).or(left) {
                fail(span, code, code);
            }
        }
        span.end();
    }
}

fn describe(span: &mut Span, ended: Ended<'_>) {
    if let Some(route) = ended.route {
        span.update_name(format!("POST /v1/{route}"));
        span.set_attribute(KeyValue::new(names::ROUTE, format!("/v1/{route}")));
    }
    span.set_attribute(KeyValue::new(names::STATUS, i64::from(ended.status)));
    span.set_attribute(KeyValue::new(names::OUTCOME, ended.outcome));
    span.set_attribute(KeyValue::new(names::STREAM, ended.stream));
    span.set_attribute(KeyValue::new(names::VERDICT, ended.verdict));
    for (name, value) in [
        (names::OPERATION, ended.operation),
        (names::MODEL, ended.model),
        (names::ERROR, ended.error),
        (names::REQUEST_ID, Some(ended.request_id)),
        (names::EVENT_ID, Some(ended.event_id)),
        (names::TARGET, ended.target),
        (names::POLICY, ended.policy),
        (names::RULE, ended.rule),
        (names::REASON, ended.reason_code),
    ] {
        text(span, name, value);
    }
}

fn fail(span: &mut Span, code: &str, cause: &str) {
    text(span, names::ERROR_TYPE, Some(code));
    span.set_status(Status::error(short(cause).to_owned()));
}

fn text(span: &mut Span, name: &'static str, value: Option<&str>) {
    if let Some(value) = value {
        span.set_attribute(KeyValue::new(name, short(value).to_owned()));
    }
}

/// As much of a text as an attribute takes.
fn short(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST)).unwrap_or_default()
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
