//! A chat request, checked and lent to the engine.

use engine::input::{Message, Request, Text, Tool, ToolCall};
use serde_json::{Map, Value};

use super::walk::{Step, is_arguments, role_named, walk};
use crate::wire::Fault;
use crate::wire::json::kind;

/// Longest name of a model or a user: it stands in the audit log and in the provider's bill.
const MAX_NAME: usize = 512;

/// Checks a chat request and lends its strings to the engine; `headers` have names in lower case.
pub fn decode<'a>(document: &'a Value, headers: Vec<(&'a str, &'a str)>) -> Result<Request<'a>, Fault> {
    refuse_routing(document)?;
    refuse_lookalikes(document, "")?;
    let messages = messages(document)?;
    let named_in_header = headers.iter().find(|(name, _)| *name == "x-user-id").map(|(_, value)| *value);
    whole_number(document, "n")?;
    check_length("x-user-id", named_in_header)?;
    let mut request = Request {
        tools: tools(document)?,
        tool_calls: tool_calls(document),
        messages,
        model: name(document, "model")?.ok_or_else(|| missing("model", "the name of a model"))?,
        stream: boolean(document, "stream")?.unwrap_or(false),
        max_tokens: max_tokens(document)?,
        user_id: named_in_header.or(name(document, "user")?),
        headers,
        ..Request::default()
    };
    collect_texts(document, &mut request);
    Ok(request)
}

/// Gathers the texts, and notes for each message which of them are its own.
fn collect_texts<'a>(document: &'a Value, request: &mut Request<'a>) {
    let Request { texts, messages, .. } = request;
    walk(document, |role, value, path| {
        if let [Step::Key("messages"), Step::Item(index), ..] = path
            && let Some(message) = messages.get_mut(*index)
        {
            if message.texts.is_empty() {
                message.texts = texts.len()..texts.len();
            }
            message.texts.end = texts.len() + 1;
        }
        texts.push(Text { role, value, is_json: is_arguments(path) });
    });
}

/// Where a request goes is the operator's decision: fields by which other gateways let clients choose are refused.
fn refuse_routing(document: &Value) -> Result<(), Fault> {
    const FIELDS: [&str; 4] = ["api_base", "base_url", "api_key", "custom_llm_provider"];
    match FIELDS.iter().find(|field| document.get(**field).is_some()) {
        Some(field) => Err(invalid(field, "cannot be chosen by a client; remove it")),
        None => Ok(()),
    }
}

/// `Messages` is no field here, but a provider with a lenient parser may take it for one: what was judged would not
/// be what is read.
fn refuse_lookalikes(object: &Value, path: &str) -> Result<(), Fault> {
    const FIELDS: [&str; 9] = [
        "messages",
        "model",
        "stream",
        "tools",
        "functions",
        "role",
        "content",
        "tool_calls",
        "function_call",
    ];
    let is_lookalike =
        |key: &&String| FIELDS.iter().any(|field| key.as_str() != *field && key.eq_ignore_ascii_case(field));
    match object.as_object().into_iter().flat_map(Map::keys).find(is_lookalike) {
        Some(key) => {
            Err(invalid(&format!("{path}{}", key.to_ascii_lowercase()), "must be written in lower case"))
        }
        None => Ok(()),
    }
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
    refuse_lookalikes(message, &format!("{path}."))?;
    let role_path = format!("{path}.role");
    let role = message.get("role").ok_or_else(|| missing(&role_path, "`system`, `user` or another role"))?;
    let role = role.as_str().ok_or_else(|| wrong(&role_path, "a string", role))?;
    let role = role_named(role).ok_or_else(|| {
        invalid(&role_path, "must be one of `system`, `developer`, `user`, `assistant`, `tool`, `function`")
    })?;
    check_content(message.get("content"), &path)?;
    let name = match message.get("name") {
        None | Some(Value::Null) => None,
        Some(name) => Some(name.as_str().ok_or_else(|| wrong(&format!("{path}.name"), "a string", name))?),
    };
    Ok(Message { role, name, texts: 0..0 })
}

fn check_content(content: Option<&Value>, path: &str) -> Result<(), Fault> {
    let Some(content) = content else { return Ok(()) };
    let parts = match content {
        Value::Null | Value::String(_) => return Ok(()),
        Value::Array(parts) => parts,
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            return Err(wrong(&format!("{path}.content"), "a string, an array of parts or null", content));
        }
    };
    for (index, part) in parts.iter().enumerate() {
        let part_path = format!("{path}.content[{index}]");
        if !part.is_object() {
            return Err(wrong(&part_path, "an object", part));
        }
        if let Some(text) = part.get("text").filter(|text| !text.is_string()) {
            return Err(wrong(&format!("{part_path}.text"), "a string", text));
        }
    }
    Ok(())
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

fn whole_number(document: &Value, field: &str) -> Result<Option<i64>, Fault> {
    match document.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_i64().filter(|n| *n >= 0) {
            Some(n) => Ok(Some(n)),
            None => Err(wrong(field, "a whole number of at least 0", value)),
        },
    }
}

fn string<'a>(document: &'a Value, field: &str) -> Result<Option<&'a str>, Fault> {
    match document.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or_else(|| wrong(field, "a string", value)),
    }
}

fn name<'a>(document: &'a Value, field: &str) -> Result<Option<&'a str>, Fault> {
    let name = string(document, field)?;
    check_length(field, name).map(|()| name)
}

