//! The tools that a model is offered and calls: nothing of a call that is not allowed reaches the client.

use serde_json::{Value, json};
use tests::form::response;
use tests::{DONE, Form, Gateway, Provider, Reply, Script, Setup, Told, chunk, event, finish};

fn guarded(provider: &Provider) -> Gateway {
    Setup::over(provider)
        .kind("agent-firewall")
        .block("policy: {agent-firewall: {blocked_tools: [\"shell_*\"], tools: {roles: {support: {}, guest: {denied: [\"get_*\"]}}}}}")
        .here()
}

fn post(gateway: &Gateway, role: &str, body: &Value) -> Reply {
    gateway.post(&format!("x-user-role: {role}\r\n"), body.to_string())
}

fn question(stream: bool) -> Value {
    json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "hi"}]})
}

fn with(field: &str, value: Value) -> Value {
    let mut body = question(false);
    body[field] = value;
    body
}

fn function(name: &str, arguments: &str) -> Value {
    json!({"index": 0, "id": "c", "type": "function", "function": {"name": name, "arguments": arguments}})
}

/// A stream of these deltas.
fn stream(deltas: &[Value]) -> Script {
    let deltas = deltas.iter().map(|delta| event(&chunk(delta.clone(), None)));
    Script::stream(deltas.collect::<String>() + &*event(&finish("tool_calls")) + DONE)
}

fn calling(call: Value) -> Value {
    json!({"tool_calls": [call]})
}

#[test]
fn what_is_not_allowed_cannot_be_offered_nor_forced_nor_have_been_called() {
    let provider = Provider::always(Script::answer("fine"));
    let gateway = guarded(&provider);
    let called = |call: Value| json!([{"role": "user", "content": "hi"}, {"role": "assistant", "content": null, "tool_calls": [call]}]);
    let named = |name: &str| json!({"name": name});
    for (field, value, rule) in [
        ("tools", json!([{"type": "function", "function": named("shell_run")}]), "offered"),
        ("tools", json!([{"type": "custom", "custom": named("shell_run")}]), "offered"),
        (
            "tools",
            json!([{"type": "function", "function": named("ok"), "custom": named("shell_run")}]),
            "offered",
        ),
        ("tools", json!([{"type": "shell_run"}]), "offered"),
        ("tools", json!([{"type": "shell_run", "function": named("ok")}]), "offered"),
        ("tools", json!([{"type": "shell_run", "name": "ok"}]), "offered"),
        ("functions", json!([named("shell_run")]), "offered"),
        ("tool_choice", json!({"type": "function", "function": named("shell_run")}), "forced"),
        ("tool_choice", json!({"type": "custom", "custom": named("shell_run")}), "forced"),
        ("function_call", named("shell_run"), "forced"),
        (
            "messages",
            called(
                json!({"id": "c", "type": "function", "function": {"name": "shell_run", "arguments": "{}"}}),
            ),
            "called",
        ),
        (
            "messages",
            called(json!({"id": "c", "type": "custom", "custom": {"name": "shell_run", "input": ""}})),
            "called",
        ),
    ] {
        let reply = post(&gateway, "support", &with(field, value.clone()));
        assert_eq!((reply.status, reply.code().as_str()), (409, "input_blocked"), "{value}");
        assert_eq!(reply.error().unwrap()["rule"], rule, "{value}");
        let allowed: Value =
            serde_json::from_str(&value.to_string().replace("shell_run", "get_time")).unwrap();
        assert_eq!(post(&gateway, "support", &with(field, allowed.clone())).status, 200, "{allowed}");
        assert_eq!(post(&gateway, "guest", &with(field, allowed.clone())).status, 409, "{allowed}");
        assert_eq!(post(&gateway, "nobody", &with(field, allowed)).status, 409);
    }
    assert_eq!(post(&gateway, "nobody", &with("tool_choice", json!("auto"))).status, 200);
}

