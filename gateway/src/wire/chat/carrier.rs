//! The fields in which an answer carries text, and those that repeat it where it cannot be redacted.

use engine::input::Carrier;
use serde_json::{Map, Value};

/// Fields of a message or a delta that carry text, in the order in which a reader sees them. `reasoning` is how
/// some providers call `reasoning_content`.
pub(super) const TEXTS: [(&str, Carrier); 4] = [
    ("reasoning_content", Carrier::Reasoning),
    ("reasoning", Carrier::Reasoning),
    ("content", Carrier::Content),
    ("refusal", Carrier::Refusal),
];

/// The carriers, each once, in the order in which a reader sees them.
pub(super) const CARRIERS: [Carrier; 3] = [Carrier::Reasoning, Carrier::Content, Carrier::Refusal];

/// Fields that hold the text a second time, as tokens or raw output.
const COPIES: [&str; 6] = [
    "raw_output",
    "token_ids",
    "prompt_token_ids",
    "completion_logprobs",
    "prompt_logprobs",
    "reasoning_details",
];

/// Takes away second copies of the text from an answer or a chunk; says whether there were any.
pub(super) fn strip_copies(document: &mut Value) -> bool {
    let Value::Object(fields) = document else { return false };
    let mut stripped = strip(fields);
    for choice in fields.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
        let Value::Object(choice) = choice else { continue };
        stripped |= strip(choice);
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

fn strip(fields: &mut Map<String, Value>) -> bool {
    let before = fields.len();
    COPIES.iter().for_each(|field| drop(fields.shift_remove(*field)));
    fields.len() < before
}

/// Two spellings of the reasoning at once are one text told twice.
fn strip_part(part: &mut Map<String, Value>) -> bool {
    let is_text = |field: &str| part.get(field).is_some_and(Value::is_string);
    let twice = is_text("reasoning_content") && is_text("reasoning");
    if twice {
        part.shift_remove("reasoning");
    }
    strip(part) || twice
}
