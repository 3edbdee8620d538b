//! The conversation of a chat: messages, the functions on offer, and the calls made so far.

use engine::input::{Message, Tool, ToolCall};
use serde_json::Value;

use super::Said;
use super::field::{array, check_content, invalid, missing, refuse_lookalikes, whole_number, wrong};
use super::walk::role_named;
use crate::wire::Fault;
use crate::wire::json::Fields as _;

pub(super) const FIELDS: &[&str] = &[
    "messages",
    "model",
    "stream",
    "tools",
    "functions",
    "role",
    "content",
    "tool_calls",
    "tool_choice",
    "function_call",
];

pub(super) fn read(document: &Value) -> Result<Said<'_>, Fault> {
    Ok(Said {
        messages: messages(document)?,
        tools: tools(document)?,
        tool_choice: tool_choice(document),
        tool_calls: tool_calls(document),
        max_tokens: max_tokens(document)?,
    })
}

fn messages(document: &Value) -> Result<Vec<Message<'_>>, Fault> {
    let value = document.field("messages").ok_or_else(|| missing("messages", "a list of messages"))?;
    let list = value.as_array().ok_or_else(|| wrong("messages", "an array", value))?;
    if list.is_empty() {
        return Err(invalid("messages", "must hold at least one message"));
    }
    list.iter().enumerate().map(|(index, message)| decode_message(message, index)).collect()
}

fn decode_message(message: &Value, index: usize) -> Result<Message<'_>, Fault> {
    let path = |field: &str| format!("messages[{index}]{field}");
    if !message.is_object() {
        return Err(wrong(&path(""), "an object", message));
    }
    refuse_lookalikes(message, || path("."), FIELDS)?;
    let role =
        message.field("role").ok_or_else(|| missing(&path(".role"), "`system`, `user` or another role"))?;
    let role = role.as_str().ok_or_else(|| wrong(&path(".role"), "a string", role))?;
    let role = role_named(role).ok_or_else(|| {
        let roles = "must be one of `system`, `developer`, `user`, `assistant`, `tool`, `function`";
        invalid(&path(".role"), roles)
    })?;
    check_content(message.field("content"), || path(".content"))?;
    let name = match message.field("name") {
        None | Some(Value::Null) => None,
        Some(name) => Some(name.as_str().ok_or_else(|| wrong(&path(".name"), "a string", name))?),
    };
    Ok(Message { role, name, texts: 0..0 })
}

/// The tools on offer, in the present and in the older spelling.
fn tools(document: &Value) -> Result<Vec<Tool<'_>>, Fault> {
    let mut all: Vec<Tool<'_>> = array(document, "tools")?.iter().flat_map(as_tools).collect();
    all.extend(array(document, "functions")?.iter().map(as_tool));
    let is_asked = |field: &&str| document.field(field).is_some_and(|value| !value.is_null());
    let fields = SWITCHES.iter().filter(|(field, _)| is_asked(field));
    all.extend(fields.map(|(_, name)| Tool { name, description: None }));
    Ok(all)
}

/// Fields that switch on what a provider runs by itself, and the tool that it is.
const SWITCHES: [(&str, &str); 3] =
    [("web_search_options", "web_search"), ("search_parameters", "web_search"), ("plugins", "plugins")];

/// A tool by its name; one that runs at the provider goes by its type. Whichever of two names a provider reads, rules see
/// both.
fn as_tools(tool: &Value) -> Vec<Tool<'_>> {
    let mut named: Vec<Tool<'_>> =
        HOLDERS.iter().filter_map(|holder| tool.field(holder)).map(as_tool).collect();
    let word = |field: &str| tool.field(field).and_then(Value::as_str);
    let kind = word("type").filter(|kind| !HOLDERS.contains(kind));
    named.extend(word("name").into_iter().chain(kind).map(|name| Tool { name, description: None }));
    if named.is_empty() { vec![Tool { name: "", description: None }] } else { named }
}

/// The objects that hold the name of a tool or a call.
const HOLDERS: [&str; 2] = ["function", "custom"];

fn as_tool(function: &Value) -> Tool<'_> {
    let word = |field: &str| function.field(field).and_then(Value::as_str);
    let name = word("name").or(function.as_str());
    Tool { name: name.unwrap_or_default(), description: word("description") }
}

/// The tool that the model must call, in the present and in the older spelling.
fn tool_choice(document: &Value) -> Option<&str> {
    let choice = document.field("tool_choice").filter(|choice| choice.is_object());
    let named = HOLDERS.iter().find_map(|holder| choice?.field(holder)?.field("name")?.as_str());
    named.or_else(|| document.field("function_call")?.field("name")?.as_str())
}

/// The calls in earlier answers of the model.
fn tool_calls(document: &Value) -> Vec<ToolCall<'_>> {
    let messages = document.field("messages").and_then(Value::as_array).into_iter().flatten();
    let calls = messages.flat_map(|message| {
        let calls = message.field("tool_calls").and_then(Value::as_array).into_iter().flatten();
        let older = message.field("function_call").filter(|call| call.is_object());
        calls.flat_map(as_calls).chain(older.map(as_call))
    });
    calls.collect()
}

/// A call by its name; without one it is a call all the same. What stands beside the holder of the name belongs to it, where
/// the holder does not say it itself.
fn as_calls(call: &Value) -> Vec<ToolCall<'_>> {
    let beside = as_call(call);
    let named: Vec<ToolCall<'_>> = HOLDERS
        .iter()
        .filter_map(|holder| call.field(holder))
        .map(|function| {
            let own = as_call(function);
            let name = function.as_str().unwrap_or(own.name);
            ToolCall {
                name: if name.is_empty() { beside.name } else { name },
                arguments: if own.arguments.is_empty() { beside.arguments } else { own.arguments },
            }
        })
        .collect();
    if named.is_empty() { vec![beside] } else { named }
}

fn as_call(function: &Value) -> ToolCall<'_> {
    let word = |field: &str| function.field(field).and_then(Value::as_str);
    ToolCall {
        name: word("name").unwrap_or_default(),
        arguments: word("arguments").or_else(|| word("input")).unwrap_or_default(),
    }
}

fn max_tokens(document: &Value) -> Result<Option<i64>, Fault> {
    // A provider may read either.
    let older = whole_number(document, "max_tokens")?;
    Ok(whole_number(document, "max_completion_tokens")?.max(older))
}