#[test]
fn a_field_that_switches_a_tool_on_offers_it() {
    let provider = Provider::always(Script::answer("fine"));
    let allowed = "policy: {agent-firewall: {allowed_tools: [\"get_*\"]}}";
    let gateway = Setup::over(&provider).kind("agent-firewall").block(allowed).here();
    for field in ["web_search_options", "search_parameters", "plugins"] {
        assert_eq!(gateway.chat(&with(field, json!({}))).code(), "input_blocked", "{field}");
        assert_eq!(gateway.chat(&with(field, Value::Null)).status, 200, "{field}");
    }
}

#[test]
fn a_whole_answer_with_a_forbidden_call_is_blocked() {
    let message = |name: &str| {
        json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "get_time", "arguments": "{}"}},
        {"id": "b", "type": "function", "function": {"name": name}}]})
    };
    let answer = |name: &str| json!({"choices": [{"index": 0, "message": message(name), "finish_reason": "tool_calls"}]});
    let provider = Provider::always(Script::json(&answer("shell_run")));
    let gateway = guarded(&provider);
    let reply = post(&gateway, "support", &question(false));
    assert_eq!((reply.status, reply.code().as_str()), (409, "output_blocked"), "{}", reply.body);
    assert_eq!(reply.error().unwrap()["reason_code"], "agent_firewall.tool_denied");
    provider.now(Script::json(&answer("get_date")));
    let reply = post(&gateway, "support", &question(false));
    assert_eq!(reply.json()["choices"][0]["message"], message("get_date"), "{}", reply.body);
}

/// The name and the arguments of the calls of a stream, put together as SDKs do.
fn said(reply: &Reply) -> (String, String) {
    let (mut name, mut arguments) = (String::new(), String::new());
    for chunk in reply.chunks() {
        let delta = &chunk["choices"][0]["delta"];
        let calls = delta["tool_calls"].as_array().into_iter().flatten();
        let holders = calls.map(|call| &call["function"]).chain(delta.get("function_call"));
        for holder in holders {
            name.push_str(holder["name"].as_str().unwrap_or_default());
            arguments.push_str(holder["arguments"].as_str().unwrap_or_default());
        }
    }
    (name, arguments)
}

#[test]
fn no_byte_of_a_forbidden_call_leaves_a_stream_however_its_name_is_cut() {
    let provider = Provider::always(Script::default());
    let gateway = guarded(&provider);
    for name in ["shell_run", "get_time"] {
        for cut in 0..=name.len() {
            let (before, after) = name.split_at(cut);
            let rest = |name: &str, arguments: &str| json!({"index": 0, "function": {"name": name, "arguments": arguments}});
            let cases = [
                vec![
                    calling(function(before, "")),
                    calling(rest(after, "")),
                    calling(rest("", "{\"a\":")),
                    calling(rest("", "1}")),
                ],
                vec![calling(function(before, "")), calling(rest(after, "{\"a\":1}"))],
                vec![
                    json!({"role": "assistant", "content": null}),
                    calling(function(before, "")),
                    calling(json!({"index": 0, "function": {"name": after}})),
                ],
                vec![
                    json!({"function_call": {"name": before, "arguments": ""}}),
                    json!({"function_call": {"name": after}}),
                    json!({"function_call": {"arguments": "{\"a\":1}"}}),
                ],
                vec![
                    calling(function(before, "")),
                    calling(rest(after, "")),
                    calling(
                        json!({"index": 1, "id": "d", "type": "function", "function": {"name": "", "arguments": ""}}),
                    ),
                ],
            ];
            for deltas in cases {
                provider.now(stream(&deltas));
                let reply = post(&gateway, "support", &question(true));
                if name == "shell_run" {
                    assert_eq!(reply.code(), "output_blocked", "{deltas:?}: {}", reply.body);
                    assert_eq!(said(&reply), (String::new(), String::new()), "{deltas:?}: {}", reply.body);
                    assert!(!reply.shows("shell") && !reply.shows("_run"), "{}", reply.body);
                } else {
                    let (name, arguments) = said(&reply);
                    assert_eq!(name, "get_time", "{deltas:?}: {}", reply.body);
                    assert!(arguments == "{\"a\":1}" || arguments.is_empty(), "{deltas:?}: {}", reply.body);
                    assert_eq!(reply.finish().as_deref(), Some("tool_calls"), "{}", reply.body);
                }
            }
        }
    }
}

