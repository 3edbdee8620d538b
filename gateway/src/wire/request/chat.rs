//! The conversation of a chat: messages, the functions on offer, and the calls made so far.

use engine::input::{Message, Tool, ToolCall};
use serde_json::Value;

use super::Said;
use super::field::{array, check_content, invalid, missing, refuse_lookalikes, whole_number, wrong};
use super::walk::role_named;
use crate::wire::Fault;

pub(super) const FIELDS: &[&str] =
    &["messages", "model", "stream", "tools", "functions", "role", "content", "tool_calls", "function_call"];

pub(super) fn read(document: &Value) -> Result<Said<'_>, Fault> {
    Ok(Said {
        messages: messages(document)?,
        tools: tools(document)?,
        tool_calls: tool_calls(document),
        max_tokens: max_tokens(document)?,
    })
}

fn messages(document: &Value) -> Result<Vec<Message<'_>>, Fault> {
    let value = document.get("messages").ok_or_else(|| missing("messages", "a list of messages"))?;
    let list = value.as_array().ok_or_else(|| wrong("messages", "an array", value))?;
    if list.is_empty() {
        return Err(invalid("messages", "must hold at least one message"));
    }
    list.iter().enumerate().map(|(index, message)| decode_message(message, index)).collect()
}

fn decode_message(message: &Value, index: usize) -> Result<Message<'_>, Fault> {
    let path = format!("messages[{index}]");
    if !message.is_object() {
        return Err(wrong(&path, "an object", message));
    }
    refuse_lookalikes(message, &format!("{path}."), FIELDS)?;
    let role_path = format!("{path}.role");
    let role = message.get("role").ok_or_else(|| missing(&role_path, "`system`, `user` or another role"))?;
    let role = role.as_str().ok_or_else(|| wrong(&role_path, "a string", role))?;
    let role = role_named(role).ok_or_else(|| {
        invalid(&role_path, "must be one of `system`, `developer`, `user`, `assistant`, `tool`, `function`")
    })?;
    check_content(message.get("content"), &format!("{path}.content"))?;
    let name = match message.get("name") {
        None | Some(Value::Null) => None,
        Some(name) => Some(name.as_str().ok_or_else(|| wrong(&format!("{path}.name"), "a string", name))?),
    };
    Ok(Message { role, name, texts: 0..0 })
}

/// The functions on offer, in the present and in the older spelling.
fn tools(document: &Value) -> Result<Vec<Tool<'_>>, Fault> {
    let mut all = Vec::new();
    for tool in array(document, "tools")? {
        all.extend(tool.get("function").or_else(|| tool.get("custom")).and_then(as_tool));
    }
    all.extend(array(document, "functions")?.iter().filter_map(as_tool));
    Ok(all)
}

fn as_tool(function: &Value) -> Option<Tool<'_>> {
    let name = function.get("name")?.as_str()?;
    Some(Tool { name, description: function.get("description").and_then(Value::as_str) })
}

/// The calls in earlier answers of the model.
fn tool_calls(document: &Value) -> Vec<ToolCall<'_>> {
    let messages = document.get("messages").and_then(Value::as_array).into_iter().flatten();
    let functions = messages.flat_map(|message| {
        let calls = message.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
        calls.filter_map(|call| call.get("function")).chain(message.get("function_call"))
    });
    functions.filter_map(as_call).collect()
}

fn as_call(function: &Value) -> Option<ToolCall<'_>> {
    let arguments = function.get("arguments").and_then(Value::as_str).unwrap_or_default();
    Some(ToolCall { name: function.get("name")?.as_str()?, arguments })
}

fn max_tokens(document: &Value) -> Result<Option<i64>, Fault> {
    let older = whole_number(document, "max_tokens")?;
    Ok(whole_number(document, "max_completion_tokens")?.or(older))
}
