//! Requests that are items: what policies read of them, who speaks in them, and what is refused.

use serde_json::{Value, json};
use tests::{Form, Provider, Script, Setup};

use crate::record;

const SECRET: &str = "ann@example.com";

#[test]
fn every_string_of_a_request_is_redacted_wherever_it_stands() {
    let provider = Provider::always(Script::json(&Form::Response.whole("ok")));
    let gateway = Setup::guarded(&provider).here();
    let s = SECRET;
    let request = json!({"model": "m", "instructions": s, "user": s, "metadata": {"k": s, s: 1}, "unknown": [[{"deep": s}]],
        "prompt": {"id": "p", "version": "1", "variables": {"name": s, "more": {"type": "input_text", "text": s}}},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"properties": {"a": {"enum": [s]}}}}},
        "tools": [{"type": "function", "name": "f", "description": s, "parameters": {"properties": {"a": {"default": s}}}},
            {"type": "mcp", "server_label": s, "server_url": format!("https://x.example/{s}"), "headers": {"a": s}}],
        "tool_choice": {"type": "function", "name": s}, "include": [s], "previous_response_id": s, "conversation": {"id": s},
        "input": [
            {"role": "developer", "content": s},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": s},
                {"type": "input_image", "image_url": format!("https://x.example/{s}"), "detail": "auto"},
                {"type": "input_file", "filename": s, "file_url": s, "file_data": s}]},
            {"type": "message", "role": "assistant", "id": s, "content": [
                {"type": "output_text", "text": s, "annotations": [{"title": s}]}, {"type": "refusal", "refusal": s}]},
            {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": s}],
                "content": [{"type": "reasoning_text", "text": s}], "encrypted_content": s},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": format!("{{\"to\":\"{s}\"}}")},
            {"type": "function_call_output", "call_id": "c", "output": s},
            {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": s}]},
            {"type": "web_search_call", "action": {"query": s}},
            {"type": "mcp_call", "arguments": s, "output": s, "error": s},
            {"type": "code_interpreter_call", "code": s, "outputs": [{"logs": s}]},
            {"type": "item_reference", "id": s},
            {"type": "new", "whatever": {s: s}}]});
    let reply = gateway.call("/v1/responses", &request);
    assert_eq!(reply.status, 200, "{}", reply.body);
    let sent = String::from_utf8(provider.last().body).unwrap();
    assert!(!sent.contains(s), "{sent}");
    assert_eq!(sent.matches("[EMAIL]").count(), request.to_string().matches(s).count());
}

#[test]
fn rules_know_who_speaks_in_an_item() {
    let roles = [
        ("system.text", json!({"input": "x", "instructions": "NEEDLE"})),
        ("system.text", json!({"input": [{"role": "developer", "content": "NEEDLE"}]})),
        ("user.text", json!({"input": "NEEDLE"})),
        (
            "user.text",
            json!({"input": [{"role": "user", "content": [{"type": "input_text", "text": "NEEDLE"}]}]}),
        ),
        (
            "assistant.text",
            json!({"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "NEEDLE"}]}),
        ),
        (
            "assistant.text",
            json!({"input": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "NEEDLE"}]}]}),
        ),
        (
            "tool.text",
            json!({"input": [{"type": "function_call_output", "call_id": "c", "output": "NEEDLE"}]}),
        ),
        ("tool.text", json!({"input": [{"type": "mcp_call", "name": "f", "output": "NEEDLE"}]})),
        (
            "tool.text",
            json!({"input": [{"type": "computer_call_output", "output": {"type": "x", "image_url": "NEEDLE"}}]}),
        ),
    ];
    let provider = Provider::always(Script::json(&Form::Response.whole("ok")));
    for (scope, request) in roles {
        for other in ["system.text", "user.text", "assistant.text", "tool.text"] {
            let rules = format!("policy p\nrule r on request {{ when {other} has \"NEEDLE\" do block }}");
            let gateway = Setup::over(&provider).rules("p", &rules).here();
            let mut request = request.clone();
            request["model"] = json!("m");
            let status = gateway.call("/v1/responses", &request).status;
            assert_eq!(status == 409, scope == other, "{other} in {request}");
        }
    }
}

#[test]
fn tools_are_known_by_their_names_and_those_of_the_provider_by_their_types() {
    let provider = Provider::always(Script::json(&Form::Response.whole("ok")));
    let rules = "policy p\nrule r on request { when any tool in tools: tool.name in [\"bad\", \"web_search\"] do block }\n\
        rule c on request { when any call in tool_calls: call.name == \"worse\" do block }";
    let gateway = Setup::over(&provider).rules("p", rules).here();
    let ask = |field: &str, value: Value| {
        let mut request = json!({"model": "m", "input": "x"});
        request[field] = value;
        gateway.call("/v1/responses", &request)
    };
    for (field, value, status) in [
        ("tools", json!([{"type": "function", "name": "good"}]), 200),
        ("tools", json!([{"type": "function", "name": "bad"}]), 409),
        ("tools", json!([{"type": "web_search"}]), 409),
        (
            "input",
            json!([{"type": "function_call", "call_id": "c", "name": "worse", "arguments": "{}"}]),
            409,
        ),
        ("input", json!([{"type": "custom_tool_call", "call_id": "c", "name": "worse", "input": "x"}]), 409),
        ("input", json!([{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}]), 200),
    ] {
        let reply = ask(field, value.clone());
        assert_eq!(reply.status, status, "{value}: {}", reply.body);
    }
}

#[test]
fn a_field_of_the_wrong_shape_is_named() {
    let provider = Provider::always(Script::default());
    let gateway = Setup::guarded(&provider).here();
    for (request, place) in [
        (json!({"model": "m"}), "input"),
        (json!({"input": "x"}), "model"),
        (json!({"model": "m", "input": 5}), "input"),
        (json!({"model": "m", "input": ["x"]}), "input[0]"),
        (json!({"model": "m", "input": [{"role": "root", "content": "x"}]}), "input[0].role"),
        (json!({"model": "m", "input": [{"role": "user", "content": 5}]}), "input[0].content"),
        (json!({"model": "m", "input": [{"role": "user", "content": [5]}]}), "input[0].content[0]"),
        (json!({"model": "m", "input": [{"role": "user", "Content": "x"}]}), "input[0].content"),
        (json!({"model": "m", "input": [{"type": 1}]}), "input[0].type"),
        (json!({"model": "m", "input": "x", "Input": "y"}), "input"),
        (json!({"model": "m", "input": "x", "instructions": ["y"]}), "instructions"),
        (json!({"model": "m", "input": "x", "background": true}), "background"),
        (json!({"model": "m", "input": "x", "max_output_tokens": "y"}), "max_output_tokens"),
        (json!({"model": "m", "input": "x", "tools": {}}), "tools"),
        (json!({"model": "m", "input": "x", "api_key": "y"}), "api_key"),
    ] {
        let reply = gateway.call("/v1/responses", &request);
        let error = reply.error().unwrap();
        assert_eq!((reply.status, error["param"].as_str()), (400, Some(place)), "{request}");
    }
    assert_eq!(provider.connections(), 0);
    gateway.stop().iter().for_each(|one| record::check(one, "refused", 400));
}
