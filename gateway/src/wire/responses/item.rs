//! One item of an answer: what of it may pass, and where its texts stand.

use serde_json::{Map, Value, json};

use super::kind::{Kind, LISTS};
use crate::wire::strip::{self, is_word};
use crate::wire::{Fault, json as strict_json};

/// Fields of messages and reasoning that may pass.
const SPEAKING: &[&str] = &["id", "type", "role", "status", "phase", "content", "summary"];

/// Fields of calls that may pass.
const CALLING: &[&str] = &["id", "type", "status", "call_id", "name", "arguments", "input"];

/// Fields of any other item, of which nothing is judged.
const OTHER: &[&str] = &["id", "type", "status"];

/// Fields that hold a word of the protocol.
const WORDS: [&str; 4] = ["type", "role", "status", "phase"];

/// Takes away what policies could not see or redact: second copies of the texts, and whatever nobody here knows and may
/// hold text.
pub(super) fn strip(item: &mut Value) -> Result<(), Fault> {
    let Value::Object(fields) = item else { return Err(odd("an item", item)) };
    let known = match fields.get("type").and_then(Value::as_str) {
        Some("message" | "reasoning") => SPEAKING,
        Some("function_call" | "custom_tool_call") => CALLING,
        _ => OTHER,
    };
    strip::unknown(fields, |field| known.contains(&field));
    if let Some(arguments) = fields.get_mut(Kind::Arguments.field()).filter(|arguments| arguments.is_object())
    {
        *arguments = Value::String(arguments.to_string());
    }
    fields.retain(|field, value| LISTS.contains(&field.as_str()) || is_flat(field, value));
    for list in LISTS {
        match fields.get_mut(list) {
            None | Some(Value::Null) => {}
            Some(Value::Array(parts)) => parts.iter_mut().try_for_each(|part| strip_part(list, part))?,
            Some(other) => return Err(odd(&format!("`{list}` of an item"), other)),
        }
    }
    Ok(())
}

/// The same for a part of one of an item's lists.
pub(super) fn strip_part(list: &str, part: &mut Value) -> Result<(), Fault> {
    let kind = Kind::of_part(list, part);
    let Value::Object(fields) = part else { return Err(odd("a part of an item", part)) };
    empty_copies(fields);
    let is_text = |field: &str| kind.is_some_and(|kind| kind.field() == field);
    let is_copy = |field: &str| COPIES.contains(&field);
    strip::unknown(fields, |field| field == "type" || is_text(field) || is_copy(field));
    fields.retain(|field, value| is_text(field) || is_copy(field) || is_flat(field, value));
    Ok(())
}

/// Lists that quote the text beside it. SDKs rely on them to be there.
pub(super) const COPIES: [&str; 2] = ["annotations", "logprobs"];

/// Leaves the lists that quote the text empty.
pub(super) fn empty_copies(fields: &mut Map<String, Value>) {
    for copies in COPIES {
        if let Some(copies) = fields.get_mut(copies) {
            *copies = json!([]);
        }
    }
}

/// Whether a value is no list and no object, and a word where one belongs.
pub(super) fn is_flat(field: &str, value: &Value) -> bool {
    let is_odd_word = WORDS.contains(&field) && value.is_string() && !is_word(value);
    !value.is_object() && !value.is_array() && !is_odd_word
}

/// The tool that an item calls, if it calls one, in an answer and in what a request shows of earlier ones. A tool of the
/// provider's own goes by its type, as where a request offers it, whatever it is called besides. To ask whether a tool may be
/// called, and to say that it may, is as good as a call: nothing else of it may come this way.
pub(crate) fn called(item: &Value) -> Option<&str> {
    match item.get("type")?.as_str()? {
        "function_call" | "custom_tool_call" => {
            Some(item.get("name").and_then(Value::as_str).unwrap_or_default())
        }
        "mcp_approval_request" => Some("mcp"),
        "mcp_approval_response" => (item.get("approve") != Some(&Value::Bool(false))).then_some("mcp"),
        kind => kind.strip_suffix("_call"),
    }
}

/// Calls `each` with the kind, the place and the text of every part of an item that has one, and of the item itself.
pub(super) fn each_text<E: From<Fault>>(
    item: &mut Value,
    mut each: impl FnMut(Kind, usize, &mut String) -> Result<(), E>,
) -> Result<(), E> {
    if let Some(kind) = Kind::of_item(item)
        && let Some(text) = text_of(item, kind.field())?
    {
        each(kind, 0, text)?;
    }
    for list in LISTS {
        let parts = item.get_mut(list).and_then(Value::as_array_mut);
        for (position, part) in parts.into_iter().flatten().enumerate() {
            let Some(kind) = Kind::of_part(list, part) else { continue };
            if let Some(text) = text_of(part, kind.field())? {
                each(kind, position, text)?;
            }
        }
    }
    Ok(())
}

/// The text in a field of a part or an event, if there is one.
pub(super) fn text_of<'v>(holder: &'v mut Value, field: &str) -> Result<Option<&'v mut String>, Fault> {
    match holder.get_mut(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(odd(&format!("`{field}`"), other)),
    }
}

/// Puts a value into a field of an object.
pub(super) fn put(holder: &mut Value, field: &str, value: Value) {
    if let Value::Object(fields) = holder {
        fields.insert(field.to_owned(), value);
    }
}

fn odd(what: &str, found: &Value) -> Fault {
    let kind = strict_json::kind(found);
    Fault::unreadable(format!("{what} of the provider's answer is {kind}"))
}