#[test]
fn a_call_that_comes_whole_is_passed_on_as_it_came() {
    let provider = Provider::always(Script::default());
    let gateway = guarded(&provider);
    let other = json!({"index": 1, "id": "d", "type": "function", "function": {"name": "get_date", "arguments": "{}"}});
    let deltas = [
        json!({"role": "assistant", "content": "One moment."}),
        calling(function("get_time", "{}")),
        calling(other),
    ];
    provider.now(stream(&deltas));
    let reply = post(&gateway, "support", &question(true));
    let got: Vec<Value> = reply.chunks().iter().map(|chunk| chunk["choices"][0]["delta"].clone()).collect();
    assert_eq!(got[..3], deltas, "{}", reply.body);
}

#[test]
fn a_call_cannot_change_its_name_and_what_came_before_it_has_left() {
    let provider = Provider::always(Script::default());
    let gateway = guarded(&provider);
    let renamed = calling(json!({"index": 0, "function": {"name": "shell_run"}}));
    provider.now(stream(&[calling(function("get_time", "{")), renamed]));
    assert_eq!(post(&gateway, "support", &question(true)).code(), "unreadable_answer");
    let unnamed = calling(json!({"index": 0, "id": "c", "type": "function", "function": {"arguments": "{"}}));
    provider.now(stream(&[unnamed, calling(json!({"index": 0, "function": {"name": "shell_run"}}))]));
    assert!(!post(&gateway, "support", &question(true)).shows("shell"));
    let again = calling(json!({"index": 0, "function": {"name": "get_time", "arguments": "1}"}}));
    provider.now(stream(&[calling(function("get_time", "{\"a\":")), again]));
    assert_eq!(
        said(&post(&gateway, "support", &question(true))),
        ("get_time".to_owned(), "{\"a\":1}".to_owned())
    );
    provider.now(stream(&[json!({"content": "Let me see."}), calling(function("shell_run", "{}"))]));
    let reply = post(&gateway, "support", &question(true));
    assert_eq!((reply.said().as_str(), reply.code().as_str()), ("Let me see.", "output_blocked"));
}

#[test]
fn calls_of_responses_are_judged_by_their_items() {
    let provider = Provider::always(Script::default());
    let setup = Setup::over(&provider)
        .kind("agent-firewall")
        .block("policy: {agent-firewall: {blocked_tools: [\"shell_*\", web_search]}}");
    let gateway = setup.here();
    let call = |name: &str| json!({"id": "f", "type": "function_call", "call_id": "c", "name": name, "arguments": "{}"});
    let search = json!({"id": "w", "type": "web_search_call", "status": "completed"});
    for (item, blocked) in [(call("shell_run"), true), (call("get_time"), false), (search, true)] {
        provider.now(Script::json(&response(vec![item.clone()])));
        let reply = gateway.ask_as(Form::Response, "hi", false);
        assert_eq!(reply.status == 409, blocked, "{item}: {}", reply.body);
        let mut told = Told::begun();
        let at = told.item(&item);
        told.end(at, item.clone());
        provider.now(Script::stream(told.completed()));
        let reply = gateway.ask_as(Form::Response, "hi", true);
        assert_eq!(reply.code() == "output_blocked", blocked, "{item}: {}", reply.body);
        assert!(!reply.shows("shell_run") && !reply.shows("web_search"), "{}", reply.body);
    }
    let tools = json!({"model": "m", "input": "hi", "tools": [{"type": "web_search"}]});
    assert_eq!(gateway.call("/v1/responses", &tools).code(), "input_blocked");
    let forced =
        json!({"model": "m", "input": "hi", "tool_choice": {"type": "function", "name": "shell_run"}});
    assert_eq!(gateway.call("/v1/responses", &forced).code(), "input_blocked");
}

