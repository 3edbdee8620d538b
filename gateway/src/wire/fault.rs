//! What went wrong, said the way clients of the OpenAI API understand: one envelope for replies and for streams.

use std::borrow::Cow;

use engine::verdict::{Decision, Verdict};
use hyper::StatusCode;
use serde_json::{Map, Value, json};

use crate::secret::Secret;
use crate::wire::json::Fields as _;

/// A failure that a client is told about.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Status of the reply, when nothing has been sent yet.
    pub status: StatusCode,
    /// `error.type`.
    pub kind: &'static str,
    /// `error.code`.
    pub code: Cow<'static, str>,
    /// `error.message`: a sentence for people.
    pub message: Box<str>,
    /// `error.param`: the path of the field that is wrong.
    pub param: Option<Box<str>>,
    /// The rule that decided, for a policy violation.
    pub decision: Option<Box<Decision>>,
    /// `retry-after`, as the header says it.
    pub retry_after: Option<Box<str>>,
    /// `x-should-retry`, where the status alone would mislead an SDK.
    pub should_retry: Option<bool>,
    /// `allow`: the methods that the path answers, when it was asked with another.
    pub allow: Option<&'static str>,
    /// Whether the connection is of no further use.
    pub close: bool,
    /// Whether it is a limit of the gateway's own that is reached, and not one of a provider.
    pub is_own: bool,
}

impl Fault {
    /// A failure with that status, type, code and message.
    pub fn new(
        status: StatusCode,
        kind: &'static str,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            kind,
            code: code.into(),
            message: message.into().into_boxed_str(),
            param: None,
            decision: None,
            retry_after: None,
            should_retry: None,
            allow: None,
            close: false,
            is_own: false,
        }
    }

    /// The client sent something that cannot be used; `param` is the path of the field.
    pub fn invalid(param: Option<&str>, message: impl Into<String>) -> Self {
        let fault = Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", "invalid_request", message);
        Self { param: param.map(Into::into), ..fault }
    }

    /// The request breaks a rule of HTTP or a limit; the connection closes after the reply.
    pub fn refused(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { close: true, ..Self::new(status, "invalid_request_error", code, message) }
    }

    /// The path answers other methods, which are these.
    pub(crate) fn method(allow: &'static str) -> Self {
        let message = format!("this path answers {allow}");
        let status = StatusCode::METHOD_NOT_ALLOWED;
        let fault = Self::new(status, "invalid_request_error", "method_not_allowed", message);
        Self { allow: Some(allow), ..fault }
    }

    /// The provider failed.
    pub fn upstream(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self::new(status, "upstream_error", code, message)
    }

    /// The provider answered with something that cannot be judged, and so is not passed on.
    pub fn unreadable(message: impl Into<String>) -> Self {
        Self::upstream(StatusCode::BAD_GATEWAY, "unreadable_answer", message)
    }

    /// A rule stopped the request.
    pub fn input_blocked(decision: Decision) -> Self {
        Self::violation(decision, "input_blocked", "the request was stopped by a policy")
    }

    /// A rule stopped the answer.
    pub fn output_blocked(decision: Decision) -> Self {
        Self::violation(decision, "output_blocked", "the answer was stopped by a policy")
    }

    fn violation(decision: Decision, blocked: &'static str, default: &str) -> Self {
        let escalated = decision.verdict == Verdict::Escalate;
        let code = if escalated { "escalation_required" } else { blocked };
        let message = decision.message.clone().unwrap_or_else(|| default.to_owned());
        Self {
            decision: Some(Box::new(decision)),
            should_retry: Some(false),
            ..Self::new(StatusCode::CONFLICT, "policy_violation", code, message)
        }
    }

    /// Nothing can be recorded now, so nothing is let through.
    pub(crate) fn audit_unavailable() -> Self {
        let message = "the audit log cannot be written, so nothing is let through";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", "audit_unavailable", message)
            .retry_after(Some("5"))
    }

    /// With the header that says when to come back.
    #[must_use]
    pub fn retry_after(mut self, value: Option<&str>) -> Self {
        self.retry_after = value.map(Into::into);
        self
    }

    /// With a word to the SDKs on whether another try can help.
    #[must_use]
    pub fn should_retry(mut self, value: bool) -> Self {
        self.should_retry = Some(value);
        self
    }

    /// The envelope, `{"error": {…}}`.
    pub fn envelope(&self, request_id: &str) -> Value {
        let mut error = Map::new();
        error.insert("message".into(), json!(self.message));
        error.insert("type".into(), json!(self.kind));
        error.insert("code".into(), json!(self.code));
        error.insert("param".into(), json!(self.param));
        if let Some(decision) = &self.decision {
            error.insert("policy".into(), json!(decision.policy.as_deref()));
            error.insert("rule".into(), json!(decision.rule.as_deref()));
            error.insert("reason_code".into(), json!(decision.reason_code.as_deref()));
        }
        error.insert("request_id".into(), json!(request_id));
        json!({ "error": error })
    }
}

