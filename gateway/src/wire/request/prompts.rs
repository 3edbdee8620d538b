//! Prompts without a conversation: what completions continue, and what embeddings stand for.

use engine::input::{Message, Role};
use serde_json::Value;

use super::Said;
use super::field::{boolean, invalid, missing, string, whole_number, wrong};
use crate::wire::Fault;

pub(super) const FIELDS: &[&str] = &["prompt", "suffix", "input", "model", "stream", "n"];

/// The most prompts of one request; providers stop at 2048.
const MAX_PROMPTS: usize = 4096;

/// A completion: a prompt may be missing, which asks for a text out of nothing.
pub(super) fn read_completion(document: &Value) -> Result<Said<'_>, Fault> {
    string(document, "suffix")?;
    let prompts = match document.get("prompt") {
        None | Some(Value::Null) => 0,
        Some(prompt) => check(prompt, "prompt")?,
    };
    Ok(Said {
        messages: messages(prompts),
        max_tokens: whole_number(document, "max_tokens")?,
        ..Said::default()
    })
}

/// An embedding: its answer is numbers, and comes whole.
pub(super) fn read_embedding(document: &Value) -> Result<Said<'_>, Fault> {
    let input = document.get("input").ok_or_else(|| missing("input", "a string or a list of strings"))?;
    let inputs = check(input, "input")?;
    if boolean(document, "stream")? == Some(true) {
        return Err(invalid("stream", "cannot be asked of embeddings; remove it"));
    }
    Ok(Said { messages: messages(inputs), ..Said::default() })
}

/// Every prompt is what a user says.
fn messages<'a>(prompts: usize) -> Vec<Message<'a>> {
    (0..prompts).map(|_| Message { role: Role::User, name: None, texts: 0..0 }).collect()
}

/// How many prompts there are, if they are well written: a text or several, or token ids of a text or of several.
fn check(value: &Value, field: &str) -> Result<usize, Fault> {
    let expected = "a string, a list of strings, or token ids";
    let list = match value {
        Value::String(_) => return Ok(1),
        Value::Array(list) => list,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            return Err(wrong(field, expected, value));
        }
    };
    if list.is_empty() {
        return Err(invalid(field, "must hold at least one text"));
    }
    let ids =
        |value: &Value| value.as_array().is_some_and(|ids| !ids.is_empty() && ids.iter().all(Value::is_u64));
    if ids(value) {
        return Ok(1);
    }
    if list.len() > MAX_PROMPTS {
        return Err(invalid(field, &format!("must not hold more than {MAX_PROMPTS} texts")));
    }
    let odd = match list.first() {
        Some(Value::String(_)) => list.iter().position(|item| !item.is_string()),
        _ => list.iter().position(|item| !ids(item)),
    };
    match odd.and_then(|index| Some((index, list.get(index)?))) {
        Some((index, item)) => Err(wrong(&format!("{field}[{index}]"), "of one kind with the others", item)),
        None => Ok(list.len()),
    }
}

/// Whether a prompt that is well written holds numbers in place of a text.
pub(super) fn has_token_ids(value: &Value) -> bool {
    value.as_array().is_some_and(|list| list.iter().any(|item| !item.is_string()))
}

/// How many prompts a completion has; one that has none is answered like one.
pub(super) fn count(document: &Value) -> usize {
    document.get("prompt").and_then(|prompt| check(prompt, "prompt").ok()).unwrap_or(1)
}