fn check_length(field: &str, name: Option<&str>) -> Result<(), Fault> {
    match name.filter(|name| name.len() > MAX_NAME) {
        Some(_) => Err(invalid(field, &format!("must not be longer than {MAX_NAME} bytes"))),
        None => Ok(()),
    }
}

fn boolean(document: &Value, field: &str) -> Result<Option<bool>, Fault> {
    match document.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_bool().map(Some).ok_or_else(|| wrong(field, "a boolean", value)),
    }
}

fn array<'a>(document: &'a Value, field: &str) -> Result<&'a [Value], Fault> {
    match document.get(field) {
        None | Some(Value::Null) => Ok(&[]),
        Some(value) => value.as_array().map(Vec::as_slice).ok_or_else(|| wrong(field, "an array", value)),
    }
}

fn missing(path: &str, what: &str) -> Fault {
    invalid(path, &format!("is missing; it must be {what}"))
}

fn wrong(path: &str, expected: &str, found: &Value) -> Fault {
    invalid(path, &format!("must be {expected}, not {}", kind(found)))
}

fn invalid(path: &str, problem: &str) -> Fault {
    Fault::invalid(Some(path), format!("`{path}` {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::input::Role;
    use serde_json::json;

    fn param_of(document: &Value) -> String {
        decode(document, Vec::new()).unwrap_err().param.unwrap_or_default().into()
    }

    #[test]
    fn a_request_is_lent_whole() {
        let document = json!({
            "model": "m", "stream": true, "max_tokens": 5, "max_completion_tokens": 7, "user": "ann",
            "messages": [
                {"role": "system", "content": "a"},
                {"role": "assistant", "content": null},
                {"role": "assistant", "content": "b", "tool_calls": [
                    {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}}]}],
            "tools": [{"type": "function", "function": {"name": "f", "description": "d"}}]});
        let request = decode(&document, vec![("x-user-id", "bob")]).unwrap();
        assert_eq!((request.model, request.stream, request.max_tokens), ("m", true, Some(7)));
        assert_eq!(request.user_id, Some("bob"));
        assert_eq!(request.tools, [Tool { name: "f", description: Some("d") }]);
        assert_eq!(request.tool_calls, [ToolCall { name: "f", arguments: "{\"x\":1}" }]);
        let ranges: Vec<_> = request.messages.iter().map(|m| m.texts.clone()).collect();
        assert_eq!(ranges, [1..2, 0..0, 2..6]);
        assert_eq!(request.texts[1].value, "a");
        assert_eq!(request.texts[2], Text::plain(Role::Assistant, "b"));
        assert_eq!(request.texts[5], Text::json(Role::Assistant, "{\"x\":1}"));
    }

    #[test]
    fn arguments_of_earlier_calls_stay_json() {
        let call = |arguments: &str| json!({"name": "f", "arguments": arguments});
        let message = |first: &str, second: &str| {
            json!({"role": "assistant", "content": null, "function_call": call(first),
                "tool_calls": [{"id": "1", "type": "function", "function": call(second)}]})
        };
        let document = |message: Value| json!({"model": "m", "messages": [message]});
        let mut sent = document(message(r#"{"a": "x \u0031\u0032"}"#, r#"{"b": 12, "c": "\n12"}"#));
        let rule = r#"policy p rule r on request { when text has /\b12/ do redact with "\"" }"#;
        let mut session = engine::Session::new(crate::kit::program(rule), || 0);
        let step = session.request(&decode(&sent, Vec::new()).unwrap());
        super::super::redact(&mut sent, &step.edits).unwrap();
        assert_eq!(sent, document(message(r#"{"a": "x \""}"#, r#"{"b": "\"", "c": "\n\""}"#)));
    }

    #[test]
    fn a_wrong_field_is_named_by_its_path() {
        let with = |field: &str, value: Value| {
            let mut document = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
            document[field] = value;
            param_of(&document)
        };
        assert_eq!(with("stream", json!("yes")), "stream");
        assert_eq!(with("model", json!(1)), "model");
        assert_eq!(with("max_tokens", json!(-1)), "max_tokens");
        assert_eq!(with("max_tokens", json!(1.5)), "max_tokens");
        assert_eq!(with("messages", json!([])), "messages");
        assert_eq!(with("messages", json!([1])), "messages[0]");
        assert_eq!(with("messages", json!([{"role": "root", "content": "x"}])), "messages[0].role");
        assert_eq!(with("messages", json!([{"role": "user", "content": 5}])), "messages[0].content");
        assert_eq!(
            with("messages", json!([{"role": "user", "content": [{"text": 5}]}])),
            "messages[0].content[0].text"
        );
        assert_eq!(with("tools", json!({})), "tools");
        assert_eq!(with("n", json!("2")), "n");
        assert_eq!(with("model", json!("m".repeat(513))), "model");
        assert_eq!(with("user", json!("m".repeat(513))), "user");
        let long = "u".repeat(513);
        let document = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
        let fault = decode(&document, vec![("x-user-id", &long)]).unwrap_err();
        assert_eq!(fault.param.as_deref(), Some("x-user-id"));
        assert_eq!(with("api_base", json!("http://evil")), "api_base");
        assert_eq!(param_of(&json!({"messages": [{"role": "user"}]})), "model");
    }

    #[test]
    fn a_field_in_another_case_is_refused() {
        let message = json!({"role": "user", "content": "x"});
        let document = json!({"model": "m", "messages": [message], "Messages": [message]});
        assert_eq!(param_of(&document), "messages");
        let document = json!({"model": "m", "messages": [{"role": "user", "content": "x", "CONTENT": "y"}]});
        assert_eq!(param_of(&document), "messages[0].content");
    }
}
