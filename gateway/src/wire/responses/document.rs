//! The whole answer, as it comes alone, and as it comes at the beginning and at the end of a stream.

use engine::run::Session;
use engine::verdict::Flow;
use serde_json::{Map, Value, json};

use super::item;
use super::items::Items;
use crate::wire::stream::Halt;
use crate::wire::strip::{self, is_word};
use crate::wire::{Asked, Fault, json as strict_json};

/// Fields that may pass beside numbers and flags.
const TOP: &[&str] = &[
    "id",
    "object",
    "status",
    "model",
    "output",
    "output_text",
    "usage",
    "error",
    "incomplete_details",
    "previous_response_id",
    "service_tier",
    "truncation",
];

/// Those of them that hold a word of the protocol.
const WORDS: [&str; 4] = ["object", "status", "service_tier", "truncation"];

/// Fields in which an answer repeats its request, and what stands there when the request does not say. A provider may
/// have put other text there, such as that of a stored prompt.
pub(in crate::wire) const REPEATED: &[(&str, &str)] = &[
    ("instructions", "null"),
    ("metadata", "{}"),
    ("prompt", "null"),
    ("prompt_cache_key", "null"),
    ("reasoning", "null"),
    ("safety_identifier", "null"),
    ("text", r#"{"format":{"type":"text"}}"#),
    ("tool_choice", r#""auto""#),
    ("tools", "[]"),
    ("user", "null"),
];

/// Lets the session judge and rewrite every text of a whole answer.
pub(in crate::wire) fn guard(
    document: &mut Value,
    shielded: bool,
    session: &mut Session,
    strict: bool,
    asked: &Asked,
) -> Result<Flow, Fault> {
    if !strict {
        return Ok(Flow::Open);
    }
    strip(document, &asked.repeated)?;
    let mut items = Items::default();
    let places = match items.read_all(session, document, shielded) {
        Ok(places) => places,
        Err(Halt::Stopped) => return Ok(Flow::Stopped),
        Err(Halt::Failed(fault)) => return Err(fault),
    };
    let mut tails = Vec::new();
    if session.end(&mut tails) == Flow::Stopped {
        return Ok(Flow::Stopped);
    }
    tails.iter().for_each(|(channel, tail)| items.release(*channel, tail));
    items.fill_all(document, &places);
    Ok(Flow::Open)
}

/// Takes away what policies could not see or redact, and repeats what was asked as it was sent.
pub(super) fn strip(response: &mut Value, repeated: &Map<String, Value>) -> Result<(), Fault> {
    let Value::Object(fields) = response else {
        return Err(Fault::unreadable("the provider's answer is no object"));
    };
    for (field, otherwise) in REPEATED {
        if let Some(value) = fields.get_mut(*field) {
            let otherwise = || serde_json::from_str(otherwise).unwrap_or_default();
            *value = repeated.get(*field).cloned().unwrap_or_else(otherwise);
        }
    }
    let is_repeated = |field: &str| REPEATED.iter().any(|(known, _)| *known == field);
    strip::unknown(fields, |field| TOP.contains(&field) || is_repeated(field));
    fields.retain(|field, value| match field.as_str() {
        "usage" => value.is_object() || value.is_null(),
        "output" | "output_text" | "incomplete_details" => true,
        field if WORDS.contains(&field) => is_word(value) || value.is_null(),
        field => is_repeated(field) || !value.is_object() && !value.is_array(),
    });
    if let Some(Value::Object(usage)) = fields.get_mut("usage") {
        strip::counts(usage);
    }
    if let Some(details) = fields.get_mut("incomplete_details").filter(|details| !details.is_null()) {
        let reason = details.get("reason").filter(|reason| is_word(reason)).cloned();
        *details = json!({ "reason": reason });
    }
    strip_output(fields)
}

fn strip_output(fields: &mut Map<String, Value>) -> Result<(), Fault> {
    match fields.get_mut("output") {
        Some(Value::Array(output)) => output.iter_mut().try_for_each(item::strip),
        other => {
            let kind = other.map_or("missing", |other| strict_json::kind(other));
            Err(Fault::unreadable(format!("the output of the provider's answer is {kind}")))
        }
    }
}
