//! Fields of a request, read one by one; what is wrong with one is told with its path.

use serde_json::{Map, Value};

use crate::wire::Fault;
use crate::wire::json::Fields as _;
use crate::wire::json::kind;

/// Longest name of a model or a user: it stands in the audit log and in the provider's bill.
const MAX_NAME: usize = 512;

pub(super) fn name<'a>(document: &'a Value, field: &str) -> Result<Option<&'a str>, Fault> {
    let name = string(document, field)?;
    check_length(field, name).map(|()| name)
}

pub(super) fn check_length(field: &str, name: Option<&str>) -> Result<(), Fault> {
    match name.filter(|name| name.len() > MAX_NAME) {
        Some(_) => Err(invalid(field, &format!("must not be longer than {MAX_NAME} bytes"))),
        None => Ok(()),
    }
}

pub(super) fn string<'a>(document: &'a Value, field: &str) -> Result<Option<&'a str>, Fault> {
    match document.field(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or_else(|| wrong(field, "a string", value)),
    }
}

pub(super) fn boolean(document: &Value, field: &str) -> Result<Option<bool>, Fault> {
    match document.field(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_bool().map(Some).ok_or_else(|| wrong(field, "a boolean", value)),
    }
}

pub(super) fn whole_number(document: &Value, field: &str) -> Result<Option<i64>, Fault> {
    match document.field(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_i64().filter(|n| *n >= 0) {
            Some(n) => Ok(Some(n)),
            None if value.is_number() => Err(invalid(field, "must be a whole number of at least 0")),
            None => Err(wrong(field, "a whole number of at least 0", value)),
        },
    }
}

pub(super) fn array<'a>(document: &'a Value, field: &str) -> Result<&'a [Value], Fault> {
    match document.field(field) {
        None | Some(Value::Null) => Ok(&[]),
        Some(value) => value.as_array().map(Vec::as_slice).ok_or_else(|| wrong(field, "an array", value)),
    }
}

/// `Messages` is no field here, but a provider with a lenient parser may take it for one: what was judged would not
/// be what is read.
pub(super) fn refuse_lookalikes(
    object: &Value,
    path: impl Fn() -> String,
    fields: &[&str],
) -> Result<(), Fault> {
    let is_lookalike =
        |key: &&String| fields.iter().any(|field| key.as_str() != *field && key.eq_ignore_ascii_case(field));
    match object.as_object().into_iter().flat_map(Map::keys).find(is_lookalike) {
        Some(key) => {
            Err(invalid(&(path() + key.to_ascii_lowercase().as_str()), "must be written in lower case"))
        }
        None => Ok(()),
    }
}

/// A content is a text, a list of parts whose texts are texts, or nothing.
pub(super) fn check_content(content: Option<&Value>, path: impl Fn() -> String) -> Result<(), Fault> {
    let Some(content) = content else { return Ok(()) };
    let parts = match content {
        Value::Null | Value::String(_) => return Ok(()),
        Value::Array(parts) => parts,
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            return Err(wrong(&path(), "a string, an array of parts or null", content));
        }
    };
    for (index, part) in parts.iter().enumerate() {
        let part_path = || format!("{}[{index}]", path());
        if !part.is_object() {
            return Err(wrong(&part_path(), "an object", part));
        }
        if let Some(text) = part.field("text").filter(|text| !text.is_string()) {
            return Err(wrong(&(part_path() + ".text"), "a string", text));
        }
    }
    Ok(())
}

pub(super) fn missing(path: &str, what: &str) -> Fault {
    invalid(path, &format!("is missing; it must be {what}"))
}

pub(super) fn wrong(path: &str, expected: &str, found: &Value) -> Fault {
    invalid(path, &format!("must be {expected}, not {}", kind(found)))
}

pub(super) fn invalid(path: &str, problem: &str) -> Fault {
    Fault::invalid(Some(path), format!("`{path}` {problem}"))
}
