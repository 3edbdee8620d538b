//! What a provider's failure means: for the client, and for the next target.

use std::time::Duration;

use grammar::config::Trigger;
use hyper::StatusCode;
use hyper::header::{HeaderMap, RETRY_AFTER};
use jiff::Timestamp;
use rustls::InvalidMessage;
use serde_json::Value;

use super::{Target, Went, retry};
use crate::wire::{Fault, upstream_code, upstream_field, upstream_message};

/// A target that did not answer as it should.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What kind of failure it is, when another attempt may do better.
    pub(super) trigger: Option<Trigger>,
    /// Whether that may be one at the same target.
    pub(super) again: bool,
    /// When the target wants to be asked again.
    pub(super) asked_for: Option<Duration>,
    /// What it says of the target.
    pub(super) went: Went,
    /// Whether the provider may have worked on it, and put it on the bill.
    pub(crate) paid: bool,
    /// What happened, for the process log: in our words, since a provider's may quote the prompt.
    pub(crate) cause: String,
    /// What the client is told, when no other target does.
    pub(super) fault: Box<Fault>,
}

impl Failure {
    /// The code that the client is told, when no other target does.
    pub(crate) fn code(&self) -> &str {
        &self.fault.code
    }

    fn new(trigger: Option<Trigger>, cause: impl Into<String>, fault: Fault) -> Self {
        let (again, asked_for) = (trigger.is_some(), None);
        let fault = Box::new(fault);
        Self { trigger, again, asked_for, went: Went::Badly, paid: false, cause: cause.into(), fault }
    }

