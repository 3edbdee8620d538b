//! How a stream begins: whether an event says something already, or tells of a failure before anything was said.

use std::borrow::Cow;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::{Fault, json as strict_json, surrogate, upstream_error, upstream_field};
use crate::secret::Secret;
use crate::wire::json::Fields as _;

/// Events of the Responses API that only announce an answer.
const ANNOUNCEMENTS: [&str; 3] = ["response.created", "response.queued", "response.in_progress"];

/// What the first events of a stream say.
#[derive(Debug)]
pub(crate) enum Opening {
    /// Nothing yet.
    Silent,
    /// The answer has begun.
    Begun,
    /// The provider has failed.
    Failed(Box<Fault>),
}

impl Opening {
    /// What one event says, given that those before it said nothing.
    pub(crate) fn of(payload: &[u8], secret: Option<&Secret>) -> Self {
        if payload.trim_ascii() == b"[DONE]" {
            return Opening::Failed(Box::new(broken_off()));
        }
        let shielded = surrogate::shield(payload);
        let event = match strict_json::parse(shielded.as_deref().unwrap_or(payload)) {
            Ok(event) => event,
            Err(flaw) => {
                let message = format!("an event of the provider cannot be read: {flaw}");
                return Opening::Failed(Box::new(Fault::unreadable(message)));
            }
        };
        match failure(&event, secret) {
            Some(fault) => Opening::Failed(Box::new(fault)),
            None if says_something(&event) => Opening::Begun,
            None => Opening::Silent,
        }
    }
}

/// The failure that an answer, or an event before the first word, tells of, if it does.
pub(super) fn failure(document: &Value, secret: Option<&Secret>) -> Option<Fault> {
    let report = reported(document);
    upstream_error(&report, secret).map(|fault| told(fault, &report))
}

/// The stream ended before anything was said.
pub(crate) fn broken_off() -> Fault {
    let message = "the provider's answer broke off before it had begun";
    Fault::upstream(StatusCode::BAD_GATEWAY, "stream_truncated", message)
}

/// The failure with the status that it would have had as a reply, where the provider says enough for that.
fn told(fault: Fault, event: &Value) -> Fault {
    let kind = upstream_field(event, "type").unwrap_or_default();
    if kind.contains("rate_limit") || fault.code.contains("rate_limit") {
        let fault = Fault { status: StatusCode::TOO_MANY_REQUESTS, kind: "rate_limit_error", ..fault };
        return fault.retry_after(Some("1"));
    }
    match kind.as_str() {
        "invalid_request_error" => {
            Fault { status: StatusCode::BAD_REQUEST, kind: "invalid_request_error", ..fault }
        }
        _ => fault,
    }
}

/// The part of an event that may tell of a failure, with `error` in the one place: the Responses API has it in the
/// response that failed, or flat in an event that is nothing but the error.
fn reported(event: &Value) -> Cow<'_, Value> {
    match (kind(event), event.field("response")) {
        (Some("response.failed"), Some(response)) => Cow::Borrowed(response),
        (Some("error"), _) if event.field("error").is_none() => Cow::Owned(json!({ "error": event })),
        _ => Cow::Borrowed(event),
    }
}

fn kind(event: &Value) -> Option<&str> {
    event.field("type").and_then(Value::as_str)
}

fn says_something(event: &Value) -> bool {
    let choices = event.field("choices").and_then(Value::as_array);
    match (choices, kind(event)) {
        (Some(choices), _) => choices.iter().any(has_begun),
        (None, Some(kind)) => !announces(kind, event),
        (None, None) => true, // a shape that nobody knows is judged, not waited out
    }
}

/// Whether an event of the Responses API only tells that something will be said: an answer, a message without content,
/// a part without text.
fn announces(kind: &str, event: &Value) -> bool {
    let at = |place: &str| event.pointer(place);
    match kind {
        "response.output_item.added" => {
            at("/item/type").and_then(Value::as_str) == Some("message")
                && at("/item/content").is_none_or(is_empty)
        }
        "response.content_part.added" => at("/part/text").is_some_and(is_empty),
        kind => ANNOUNCEMENTS.contains(&kind),
    }
}

/// Whether a choice says anything beside who speaks.
fn has_begun(choice: &Value) -> bool {
    let in_delta = match choice.field("delta") {
        None | Some(Value::Null) => !choice.is_object(),
        Some(Value::Object(delta)) => delta.iter().any(|(field, value)| field != "role" && !is_empty(value)),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => true,
    };
    let beside = ["text", "message", "finish_reason"];
    in_delta || beside.iter().any(|field| choice.field(field).is_some_and(|value| !is_empty(value)))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(event: &str) -> String {
        match Opening::of(event.as_bytes(), None) {
            Opening::Silent => "silent".into(),
            Opening::Begun => "begun".into(),
            Opening::Failed(fault) => fault.code.into(),
        }
    }

    #[test]
    fn an_answer_begins_with_what_it_says_and_not_with_who_says_it() {
        for event in [
            r#"{"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
            r#"{"choices":[{"delta":{"role":"assistant","content":null,"tool_calls":[]}}]}"#,
            r#"{"choices":[{"text":"","finish_reason":null}]}"#,
            r#"{"choices":[],"prompt_filter_results":[{"prompt_index":0}]}"#,
            r#"{"type":"response.created","response":{"status":"in_progress"}}"#,
            r#"{"type":"response.output_item.added","item":{"type":"message","content":[]}}"#,
            r#"{"type":"response.content_part.added","part":{"type":"output_text","text":""}}"#,
        ] {
            assert_eq!(says(event), "silent", "{event}");
        }
        for event in [
            r#"{"choices":[{"delta":{"content":"a"}}]}"#,
            r#"{"choices":[{"delta":{}},{"delta":{"reasoning_content":"a"}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
            r#"{"choices":[{"text":"a"}]}"#,
            r#"{"choices":[{"delta":{"content":"half a character: \ud83d"}}]}"#,
            r#"{"type":"response.output_text.delta","delta":"a"}"#,
            r#"{"type":"response.output_item.added","item":{"type":"function_call","name":"f"}}"#,
            r#"{"type":"response.output_item.added","item":"a"}"#,
            r#"{"type":"response.content_part.added","part":{"type":"output_text","text":"a"}}"#,
            r#"{"delta":"a"}"#,
            r#"{"choices":["a"]}"#,
            r#"{"choices":[{"delta":"a"}]}"#,
        ] {
            assert_eq!(says(event), "begun", "{event}");
        }
    }

    #[test]
    fn a_failure_is_told_apart() {
        assert_eq!(says("[DONE]"), "stream_truncated");
        assert_eq!(says("<html>"), "unreadable_answer");
        assert_eq!(says(r#"{"error":{"code":"overloaded","message":"m"}}"#), "overloaded");
        let failed = r#"{"type":"response.failed","response":{"error":{"code":"server_error"}}}"#;
        assert_eq!(says(failed), "server_error");
        let flat = r#"{"type":"error","code":"server_error","message":"m","param":null,"sequence_number":1}"#;
        assert_eq!(says(flat), "server_error");
        let status = |kind: &str| {
            let event = json!({"error": {"type": kind, "message": "m"}}).to_string();
            let Opening::Failed(fault) = Opening::of(event.as_bytes(), None) else { panic!("{event}") };
            (fault.status.as_u16(), fault.kind)
        };
        assert_eq!(status("rate_limit_exceeded"), (429, "rate_limit_error"));
        assert_eq!(status("invalid_request_error"), (400, "invalid_request_error"));
        assert_eq!(status("server_error"), (502, "upstream_error"));
    }
}
