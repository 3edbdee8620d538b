//! Tools pass as they are: what a model may call, and what it calls, whole and in pieces.

use serde_json::{Value, json};
use tests::{DONE, Provider, Script, Setup, chunk, event, finish};

fn request(stream: bool) -> Value {
    json!({"model": "m", "stream": stream, "parallel_tool_calls": false,
        "messages": [
            {"role": "user", "content": "weather in Oslo and Rome?"},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", "type": "function",
                "function": {"name": "get_weather", "arguments": "{\"city\": \"Oslo\",\n \"days\": 1.0}"}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "{\"t\": -3.50}"}],
        "tools": [{"type": "function", "function": {"name": "get_weather", "strict": true, "description": "Wetter: é😀",
            "parameters": {"type": "object", "properties": {"city": {"type": "string", "pattern": "^[A-Z]"}},
                "required": ["city"], "additionalProperties": false}}}],
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}}})
}

fn call(id: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "get_weather", "arguments": arguments}})
}

#[test]
fn a_whole_answer_with_calls_and_its_request_pass_unchanged() {
    let message = json!({"role": "assistant", "content": null, "refusal": null,
        "tool_calls": [call("c1", "{\"city\":\"Oslo\"}"), call("c2", "{ \"city\" : \"Rome\" , \"n\": 1e3 }")]});
    let answer = json!({"id": "x", "object": "chat.completion", "model": "real",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]});
    let provider = Provider::always(Script::json(&answer));
    let gateway = Setup::guarded(&provider).here();
    let reply = gateway.chat(&request(false));
    assert_eq!((reply.status, reply.json()), (200, answer));
    assert_eq!(provider.last().json(), request(false));
}

/// The name and the arguments of each call, put together by number. How they are cut may change, since a piece waits where
/// a match may still come of it.
fn called(chunks: &[Value]) -> std::collections::BTreeMap<u64, (String, String)> {
    let mut calls = std::collections::BTreeMap::<u64, (String, String)>::new();
    for call in
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].as_array()).flatten()
    {
        let (name, arguments) = calls.entry(call["index"].as_u64().unwrap()).or_default();
        name.push_str(call["function"]["name"].as_str().unwrap_or_default());
        arguments.push_str(call["function"]["arguments"].as_str().unwrap_or_default());
    }
    calls
}

#[test]
fn calls_in_pieces_say_the_same() {
    let mut first = call("c1", "");
    first["index"] = json!(0);
    let piece = |text: &str| json!({"tool_calls": [{"index": 0, "function": {"arguments": text}}]});
    let mut second = call("c2", "{}");
    second["index"] = json!(1);
    let deltas = [
        json!({"role": "assistant", "content": null}),
        json!({"tool_calls": [first]}),
        piece("{\"ci"),
        piece("ty\":\"Os"),
        piece("lo\"}"),
        json!({"tool_calls": [second]}),
    ];
    let mut chunks: Vec<Value> = deltas.into_iter().map(|delta| chunk(delta, None)).collect();
    chunks.push(finish("tool_calls"));
    let provider = Provider::always(Script::stream(chunks.iter().map(event).collect::<String>() + DONE));
    let gateway = Setup::guarded(&provider).here();
    let reply = gateway.chat(&request(true));
    assert_eq!(called(&reply.chunks()), called(&chunks));
    assert_eq!(reply.chunks().last(), chunks.last());
    let mut sent = request(true);
    sent["stream_options"] = json!({"include_usage": true});
    assert_eq!(provider.last().json(), sent);
}

#[test]
fn the_older_functions_pass_unchanged() {
    let message =
        json!({"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}});
    let answer = json!({"choices": [{"index": 0, "message": message, "finish_reason": "function_call"}]});
    let provider = Provider::always(Script::json(&answer));
    let gateway = Setup::guarded(&provider).here();
    let request = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}],
        "functions": [{"name": "f", "parameters": {"type": "object"}}], "function_call": {"name": "f"}});
    assert_eq!(gateway.chat(&request).json(), answer);
    assert_eq!(provider.last().json(), request);
}