    /// The target took too long.
    pub(super) fn timeout(target: &Target) -> Self {
        let cause = "did not answer in time";
        let message = format!("target `{}` {cause}", target.id);
        let fault = Fault::upstream(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", message);
        Self { paid: true, ..Self::new(Some(Trigger::Timeout), cause, fault) }
    }

    /// There was no connection, or it broke after the request may have gone out.
    pub(super) fn connection(target: &Target, cause: &str, paid: bool) -> Self {
        target.vitals().note_reached(false);
        let cause = target.scrub(format!("cannot be reached: {cause}"));
        let message = format!("target `{}` {cause}", target.id);
        let fault = Fault::upstream(StatusCode::BAD_GATEWAY, "upstream_unreachable", message);
        Self { paid, ..Self::new(Some(Trigger::Connection), cause, fault) }
    }

    /// It answered with something that is never passed on. Another target may do better; this one was asked, and paid.
    pub(super) fn unusable(target: &Target, code: &'static str, what: &str) -> Self {
        let fault = Fault::upstream(StatusCode::BAD_GATEWAY, code, format!("target `{}` {what}", target.id));
        Self::new(Some(Trigger::ServerError), what, fault).after_a_head()
    }

    /// What came with status 200 is no answer, or tells of a failure.
    pub(crate) fn in_answer(fault: Fault) -> Self {
        let cause = format!("answered with `{}`", fault.code);
        Self::told(fault, cause)
    }

    /// The two sides do not trust each other. That is the operator's to mend; asking again would not.
    pub(super) fn distrusted(target: &Target, cause: &rustls::Error) -> Self {
        target.vitals().note_reached(false);
        let cause = target.scrub(distrusted(cause));
        tracing::error!(
            target_id = target.id,
            cause,
            "no secure connection: check the target's certificate and `tls`"
        );
        let message = format!("target `{}` {cause}", target.id);
        let fault = Fault::upstream(StatusCode::BAD_GATEWAY, "upstream_tls", message);
        Self { again: false, ..Self::new(Some(Trigger::Connection), cause, fault) }
    }

    /// The connection broke when a part of the answer was there.
    pub(super) fn broken_answer(target: &Target, cause: &str) -> Self {
        let cause = target.scrub(format!("broke off its answer: {cause}"));
        let message = format!("target `{}` {cause}", target.id);
        let fault = Fault::upstream(StatusCode::BAD_GATEWAY, "upstream_unreachable", message);
        Self::new(Some(Trigger::Connection), cause, fault).after_a_head()
    }

    /// The stream broke before it said anything.
    pub(super) fn broken(target: &Target, cause: &str) -> Self {
        let cause = target.scrub(format!("broke off its stream: {cause}"));
        let message = format!("target `{}` {cause}", target.id);
        let fault = Fault::upstream(StatusCode::BAD_GATEWAY, "stream_broken", message);
        Self::new(Some(Trigger::Connection), cause, fault).after_a_head()
    }

    /// The first thing that the stream said is that it failed.
    pub(super) fn in_stream(fault: Fault) -> Self {
        let cause = format!("failed in its stream with `{}`", fault.code);
        Self::told(fault, cause)
    }

    fn told(fault: Fault, cause: String) -> Self {
        let (trigger, went) = match (fault.kind, &*fault.code) {
            ("rate_limit_error", _) => (Some(Trigger::RateLimit), Went::Unsaid),
            ("invalid_request_error", _) => (None, Went::Well),
            (_, "unreadable_answer") => {
                return Self::new(Some(Trigger::ServerError), cause, fault).after_a_head();
            }
            (_, "stream_truncated") => {
                return Self::new(Some(Trigger::Connection), cause, fault).after_a_head();
            }
            _ => (Some(Trigger::ServerError), Went::Badly),
        };
        Self { went, ..Self::new(trigger, cause, fault) }
    }

    /// The answer had begun: the request is at work there, and is paid for, so that target is not asked again.
    pub(super) fn after_a_head(self) -> Self {
        Self { again: false, paid: true, ..self }
    }

    /// It answered with an error status.
    pub(super) fn status(target: &Target, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let said = upstream_message(&body).map(|said| target.scrub(said));
        let said = said.unwrap_or_else(|| "no reason given".to_owned());
        let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.map(|value| target.scrub(value.to_owned()));
        let retry_after = retry_after.as_deref();
        let message = format!("target `{}` answered {}: {said}", target.id, status.as_u16());
        let bad_gateway = |code| Fault::upstream(StatusCode::BAD_GATEWAY, code, message.clone());
        let (trigger, went, fault) = match status.as_u16() {
            401 | 403 => {
                tracing::error!(target_id = target.id, "the provider refuses the configured key: check it");
                let fault =
                    format!("target `{}` refuses the gateway's key; the operator must mend it", target.id);
                let fault = Fault::upstream(StatusCode::BAD_GATEWAY, "upstream_auth", fault);
                (None, Went::Badly, fault.should_retry(false))
            }
            402 | 407 | 412 => {
                tracing::error!(
                    target_id = target.id,
                    status = status.as_u16(),
                    "the provider wants something of the operator"
                );
                (None, Went::Badly, bad_gateway("upstream_refused").should_retry(false))
            }
            404 if is_of_model(target, &body) => {
                (Some(Trigger::ServerError), Went::Unsaid, clients_own(target, status, said, &body))
            }
            408 => {
                let fault = Fault::upstream(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", message);
                (Some(Trigger::Timeout), Went::Badly, fault)
            }
            425 | 500..=599 => {
                let fault = bad_gateway("upstream_failed").retry_after(retry_after);
                (Some(Trigger::ServerError), Went::Badly, fault)
            }
            429 => {
                let fault = Fault::new(status, "rate_limit_error", "rate_limit_exceeded", message);
                (Some(Trigger::RateLimit), Went::Unsaid, fault.retry_after(retry_after.or(Some("1"))))
            }
            300..=399 => (None, Went::Badly, bad_gateway("upstream_redirect")),
            400..=499 => (None, Went::Well, clients_own(target, status, said, &body)),
            _ => (None, Went::Badly, bad_gateway("upstream_status")),
        };
        let again = trigger.is_some() && !lasts(status, headers, &body);
        let asked_for = retry::asked_for(headers, Timestamp::now());
        let cause = format!("answered {}", status.as_u16());
        Self { again, asked_for, went, ..Self::new(trigger, cause, fault) }
    }
}

/// Why there is no secure connection, in words.
pub(super) fn distrusted(cause: &rustls::Error) -> String {
    match cause {
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "does not speak TLS at that port; if that is so, its address begins with `http://`".to_owned()
        }
        _ => format!("cannot be trusted: {cause}"),
    }
}

/// Whether a 404 says that the model is not there, which another target may have: a target with a model of its own, or
/// a provider that names the model as what is missing.
fn is_of_model(target: &Target, body: &Value) -> bool {
    let is = |field, values: &[&str]| upstream_field(body, field).is_some_and(|v| values.contains(&&*v));
    target.model.is_some() || is("param", &["model"]) || is("code", &["NOT_FOUND", "model_not_found"])
}

/// Whether asking the same target again in a moment cannot help: the model is not there (404), Fireworks changes its
/// weights (425) or boots it for minutes, or the provider says so itself.
fn lasts(status: StatusCode, headers: &HeaderMap, body: &Value) -> bool {
    let boots = || upstream_field(body, "code").is_some_and(|code| code == "DEPLOYMENT_SCALING_UP");
    let forbids = || headers.get("x-should-retry").is_some_and(|value| value == "false");
    matches!(status.as_u16(), 404 | 425) || boots() || forbids()
}

/// An error of the client's own making keeps its status and its words.
fn clients_own(target: &Target, status: StatusCode, said: String, body: &Value) -> Fault {
    let code = upstream_code(body).map_or("invalid_request".into(), |code| target.scrub(code).into());
    let param = upstream_field(body, "param").map(|param| target.scrub(param).into_boxed_str());
    Fault { code, param, ..Fault::new(status, "invalid_request_error", "", said) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit;

    fn failure(status: u16, body: &str) -> Failure {
        let target = Target::prepare(&kit::target("a", "http://127.0.0.1:9/v1"), None).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, "7".parse().unwrap());
        Failure::status(&target, StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes())
    }

    #[test]
    fn each_status_has_its_meaning() {
        let seen = |status| {
            let failure = failure(status, "{}");
            (failure.fault.status.as_u16(), failure.fault.code.to_string(), failure.trigger)
        };
        assert_eq!(seen(401), (502, "upstream_auth".into(), None));
        assert_eq!(seen(307), (502, "upstream_redirect".into(), None));
        for operators in [402, 407, 412] {
            assert_eq!(seen(operators), (502, "upstream_refused".into(), None));
        }
        assert_eq!(seen(408), (504, "upstream_timeout".into(), Some(Trigger::Timeout)));
        assert_eq!(seen(404), (404, "invalid_request".into(), None));
        assert_eq!(seen(429), (429, "rate_limit_exceeded".into(), Some(Trigger::RateLimit)));
        assert_eq!(seen(503), (502, "upstream_failed".into(), Some(Trigger::ServerError)));
    }

    #[test]
    fn what_lasts_is_not_asked_again() {
        let seen = |status, body| {
            let failure = failure(status, body);
            (failure.trigger.is_some(), failure.again)
        };
        assert_eq!(seen(503, "{}"), (true, true));
        assert_eq!(seen(503, r#"{"error":{"code":"DEPLOYMENT_SCALING_UP"}}"#), (true, false));
        assert_eq!(seen(425, "{}"), (true, false));
        assert_eq!(seen(404, r#"{"error":{"code":"NOT_FOUND","message":"no model"}}"#), (true, false));
        assert_eq!(seen(404, r#"{"error":{"param":"model"}}"#), (true, false));
        assert_eq!(seen(404, r#"{"error":{"code":"other"}}"#), (false, false));
        assert_eq!(seen(400, r#"{"error":{"param":"model"}}"#), (false, false));
    }

    #[test]
    fn only_what_speaks_against_a_target_counts_against_it() {
        let went = |status| failure(status, "{}").went;
        for (status, expected) in [
            (500, Went::Badly),
            (425, Went::Badly),
            (401, Went::Badly),
            (429, Went::Unsaid),
            (400, Went::Well),
            (404, Went::Well),
            (422, Went::Well),
        ] {
            assert_eq!(went(status), expected, "{status}");
        }
    }

    #[test]
    fn a_rate_limit_always_says_when_to_come_back() {
        let target = Target::prepare(&kit::target("a", "http://127.0.0.1:9/v1"), None).unwrap();
        let failure = Failure::status(&target, StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), b"{}");
        assert_eq!(failure.fault.retry_after.as_deref(), Some("1"));
    }

    #[test]
    fn the_providers_words_and_its_retry_after_are_kept() {
        let body = r#"{"error":{"message":"no such model","param":"model","code":"NOT_FOUND"}}"#;
        let fault = failure(404, body).fault;
        assert_eq!((&*fault.message, fault.param.as_deref()), ("no such model", Some("model")));
        assert_eq!(fault.code, "NOT_FOUND");
        assert_eq!(failure(429, "{}").fault.retry_after.as_deref(), Some("7"));
    }
}
