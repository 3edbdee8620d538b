//! Responses: items in and items out, and every copy of a text the same as the text that was let go.

use serde_json::{Value, json};
use tests::form::{message, part, response};
use tests::{Form, Gateway, Provider, Reply, Script, Setup, Told};

use crate::record;

const SECRET: &str = "ann@example.com";

fn ask(gateway: &Gateway, stream: bool) -> Reply {
    gateway.ask_as(Form::Response, "hi", stream)
}

fn parsed(reply: &Reply) -> Vec<Value> {
    reply.events().iter().map(|event| serde_json::from_str(event).unwrap()).collect()
}

fn of_type(events: &[Value], name: &str) -> Vec<Value> {
    events.iter().filter(|event| event["type"] == name).cloned().collect()
}

#[test]
fn every_string_of_a_request_is_redacted_wherever_it_stands() {
    let provider = Provider::always(Script::json(&Form::Response.whole("ok")));
    let gateway = Setup::guarded(&provider).here();
    let s = SECRET;
    let request = json!({"model": "m", "instructions": s, "user": s, "metadata": {"k": s, s: 1}, "unknown": [[{"deep": s}]],
        "prompt": {"id": "p", "version": "1", "variables": {"name": s, "more": {"type": "input_text", "text": s}}},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"properties": {"a": {"enum": [s]}}}}},
        "tools": [{"type": "function", "name": "f", "description": s, "parameters": {"properties": {"a": {"default": s}}}},
            {"type": "mcp", "server_label": s, "server_url": format!("https://x/{s}"), "headers": {"a": s}}],
        "tool_choice": {"type": "function", "name": s}, "include": [s], "previous_response_id": s, "conversation": {"id": s},
        "input": [
            {"role": "developer", "content": s},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": s},
                {"type": "input_image", "image_url": format!("https://x/{s}"), "detail": "auto"},
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

/// A reasoning item, a message with a text and a refusal, and a call; all texts hold a secret.
fn items() -> Vec<Value> {
    let text = json!({"type": "output_text", "text": "say SECRET3.", "annotations": [{"type": "url_citation", "title": "SECRET3"}],
        "logprobs": [{"token": "SECRET3"}]});
    vec![
        json!({"id": "rs_1", "type": "reasoning", "status": "completed", "encrypted_content": "SECRET9",
            "summary": [{"type": "summary_text", "text": "sum SECRET1."}, {"type": "summary_text", "text": "more SECRET1."}],
            "content": [{"type": "reasoning_text", "text": "think SECRET2."}]}),
        json!({"id": "msg_1", "type": "message", "status": "completed", "role": "assistant",
            "content": [text, {"type": "refusal", "refusal": "no SECRET4."}]}),
        json!({"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "c1", "name": "f", "arguments": "{\"a\":1}"}),
    ]
}

fn clean_items() -> Vec<Value> {
    let text = json!({"type": "output_text", "text": "say [SECRET].", "annotations": [], "logprobs": []});
    vec![
        json!({"id": "rs_1", "type": "reasoning", "status": "completed",
            "summary": [{"type": "summary_text", "text": "sum [SECRET]."}, {"type": "summary_text", "text": "more [SECRET]."}],
            "content": [{"type": "reasoning_text", "text": "think [SECRET]."}]}),
        json!({"id": "msg_1", "type": "message", "status": "completed", "role": "assistant",
            "content": [text, {"type": "refusal", "refusal": "no [SECRET]."}]}),
        items()[2].clone(),
    ]
}

/// The same items in events, every text letter by letter.
fn told() -> Told {
    let mut told = Told::begun();
    let texts = |told: &mut Told,
                 at: usize,
                 id: &str,
                 name: &str,
                 index: &str,
                 part: usize,
                 field: &str,
                 text: &str| {
        let of = |moment: &str, field: &str, value: &str| {
            json!({"type": format!("response.{name}.{moment}"), "item_id": id, "output_index": at, index: part, field: value,
                "logprobs": [{"token": value}], "obfuscation": "xyz"})
        };
        text.chars().for_each(|letter| drop(told.add(of("delta", "delta", &letter.to_string()))));
        told.add(of("done", field, text));
    };
    let items = items();
    let mut begun = items[0].clone();
    (begun["summary"], begun["content"], begun["status"]) = (json!([]), json!([]), json!("in_progress"));
    let at = told.item(&begun);
    for (number, text) in ["sum SECRET1.", "more SECRET1."].into_iter().enumerate() {
        let part = |moment: &str, text: &str| {
            json!({"type": format!("response.reasoning_summary_part.{moment}"), "item_id": "rs_1",
            "output_index": at, "summary_index": number, "part": {"type": "summary_text", "text": text}})
        };
        told.add(part("added", ""));
        texts(&mut told, at, "rs_1", "reasoning_summary_text", "summary_index", number, "text", text);
        told.add(part("done", text));
    }
    texts(&mut told, at, "rs_1", "reasoning_text", "content_index", 0, "text", "think SECRET2.");
    told.end(at, items[0].clone());
    let mut begun = items[1].clone();
    (begun["content"], begun["status"]) = (json!([]), json!("in_progress"));
    let at = told.item(&begun);
    let parts = items[1]["content"].as_array().unwrap().clone();
    for (number, (part, field)) in parts.iter().zip(["text", "refusal"]).enumerate() {
        let mut empty = part.clone();
        empty[field] = json!("");
        let event = |moment: &str, part: &Value| {
            json!({"type": format!("response.content_part.{moment}"), "item_id": "msg_1",
            "output_index": at, "content_index": number, "part": part})
        };
        told.add(event("added", &empty));
        let name = if field == "text" { "output_text" } else { "refusal" };
        texts(&mut told, at, "msg_1", name, "content_index", number, field, part[field].as_str().unwrap());
        if field == "text" {
            told.add(json!({"type": "response.output_text.annotation.added", "item_id": "msg_1", "output_index": at,
                "content_index": 0, "annotation_index": 0, "annotation": {"title": "SECRET3"}}));
        }
        told.add(event("done", part));
    }
    told.end(at, items[1].clone());
    let mut begun = items[2].clone();
    (begun["arguments"], begun["status"]) = (json!(""), json!("in_progress"));
    let at = told.item(&begun);
    let of = |moment: &str, field: &str, value: &str| {
        json!({"type": format!("response.function_call_arguments.{moment}"),
        "item_id": "fc_1", "output_index": at, field: value})
    };
    told.add(of("delta", "delta", "{\"a\":"));
    told.add(of("delta", "delta", "1}"));
    told.add(of("done", "arguments", "{\"a\":1}"));
    told.end(at, items[2].clone());
    told
}

/// The text of a channel, put together from its deltas.
fn deltas(events: &[Value], name: &str, at: u64, index: &str, part: u64) -> String {
    let own = events.iter().filter(|event| {
        event["type"] == format!("response.{name}.delta")
            && event["output_index"] == at
            && event[index] == part
    });
    own.filter_map(|event| event["delta"].as_str()).collect()
}

#[test]
fn a_whole_answer_is_redacted_in_every_text_and_has_no_second_copies() {
    let mut whole = response(items());
    whole["output_text"] = json!("say SECRET3.");
    let provider = Provider::always(Script::json(&whole));
    let gateway = Setup::guarded(&provider).here();
    let mut clean = response(clean_items());
    clean["output_text"] = json!("say [SECRET].");
    assert_eq!(ask(&gateway, false).json(), clean);
    let record = record::only(&gateway.stop(), "complete", 200);
    let found = record["policies_evaluated"][0]["findings"].as_array().unwrap();
    let mut sites: Vec<&str> = found.iter().map(|one| one["site"].as_str().unwrap()).collect();
    sites.sort_unstable();
    assert_eq!(
        sites,
        [
            "response.output[0].content[0].text",
            "response.output[0].summary[0].text",
            "response.output[0].summary[1].text",
            "response.output[1].content[0].text",
            "response.output[1].content[1].refusal",
        ]
    );
}

#[test]
fn every_copy_in_a_stream_is_what_was_let_go() {
    let provider = Provider::always(Script::stream(told().completed()));
    let gateway = Setup::guarded(&provider).here();
    let reply = ask(&gateway, true);
    Form::Response.assert_ended(&reply);
    for secret in ["SECRET1", "SECRET2", "SECRET3", "SECRET4", "SECRET9", "xyz"] {
        assert!(!reply.shows(secret), "{secret}: {}", reply.body);
    }
    let events = parsed(&reply);
    for (name, at, index, part, field, text) in [
        ("reasoning_summary_text", 0, "summary_index", 0, "text", "sum [SECRET]."),
        ("reasoning_summary_text", 0, "summary_index", 1, "text", "more [SECRET]."),
        ("reasoning_text", 0, "content_index", 0, "text", "think [SECRET]."),
        ("output_text", 1, "content_index", 0, "text", "say [SECRET]."),
        ("refusal", 1, "content_index", 1, "refusal", "no [SECRET]."),
    ] {
        assert_eq!(deltas(&events, name, at, index, part), text, "{name} {part}");
        let done = of_type(&events, &format!("response.{name}.done"));
        let done = done.iter().find(|event| event[index] == part).unwrap();
        assert_eq!(done[field], text, "{name} {part}");
    }
    let parts = of_type(&events, "response.content_part.done");
    assert_eq!(
        (&parts[0]["part"]["text"], &parts[1]["part"]["refusal"]),
        (&json!("say [SECRET]."), &json!("no [SECRET]."))
    );
    let items: Vec<Value> =
        of_type(&events, "response.output_item.done").iter().map(|event| event["item"].clone()).collect();
    assert_eq!(items, clean_items());
    assert_eq!(events.last().unwrap()["response"], response(clean_items()));
    let arguments = of_type(&events, "response.function_call_arguments.delta");
    assert_eq!(arguments.iter().filter_map(|event| event["delta"].as_str()).collect::<String>(), "{\"a\":1}");
}

#[test]
fn a_text_that_is_held_at_its_end_is_said_before_it_is_told_whole() {
    let mut told = Told::begun();
    told.message("msg_1", &["a SEC".to_owned()]);
    let provider = Provider::always(Script::stream(told.completed()));
    let reply = ask(&Setup::guarded(&provider).here(), true);
    let names: Vec<&str> = reply.event_names().into_iter().flatten().collect();
    let done = names.iter().position(|name| *name == "response.output_text.done").unwrap();
    let said: Vec<Value> = of_type(&parsed(&reply), "response.output_text.delta");
    assert_eq!(said.iter().map(|event| event["delta"].as_str().unwrap()).collect::<Vec<_>>(), ["a ", "SEC"]);
    assert_eq!(names[done - 1], "response.output_text.delta");
}

#[test]
fn a_text_that_is_only_told_whole_is_judged_where_it_first_stands() {
    let item = message("msg_1", "to SECRET1.");
    let mut in_item = Told::begun();
    let at = in_item.item(&message("msg_1", ""));
    in_item.end(at, item.clone());
    let mut in_done = Told::begun();
    let at = in_done.item(&json!({"id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []}));
    in_done.add(json!({"type": "response.output_text.done", "item_id": "msg_1", "output_index": at, "content_index": 0, "text": "to SECRET1."}));
    in_done.end(at, item.clone());
    let mut in_added = Told::begun();
    let at = in_added.item(&item);
    in_added.end(at, item.clone());
    let mut at_end = Told::begun();
    at_end.add(json!({"type": "response.completed", "response": response(vec![item.clone()])}));
    let streams = [in_item.completed(), in_done.completed(), in_added.completed(), at_end.events()];
    for stream in streams {
        let provider = Provider::always(Script::stream(&stream));
        let reply = ask(&Setup::guarded(&provider).here(), true);
        Form::Response.assert_ended(&reply);
        assert!(!reply.shows("SECRET1"), "{}", reply.body);
        let last = parsed(&reply).pop().unwrap();
        assert_eq!(last["response"]["output"], json!([message("msg_1", "to [SECRET].")]), "{stream}");
    }
}

#[test]
fn copies_that_say_more_than_the_text_do_not_pass() {
    let mut told = Told::begun();
    told.message("msg_1", &["fine".to_owned()]);
    let mut events = told.events();
    let lying = message("msg_1", "fine and SECRET1 and FORBIDDEN");
    told = Told::begun();
    events.push_str(
        &told
            .add(json!({"type": "response.completed", "response": response(vec![lying])}))
            .events()
            .split_off(0),
    );
    let provider = Provider::always(Script::stream(events));
    let reply = ask(&Setup::guarded(&provider).here(), true);
    assert!(!reply.shows("SECRET1") && !reply.shows("FORBIDDEN"), "{}", reply.body);
    assert_eq!(parsed(&reply).pop().unwrap()["response"]["output"][0]["content"][0]["text"], "fine");
}

#[test]
fn items_and_events_that_nobody_judges_carry_no_text() {
    let search = json!({"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"query": "SECRET1"}});
    let code = json!({"id": "ci_1", "type": "code_interpreter_call", "status": "completed", "code": "SECRET1", "outputs": [{"logs": "SECRET1"}]});
    let mut told = Told::begun();
    let at = told.item(&search);
    told.add(json!({"type": "response.web_search_call.searching", "item_id": "ws_1", "output_index": at}));
    told.add(json!({"type": "response.web_search_call.completed", "item_id": "ws_1", "output_index": at, "query": "SECRET1"}));
    told.end(at, search);
    let at = told.item(&code);
    told.add(json!({"type": "response.code_interpreter_call_code.delta", "item_id": "ci_1", "output_index": at, "delta": "SECRET1"}));
    told.add(json!({"type": "response.brand_new.delta", "words": ["SECRET1"]}));
    told.end(at, code);
    told.message("msg_1", &["done".to_owned()]);
    let provider = Provider::always(Script::stream(told.completed()));
    let gateway = Setup::guarded(&provider).here();
    let reply = ask(&gateway, true);
    Form::Response.assert_ended(&reply);
    assert!(!reply.shows("SECRET1"), "{}", reply.body);
    let names: Vec<&str> = reply.event_names().into_iter().flatten().collect();
    assert!(names.contains(&"response.web_search_call.searching"));
    assert!(names.iter().all(|name| !name.contains("code_delta")
        && !name.contains("brand_new")
        && !name.ends_with("search_call.completed")));
    let output = parsed(&reply).pop().unwrap()["response"]["output"].clone();
    let search = json!({"id": "ws_1", "type": "web_search_call", "status": "completed"});
    let code = json!({"id": "ci_1", "type": "code_interpreter_call", "status": "completed"});
    assert_eq!(output, json!([search, code, message("msg_1", "done")]));
}

#[test]
fn fields_that_repeat_the_request_say_what_was_sent() {
    let tools = json!([{"type": "function", "name": "f", "description": "to SECRET1"}]);
    let mut whole = response(vec![message("msg_1", "ok")]);
    for field in ["instructions", "tools", "metadata", "tool_choice", "prompt", "user"] {
        whole[field] = json!([{"text": "SECRET2"}]);
    }
    (whole["conversation"], whole["note"]) = (json!({"id": "SECRET2"}), json!("SECRET2"));
    let provider = Provider::always(Script::json(&whole));
    let gateway = Setup::guarded(&provider).here();
    let request = json!({"model": "m", "input": "x", "tools": tools, "metadata": {"a": "SECRET1"}, "instructions": "be kind"});
    let reply = gateway.call("/v1/responses", &request);
    assert!(!reply.shows("SECRET1") && !reply.shows("SECRET2"), "{}", reply.body);
    let answer = reply.json();
    let clean = json!([{"type": "function", "name": "f", "description": "to [SECRET]"}]);
    assert_eq!((&answer["tools"], &answer["metadata"]), (&clean, &json!({"a": "[SECRET]"})));
    assert_eq!((&answer["instructions"], &answer["tool_choice"]), (&json!("be kind"), &json!("auto")));
    assert_eq!((&answer["prompt"], &answer["user"]), (&json!(null), &json!(null)));
    assert!(answer.get("conversation").is_none() && answer.get("note").is_none(), "{answer}");
}

#[test]
fn an_answer_that_ends_early_by_its_own_is_no_failure() {
    let mut told = Told::begun();
    told.message("msg_1", &["half SECRET1".to_owned()]);
    let mut early = response(vec![message("msg_1", "half SECRET1")]);
    (early["status"], early["incomplete_details"]) =
        (json!("incomplete"), json!({"reason": "max_output_tokens", "note": "SECRET1"}));
    told.add(json!({"type": "response.incomplete", "response": early}));
    let provider = Provider::always(Script::stream(told.events()));
    let gateway = Setup::guarded(&provider).here();
    let reply = ask(&gateway, true);
    assert_eq!((reply.code().as_str(), reply.shows("SECRET1")), ("", false), "{}", reply.body);
    let last = parsed(&reply).pop().unwrap();
    assert_eq!(last["response"]["incomplete_details"], json!({"reason": "max_output_tokens"}));
    record::only(&gateway.stop(), "complete", 200);
}

#[test]
fn a_response_that_fails_is_an_error_whole_and_streamed() {
    let mut failed = response(Vec::new());
    (failed["status"], failed["error"]) =
        (json!("failed"), json!({"code": "server_error", "message": "it broke"}));
    let mut told = Told::begun();
    told.add(json!({"type": "response.failed", "response": failed}));
    let flat = "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"it broke\",\"param\":null}\n\n";
    let bare = "event: error\ndata: {\"type\":\"error\"}\n\n";
    for (rest, code) in [
        (told.events(), "server_error"),
        (Told::begun().events() + flat, "server_error"),
        (Told::begun().events() + bare, "upstream_failed"),
    ] {
        for setup in [Setup::guarded, Setup::over] {
            let provider = Provider::always(Script::stream(&rest));
            let gateway = setup(&provider).here();
            let reply = ask(&gateway, true);
            assert_eq!(reply.code(), code, "{}", reply.body);
            let last = parsed(&reply).pop().unwrap();
            assert_eq!((&last["type"], &last["code"]), (&json!("error"), &json!(code)));
            assert_eq!(reply.event_names().last(), Some(&Some("error")));
            Form::Response.assert_ended(&reply);
            record::only(&gateway.stop(), "failed", 200);
        }
    }
    let provider = Provider::always(Script::json(&failed));
    let reply = ask(&Setup::guarded(&provider).here(), false);
    assert_eq!((reply.status, reply.code().as_str()), (502, "server_error"));
}

#[test]
fn the_dialect_of_fireworks_is_understood() {
    let user = json!({"id": "", "type": "message", "role": "user", "status": "completed", "content": [{"type": "input_text", "text": "hi SECRET1"}]});
    let mut whole = response(vec![user.clone(), message("msg_1", "to SECRET2.")]);
    whole["usage"] = json!({"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8});
    let provider = Provider::always(Script::json(&whole));
    let gateway = Setup::guarded(&provider).here();
    let answer = ask(&gateway, false).json();
    assert_eq!(answer["output"][0]["content"][0]["text"], "hi [SECRET]");
    assert_eq!(answer["output"][1], message("msg_1", "to [SECRET]."));
    let record = record::only(&gateway.stop(), "complete", 200);
    assert_eq!((&record["input_tokens"], &record["output_tokens"]), (&json!(3), &json!(5)));
    let mut told = Told::begun();
    told.message("msg_1", &["to SEC".to_owned(), "RET2.".to_owned()]);
    told.add(json!({"type": "response.completed", "response": whole}));
    let provider = Provider::always(Script::stream(told.events() + tests::DONE));
    let reply = ask(&Setup::guarded(&provider).here(), true);
    Form::Response.assert_ended(&reply);
    let last = parsed(&reply).pop().unwrap();
    assert_eq!(last["response"]["output"], answer["output"]);
}

#[test]
fn shapes_in_which_text_could_hide_end_the_answer() {
    let event = |event: Value| format!("data: {event}\n\n");
    for odd in [
        event(json!({"type": "response.output_text.delta", "output_index": 0, "delta": ["SECRET1"]})),
        event(json!({"type": "response.output_text.done", "output_index": 0, "text": {"a": "SECRET1"}})),
        event(json!({"type": "response.output_item.added", "output_index": 0, "item": "SECRET1"})),
        event(
            json!({"type": "response.output_item.done", "output_index": 0, "item": {"type": "message", "content": "SECRET1"}}),
        ),
        event(json!({"type": "response.content_part.added", "output_index": 0, "part": "SECRET1"})),
        event(json!({"type": "response.completed", "response": {"output": "SECRET1"}})),
        event(json!({"type": "response.completed"})),
        event(json!({"type": "a SECRET1"})),
        event(json!({"delta": "SECRET1"})),
        event(json!({"choices": [{"delta": {"content": "SECRET1"}}]})),
    ] {
        let provider = Provider::always(Script::stream(Told::begun().events() + &*odd));
        let reply = ask(&Setup::guarded(&provider).here(), true);
        assert_eq!((reply.code().as_str(), reply.shows("SECRET1")), ("unreadable_answer", false), "{odd}");
    }
    let mut late = Told::begun();
    late.message("msg_1", &["a".to_owned()]);
    late.add(json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "SECRET1"}));
    let provider = Provider::always(Script::stream(late.events()));
    assert_eq!(ask(&Setup::guarded(&provider).here(), true).code(), "unreadable_answer");
    for odd in [
        json!({"output": "x"}),
        json!({"choices": []}),
        json!({"output": [1]}),
        json!({"output": [{"type": "message", "content": "x"}]}),
    ] {
        let provider = Provider::always(Script::json(&odd));
        let reply = ask(&Setup::guarded(&provider).here(), false);
        assert_eq!((reply.status, reply.code().as_str()), (502, "unreadable_answer"), "{odd}");
    }
}

#[test]
fn no_leaf_of_an_answer_lets_a_secret_pass() {
    let mut whole = response(clean_items());
    whole["output"][1]["content"][0] = part("x");
    whole["instructions"] = json!("x");
    whole["reasoning"] = json!({"effort": "low", "summary": "x"});
    whole["text"] = json!({"format": {"type": "text"}});
    whole["metadata"] = json!({"a": "b"});
    let provider = Provider::always(Script::default());
    let gateway = Setup::guarded(&provider).here();
    let mut leaves = Vec::new();
    string_leaves(&whole, String::new(), &mut leaves);
    // Names that the provider gives, and calls, which pass as they are.
    let passes = |leaf: &str| {
        ["/id", "/call_id", "/name", "/arguments", "/model"].iter().any(|end| leaf.ends_with(end))
    };
    let mut tried = 0;
    for leaf in leaves.iter().filter(|leaf| !passes(leaf)) {
        let mut poisoned = whole.clone();
        *poisoned.pointer_mut(leaf).unwrap() = json!("a SECRET12 b");
        provider.now(Script::json(&poisoned));
        assert!(!ask(&gateway, false).shows("SECRET12"), "{leaf}");
        let mut told = told();
        told.add(json!({"type": "response.completed", "response": poisoned}));
        provider.now(Script::stream(told.events()));
        assert!(!ask(&gateway, true).shows("SECRET12"), "{leaf} in a stream");
        tried += 1;
    }
    assert!(tried > 15, "{tried} of {leaves:?}");
}

/// The places of all strings of a document.
fn string_leaves(value: &Value, place: String, leaves: &mut Vec<String>) {
    match value {
        Value::String(_) => leaves.push(place),
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(at, item)| string_leaves(item, format!("{place}/{at}"), leaves));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| string_leaves(value, format!("{place}/{key}"), leaves));
        }
        _ => {}
    }
}
