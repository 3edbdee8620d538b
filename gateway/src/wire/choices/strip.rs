//! What of an answer is taken away: fields that repeat its text where it cannot be redacted, or that nobody here knows.

use serde_json::{Map, Value};

use super::calls;
use super::shape::SPOKEN;
use crate::wire::json::Fields as _;
use crate::wire::strip;

/// Fields of an answer or a chunk that may pass beside numbers and flags.
const TOP: [&str; 10] = [
    "id",
    "object",
    "created",
    "model",
    "system_fingerprint",
    "service_tier",
    "usage",
    "perf_metrics",
    "choices",
    "error",
];

/// Those of them that hold counts, in which no text may pass.
const COUNTS: [&str; 2] = ["usage", "perf_metrics"];

/// Whether a `finish_reason` says nothing: some providers write an empty string for null.
pub(super) fn is_no_reason(reason: &Value) -> bool {
    reason.is_null() || reason.as_str() == Some("")
}

/// Longest `finish_reason`.
const MAX_REASON: usize = 32;

/// Fields of a message or a delta that may pass beside its texts.
const PART: [&str; 3] = ["role", "tool_calls", "function_call"];

/// Fields of a choice that may pass; `text` is judged elsewhere.
const CHOICE: [&str; 6] = ["index", "message", "delta", "text", "finish_reason", "logprobs"];

/// Who may speak in an answer.
const ROLES: [&str; 2] = ["assistant", "tool"];

/// Takes away what policies could not see or redact: second copies of the text, and fields that nobody here knows and
/// that may hold text. Says whether there were any. Takes an answer or a chunk.
pub(super) fn strip_copies(document: &mut Value) -> bool {
    let Value::Object(fields) = document else { return false };
    let mut stripped = strip_top(fields);
    for choice in fields.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
        let Value::Object(choice) = choice else { continue };
        stripped |= strip::unknown(choice, |field| CHOICE.contains(&field));
        if let Some(logprobs) = choice.get_mut("logprobs").filter(|value| !value.is_null()) {
            *logprobs = Value::Null;
            stripped = true;
        }
        for part in ["message", "delta"] {
            stripped |= choice.get_mut(part).and_then(Value::as_object_mut).is_some_and(strip_part);
        }
    }
    stripped
}

fn strip_top(fields: &mut Map<String, Value>) -> bool {
    let mut stripped = strip::unknown(fields, |field| TOP.contains(&field));
    let before = fields.len();
    fields.retain(|field, value| field == "choices" || field == "error" || is_flat(field, value));
    stripped |= fields.len() < before;
    for counts in COUNTS {
        stripped |= fields.get_mut(counts).and_then(Value::as_object_mut).is_some_and(strip::counts);
    }
    stripped
}

/// Names and times are single values; counts are objects.
fn is_flat(field: &str, value: &Value) -> bool {
    if COUNTS.contains(&field) {
        return value.is_object() || value.is_null();
    }
    !value.is_object() && !value.is_array()
}

/// Whether a choice is no object, or has a number or a reason that is none: text could pass there.
pub(super) fn is_odd(choice: &Value) -> bool {
    let is_number = |index: &Value| index.as_u64().is_some_and(|index| u32::try_from(index).is_ok());
    let odd_index = choice.field("index").is_some_and(|index| !index.is_null() && !is_number(index));
    let odd_reason =
        choice.field("finish_reason").is_some_and(|reason| !is_no_reason(reason) && !is_reason(reason));
    !choice.is_object() || odd_index || odd_reason
}

fn is_reason(reason: &Value) -> bool {
    let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    reason.as_str().is_some_and(|word| (1..=MAX_REASON).contains(&word.len()) && is_word(word))
}

/// Two spellings of the reasoning at once are one text told twice, unless one of them says nothing.
fn strip_part(part: &mut Map<String, Value>) -> bool {
    let text = |field: &str| part.field(field).and_then(Value::as_str);
    let second = text("reasoning_content").zip(text("reasoning"));
    let second = second.map(|(first, _)| if first.is_empty() { "reasoning_content" } else { "reasoning" });
    let twice = second.is_some_and(|field| part.shift_remove(field).is_some());
    let known = |field: &str| PART.contains(&field) || SPOKEN.iter().any(|(text, _)| *text == field);
    let unknown = strip::unknown(part, known);
    let role = part
        .get_mut("role")
        .filter(|role| !role.is_null() && !role.as_str().is_some_and(|r| ROLES.contains(&r)));
    let odd_role = role.map(|role| *role = "assistant".into()).is_some();
    twice | unknown | odd_role | calls::strip(part)
}

/// What of a chunk the client did not ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Untold {
    /// Nothing.
    Nothing,
    /// A part of it, which is taken away.
    Part,
    /// All of it.
    All,
}

/// Takes away what is in a chunk because the gateway asked for the usage: the chunk of its own, and the `null` in every
/// other. Usage that a provider tells unasked stands beside choices, and stays.
pub(super) fn untell_usage(chunk: &mut Value) -> Untold {
    let has_choices = chunk.field("choices").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    let Some(fields) = chunk.as_object_mut() else { return Untold::Nothing };
    let is_null = match fields.field("usage") {
        None => return Untold::Nothing,
        Some(usage) => usage.is_null(),
    };
    if has_choices && !is_null {
        return Untold::Nothing;
    }
    fields.shift_remove("usage");
    let is_figure = fields.field("perf_metrics").is_some_and(|figures| !figures.is_null());
    if has_choices || is_null || is_figure { Untold::Part } else { Untold::All }
}
#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_nobody_knows_and_may_hold_text_is_dropped() {
        let part = json!({"role": "a secret", "content": "x", "Content": "y", "thinking": "z", "audio": {"t": "z"},
            "annotations": [], "n": 1, "refusal": null, "tool_calls": [{"id": "c", "note": "z"}]});
        let mut answer =
            json!({"choices": [{"index": 0, "message": part, "stop_reason": "z", "finish_reason": "stop"}]});
        assert!(strip_copies(&mut answer));
        let left = json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": "x", "n": 1,
            "refusal": null, "tool_calls": [{"id": "c"}]}, "finish_reason": "stop"}]});
        assert_eq!(answer, left);
        assert!(!strip_copies(&mut answer));
    }
}
