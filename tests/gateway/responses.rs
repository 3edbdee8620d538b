//! Answers that are items: every copy of a text the same as the text that was let go.

use serde_json::{Value, json};
use tests::form::{message, part, response};
use tests::{Form, Gateway, Provider, Reply, Script, Setup, Told};

use crate::record;

fn ask(gateway: &Gateway, stream: bool) -> Reply {
    gateway.ask_as(Form::Response, "hi", stream)
}

fn parsed(reply: &Reply) -> Vec<Value> {
    reply.events().iter().map(|event| serde_json::from_str(event).unwrap()).collect()
}

fn of_type(events: &[Value], name: &str) -> Vec<Value> {
    events.iter().filter(|event| event["type"] == name).cloned().collect()
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
        for letter in text.chars() {
            told.add(of("delta", "delta", &letter.to_string()));
        }
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