#[test]
fn only_the_choice_that_calls_it_is_stopped() {
    let provider = Provider::always(Script::default());
    let gateway = guarded(&provider);
    let of = |index: u32, delta: Value, reason: Option<&str>| {
        event(&json!({"id": "x", "choices": [{"index": index, "delta": delta, "finish_reason": reason}]}))
    };
    let bytes = of(0, calling(function("shell_run", "{}")), None)
        + &*of(1, calling(function("get_time", "{}")), None)
        + &*of(0, json!({}), Some("tool_calls"))
        + &*of(1, json!({}), Some("tool_calls"))
        + DONE;
    provider.now(Script::stream(bytes));
    let mut body = question(true);
    body["n"] = json!(2);
    let reply = post(&gateway, "support", &body);
    assert!(reply.shows("get_time") && !reply.shows("shell"), "{}", reply.body);
}

#[test]
fn a_session_has_so_many_calls() {
    let provider = Provider::always(stream(&[calling(function("a", "{}"))]));
    let gateway = Setup::over(&provider)
        .kind("agent-firewall")
        .block("policy: {agent-firewall: {max_actions_per_session: 2}}")
        .here();
    let before = |count: usize| {
        let call = |n: usize| json!({"id": n.to_string(), "type": "function", "function": {"name": "a", "arguments": "{}"}});
        let calls: Vec<Value> = (0..count).map(call).collect();
        json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "hi"},
            {"role": "assistant", "content": null, "tool_calls": calls}]})
    };
    assert_eq!(gateway.chat(&before(1)).finish().as_deref(), Some("tool_calls"));
    assert_eq!(gateway.chat(&before(2)).code(), "output_blocked");
    assert_eq!(gateway.chat(&before(3)).code(), "input_blocked");
}

#[test]
fn a_tool_of_another_server_has_one_name_wherever_it_shows() {
    let provider = Provider::always(Script::json(&response(vec![])));
    let gateway = Setup::over(&provider)
        .kind("agent-firewall")
        .block("policy: {agent-firewall: {blocked_tools: [mcp]}}")
        .here();
    let ask = |body: Value| gateway.call("/v1/responses", &body);
    let input = |item: Value| json!({"model": "m", "input": [{"role": "user", "content": "hi"}, item]});
    let approval = |approve: bool| {
        input(json!({"type": "mcp_approval_response", "approval_request_id": "a", "approve": approve}))
    };
    let offered = json!({"type": "mcp", "server_label": "x", "server_url": "https://mcp.example.com/mcp"});
    let forced = json!({"type": "mcp", "server_label": "x", "name": "find"});
    for (what, body) in [
        ("offered", json!({"model": "m", "input": "hi", "tools": [offered]})),
        ("forced", json!({"model": "m", "input": "hi", "tool_choice": forced})),
        (
            "called before",
            input(json!({"type": "mcp_call", "server_label": "x", "name": "find", "arguments": "{}"})),
        ),
        ("asked for", input(json!({"type": "mcp_approval_request", "name": "find", "arguments": "{}"}))),
        ("approved", approval(true)),
    ] {
        let reply = ask(body);
        assert_eq!((reply.status, reply.code().as_str()), (409, "input_blocked"), "{what}: {}", reply.body);
    }
    assert_eq!(provider.connections(), 0);
    assert_eq!(ask(approval(false)).status, 200, "what is denied is not called");
    for kind in ["mcp_call", "mcp_approval_request"] {
        let item =
            json!({"id": "m", "type": kind, "status": "completed", "name": "find", "server_label": "x"});
        provider.now(Script::json(&response(vec![item])));
        let reply = ask(json!({"model": "m", "input": "hi"}));
        assert_eq!((reply.status, reply.code().as_str()), (409, "output_blocked"), "{kind}: {}", reply.body);
    }
}