/// What a provider said went wrong, from any of the shapes in which they say it.
pub(crate) fn upstream_message(body: &Value) -> Option<String> {
    let error = body.field("error").unwrap_or(body);
    let said = match error {
        Value::String(text) => body.field("message").and_then(Value::as_str).unwrap_or(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => return None,
        Value::Object(fields) => {
            let message = fields.field("message").or_else(|| fields.field("detail"))?;
            return Some(message.as_str().map_or_else(|| message.to_string(), str::to_owned));
        }
    };
    Some(said.to_owned())
}

/// The failure that an answer or an event tells of, if it does: a provider may tell of one in place of an answer or
/// beside it. The key is cut out of the provider's words.
pub(crate) fn upstream_error(document: &Value, secret: Option<&Secret>) -> Option<Fault> {
    document.field("error").filter(|error| !error.is_null())?;
    let scrub = |text: String| secret.iter().fold(text, |text, secret| secret.scrub(text));
    let said = upstream_message(document).map_or_else(|| "no reason given".to_owned(), scrub);
    let code = upstream_code(document).map_or("upstream_failed".into(), |code| scrub(code).into());
    let message = format!("the provider failed: {said}");
    Some(Fault { code, ..Fault::upstream(StatusCode::BAD_GATEWAY, "", message) })
}

/// A field of a provider's error object, when it is text.
pub(crate) fn upstream_field(body: &Value, field: &str) -> Option<String> {
    body.field("error")?.field(field)?.as_str().map(str::to_owned)
}

/// A provider's error code, when it looks like one: it stands in logs, where no word of a prompt may be.
pub(crate) fn upstream_code(body: &Value) -> Option<String> {
    let is_code = |code: &String| {
        code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
    };
    upstream_field(body, "code").filter(is_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_names_the_rule_and_forbids_a_retry() {
        let decision = Decision {
            verdict: Verdict::Block,
            policy: Some("pii-detector".into()),
            rule: Some("cards".into()),
            reason_code: Some("pii.detected".into()),
            ..Decision::default()
        };
        let fault = Fault::input_blocked(decision);
        assert_eq!((fault.status.as_u16(), fault.should_retry), (409, Some(false)));
        let text = fault.envelope("req_1").to_string();
        let expected = concat!(
            r#"{"error":{"message":"the request was stopped by a policy","type":"policy_violation","#,
            r#""code":"input_blocked","param":null,"policy":"pii-detector","rule":"cards","#,
            r#""reason_code":"pii.detected","request_id":"req_1"}}"#
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn an_escalation_has_its_own_code() {
        let decision = Decision { verdict: Verdict::Escalate, ..Decision::default() };
        assert_eq!(Fault::input_blocked(decision.clone()).code, "escalation_required");
        assert_eq!(Fault::output_blocked(decision).code, "escalation_required");
    }

    #[test]
    fn a_code_that_is_a_sentence_is_no_code() {
        let code = |code: &str| upstream_code(&json!({"error": {"code": code}}));
        assert_eq!(code("NOT_FOUND").as_deref(), Some("NOT_FOUND"));
        assert_eq!(code("you wrote: my card is"), None);
    }

    #[test]
    fn every_shape_of_an_upstream_error_is_read() {
        let said = |text: &str| upstream_message(&serde_json::from_str(text).unwrap());
        assert_eq!(said(r#"{"error":{"message":"no such model"}}"#).as_deref(), Some("no such model"));
        assert_eq!(said(r#"{"error":"Too Many","message":"slow down"}"#).as_deref(), Some("slow down"));
        assert_eq!(said(r#"{"error":"boom"}"#).as_deref(), Some("boom"));
        assert_eq!(said(r#"{"detail":[{"loc":1}]}"#).as_deref(), Some(r#"[{"loc":1}]"#));
        assert_eq!(said(r#"{}"#), None);
    }
}
