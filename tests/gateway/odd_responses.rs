//! Responses as providers write them besides: other dialects, early ends, failures, and shapes that none should have.

use serde_json::{Value, json};
use tests::form::{message, response};
use tests::{Form, Gateway, Provider, Reply, Script, Setup, Told};

use crate::record;

fn ask(gateway: &Gateway, stream: bool) -> Reply {
    gateway.ask_as(Form::Response, "hi", stream)
}

fn parsed(reply: &Reply) -> Vec<Value> {
    reply.events().iter().map(|event| serde_json::from_str(event).unwrap()).collect()
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
    let failed_event = format!("data: {}\n\n", json!({"type": "response.failed", "response": failed}));
    let flat = "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"it broke\",\"param\":null}\n\n";
    let bare = "event: error\ndata: {\"type\":\"error\"}\n\n";
    for (failure, code) in
        [(&*failed_event, "server_error"), (flat, "server_error"), (bare, "upstream_failed")]
    {
        for setup in [Setup::guarded, Setup::over] {
            let provider = Provider::always(Script::stream(Told::begun().events() + failure));
            let reply = ask(&setup(&provider).here(), true);
            assert_eq!((reply.status, reply.code().as_str()), (502, code), "before the first word");
            let provider = Provider::always(Script::stream(Form::Response.begun("ok") + failure));
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
