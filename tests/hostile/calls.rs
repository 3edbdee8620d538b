//! Calls that are written oddly: without a name, without a type, or with their arguments elsewhere. Rules on calls see them, and
//! what they are called with, as a provider may.

use serde_json::{Value, json};
use tests::{Form, Provider, Script, Setup};

use crate::watch::start;
use crate::{CANARY, CHAT};

const RULES: &str = "policy calls\n\
    rule arguments on request { when any call in tool_calls: call.arguments has \"rm -rf\" do block code \"calls.arguments\" }\n\
    rule counted on request { when conversation.calls > 1 do block code \"calls.count\" }";

fn chat(call: Value) -> (&'static str, Value) {
    let messages = json!([{"role": "user", "content": CANARY}, {"role": "assistant", "tool_calls": [call]}]);
    (CHAT, json!({"model": "m", "messages": messages}))
}

fn item(item: Value) -> (&'static str, Value) {
    ("/v1/responses", json!({"model": "m", "input": [{"role": "user", "content": CANARY}, item]}))
}

fn odd(arguments: &str) -> Vec<(&'static str, Value)> {
    let older = json!([{"role": "assistant", "content": null, "function_call": {"arguments": arguments}}]);
    vec![
        chat(json!({"id": "i", "type": "function", "function": {"name": "f", "arguments": arguments}})),
        chat(json!({"id": "i", "type": "function", "function": {"arguments": arguments}})),
        chat(json!({"id": "i", "type": "function", "arguments": arguments})),
        chat(json!({"id": "i", "function": "f", "arguments": arguments})),
        chat(json!({"function": {"name": "f"}, "arguments": arguments})),
        chat(json!({"type": "custom", "custom": {"input": arguments}})),
        (CHAT, json!({"model": "m", "messages": older})),
        item(json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": arguments})),
        item(json!({"type": "function_call", "call_id": "c", "arguments": arguments})),
        item(json!({"call_id": "c", "name": "f", "arguments": arguments})),
        item(json!({"arguments": arguments})),
        item(json!({"type": "function_call", "arguments": null, "input": arguments})),
        item(json!({"type": "custom_tool_call", "call_id": "c", "input": arguments})),
        item(json!({"type": "mcp_call", "arguments": arguments})),
        item(json!({"type": "mcp_approval_request", "name": "n", "arguments": arguments})),
        item(json!({"type": "code_interpreter_call", "code": arguments})),
    ]
}

#[test]
fn arguments_of_calls_are_seen_however_a_call_is_written() {
    let provider = Provider::always(Script::default());
    let gateway = start(&Setup::over(&provider).rules("calls", RULES));
    for (path, request) in odd("{\"command\": \"rm -rf /\"}") {
        let reply = gateway.call(path, &request);
        assert_eq!(reply.status, 409, "{request}: {}", reply.body);
        assert_eq!(reply.error().unwrap()["reason_code"], "calls.arguments", "{request}");
    }
    assert_eq!(provider.connections(), 0);
    for (path, request) in odd("{\"command\": \"ls\"}") {
        provider.now(Script::json(&if path == CHAT {
            Form::Chat.whole("ok")
        } else {
            Form::Response.whole("ok")
        }));
        assert_eq!(gateway.call(path, &request).status, 200, "one call is no more than one: {request}");
    }
    gateway.stop();
}
