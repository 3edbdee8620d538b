//! The items of a response's input: messages, calls, results, and the instructions before them.

use engine::input::{Message, Role, Tool, ToolCall};
use serde_json::Value;

use super::Said;
use super::field::{array, boolean, check_content, invalid, missing, refuse_lookalikes, whole_number, wrong};
use super::walk::role_named;
use crate::wire::Fault;
use crate::wire::responses::called;

pub(super) const FIELDS: &[&str] = &[
    "input",
    "instructions",
    "prompt",
    "model",
    "stream",
    "tools",
    "tool_choice",
    "text",
    "type",
    "role",
    "content",
    "output",
    "arguments",
    "summary",
    "background",
];

pub(super) fn read(document: &Value) -> Result<Said<'_>, Fault> {
    if boolean(document, "background")? == Some(true) {
        return Err(invalid("background", "cannot be asked for: the answer could not be fetched here"));
    }
    check_instructions(document)?;
    let mut messages = Vec::new();
    if has_instructions(document) {
        messages.push(Message { role: Role::System, name: None, texts: 0..0 });
    }
    let mut tool_calls = Vec::new();
    match document.get("input") {
        None if document.get("prompt").is_some() => {}
        None => return Err(missing("input", "a string or a list of items")),
        Some(Value::String(_)) => messages.push(Message { role: Role::User, name: None, texts: 0..0 }),
        Some(Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                messages.push(Message { role: check_item(item, index)?, name: None, texts: 0..0 });
                tool_calls.extend(as_call(item));
            }
        }
        Some(other) => return Err(wrong("input", "a string or a list of items", other)),
    }
    let tools = array(document, "tools")?.iter().flat_map(as_tools).collect();
    let tool_choice = document.get("tool_choice").and_then(as_choice);
    Ok(Said {
        messages,
        tools,
        tool_choice,
        tool_calls,
        max_tokens: whole_number(document, "max_output_tokens")?,
    })
}

/// Whether there are instructions; they are the first message.
pub(super) fn has_instructions(document: &Value) -> bool {
    document.get("instructions").is_some_and(|instructions| !instructions.is_null())
}

fn check_instructions(document: &Value) -> Result<(), Fault> {
    match document.get("instructions") {
        None | Some(Value::Null | Value::String(_)) => Ok(()),
        Some(other) => Err(wrong("instructions", "a string", other)),
    }
}

/// Checks an item and says who speaks in it.
fn check_item(item: &Value, index: usize) -> Result<Role, Fault> {
    let path = format!("input[{index}]");
    if !item.is_object() {
        return Err(wrong(&path, "an object", item));
    }
    refuse_lookalikes(item, || format!("{path}."), FIELDS)?;
    for field in ["role", "type"] {
        if let Some(word) = item.get(field).filter(|word| !word.is_string() && !word.is_null()) {
            return Err(wrong(&format!("{path}.{field}"), "a string", word));
        }
    }
    if let Some(role) = item.get("role").and_then(Value::as_str)
        && role_named(role).is_none()
    {
        let problem = "must be one of `system`, `developer`, `user`, `assistant`, `tool`";
        return Err(invalid(&format!("{path}.role"), problem));
    }
    check_content(item.get("content"), || format!("{path}.content"))?;
    Ok(role_of(item))
}

/// Who speaks in an item: its role, or what its type says.
pub(super) fn role_of(item: &Value) -> Role {
    let word = |field: &str| item.get(field).and_then(Value::as_str);
    if let Some(role) = word("role").and_then(role_named) {
        return role;
    }
    match word("type").unwrap_or_default() {
        "mcp_list_tools" => Role::Definition,
        "reasoning" => Role::Assistant,
        kind if kind.ends_with("_output") || kind.ends_with("_response") => Role::Tool,
        kind if kind.ends_with("_call") || kind.ends_with("_request") => Role::Assistant,
        _ => Role::Other,
    }
}

/// A function by its name. A tool that runs at the provider goes by its type: it too is something that a model can do. One
/// that has a name besides goes by both.
fn as_tools(tool: &Value) -> Vec<Tool<'_>> {
    let word = |field: &str| tool.get(field).and_then(Value::as_str);
    let description = word("description").or_else(|| word("server_description"));
    let kind = word("type").filter(|kind| !["function", "custom"].contains(kind));
    let named = word("name").into_iter().chain(kind).map(|name| Tool { name, description });
    let all: Vec<Tool<'_>> = named.collect();
    if all.is_empty() { vec![Tool { name: "", description }] } else { all }
}

/// The tool that the model must call: a function by its name, a tool of the provider's by its type.
fn as_choice(choice: &Value) -> Option<&str> {
    let word = |field: &str| choice.get(field).and_then(Value::as_str);
    match word("type") {
        None | Some("function" | "custom") => word("name"),
        Some("allowed_tools") => None,
        Some(kind) => Some(kind),
    }
}

/// A call that the model has made before, or asks to be allowed. Whatever has arguments is one.
fn as_call(item: &Value) -> Option<ToolCall<'_>> {
    let word = |field: &str| item.get(field).and_then(Value::as_str);
    let name = called(item).or_else(|| word("arguments").map(|_| ""))?;
    let arguments = ["arguments", "input", "code"].into_iter().find_map(word);
    Some(ToolCall { name, arguments: arguments.unwrap_or_default() })
}
