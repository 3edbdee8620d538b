//! Echoes: a provider that repeats the gateway's key, whole or in pieces, in any part of its answer, does not show it to a
//! client.

use serde_json::{Value, json};
use tests::{
    DONE, Form, KEY, Provider, Reply, STREAM_HEAD, Script, Setup, chunk, delta, event, finish, whole,
};

use crate::watch::start;

/// The longest part of the key that may stand in an answer by chance.
const CHANCE: usize = 5;

fn assert_hidden(name: &str, reply: &Reply) {
    for part in KEY.as_bytes().windows(CHANCE + 1).map(|part| std::str::from_utf8(part).unwrap()) {
        assert!(!reply.shows(part), "{name}: `{part}` of the key in {}", reply.body);
    }
}

fn setups(provider: &Provider) -> [(&'static str, Setup); 2] {
    [("no policies", Setup::over(provider)), ("policies", Setup::guarded(provider))]
}

/// All ways to cut the key into two pieces, and one into letters.
fn pieces() -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = (1..KEY.len())
        .map(|at| vec![format!("it is {}", &KEY[..at]), format!("{} indeed", &KEY[at..])])
        .collect();
    all.push(KEY.chars().map(String::from).collect());
    all.push(vec![KEY.to_owned()]);
    all
}

#[test]
fn a_key_in_pieces_is_put_together_before_it_is_let_go() {
    let provider = Provider::always(Script::default());
    for (name, setup) in setups(&provider) {
        let gateway = start(&setup);
        for form in Form::ALL {
            for pieces in pieces() {
                // Without policies a response passes event by event.
                if name == "no policies" && form == Form::Response && pieces.len() > 1 {
                    continue;
                }
                provider.now(form.deltas(&pieces));
                let reply = gateway.ask_as(form, "hi", true);
                assert_hidden(&format!("{name}, {form:?}, {pieces:?}"), &reply);
                assert!(form.said(&reply).contains("***"), "{name}, {form:?}: {}", reply.body);
                assert!(form.is_finished(&reply), "{name}, {form:?}: {}", reply.body);
            }
        }
        gateway.stop();
    }
}

#[test]
fn a_key_in_other_words_of_a_stream_is_hidden_too() {
    let provider = Provider::always(Script::default());
    let call = |arguments: &str| {
        chunk(
            json!({"tool_calls": [{"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": arguments}}]}),
            None,
        )
    };
    let escaped = KEY.replace('f', "\\u0066").replace('_', "\\u005f");
    let end = event(&finish("stop")) + DONE;
    let of = |fields: Value| {
        let mut chunk = delta("a");
        chunk.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        event(&chunk)
    };
    for (what, events) in [
        (
            "an escaped text",
            format!(
                "data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{escaped}\"}}}}]}}\n\n"
            ),
        ),
        ("arguments", event(&call(&format!("{{\"k\":\"{KEY}\"}}")))),
        ("arguments in pieces", event(&call("{\"k\":\"fw_cana")) + &*event(&call("ry_7Yq2\"}"))),
        (
            "reasoning in pieces",
            event(&chunk(json!({"reasoning_content": "fw_can"}), None))
                + &*event(&chunk(json!({"reasoning_content": "ary_7Yq2"}), None)),
        ),
        ("a refusal", event(&chunk(json!({"refusal": KEY}), None))),
        ("the name of a tool", event(&call("{}")).replace("\"f\"", &format!("\"{KEY}\""))),
        ("its id", of(json!({"id": KEY}))),
        ("the model", of(json!({"model": KEY}))),
        ("a fingerprint", of(json!({"system_fingerprint": KEY}))),
        ("an unknown field", of(json!({"x": {"deep": [KEY]}}))),
        ("a comment", format!(": {KEY}\n\n")),
        ("the name of an event", format!("event: {KEY}\nid: {KEY}\nretry: 5\n{}", event(&delta("a")))),
    ] {
        for (name, setup) in setups(&provider) {
            if name == "no policies" && what == "arguments in pieces" {
                continue; // nobody reads them there
            }
            provider.now(Script::raw(STREAM_HEAD).then(event(&delta("it is "))).then(&events).then(&end));
            let gateway = start(&setup);
            assert_hidden(&format!("{what}, {name}"), &gateway.stream("hi"));
            gateway.stop();
        }
    }
}

#[test]
fn a_key_anywhere_in_a_whole_answer_is_hidden() {
    let provider = Provider::always(Script::default());
    let escaped = KEY.replace('f', "\\u0066").replace('_', "\\u005f");
    let with = |place: &str, value: Value| {
        let mut answer = whole("ok");
        match place.rsplit_once('/') {
            Some((parent, name)) => {
                answer.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(name.to_owned(), value);
            }
            None => panic!("{place}"),
        }
        answer.to_string()
    };
    for (what, body) in [
        ("the text", with("/choices/0/message/content", json!(KEY))),
        ("the escaped text", with("/choices/0/message/content", json!("@")).replace('@', &escaped)),
        ("reasoning", with("/choices/0/message/reasoning_content", json!(KEY))),
        ("the finish", with("/choices/0/finish_reason", json!(KEY))),
        (
            "the name of a tool",
            with(
                "/choices/0/message/tool_calls",
                json!([{"id": KEY, "type": "function", "function": {"name": KEY, "arguments": "{}"}}]),
            ),
        ),
        ("the model", with("/model", json!(KEY))),
        ("the usage", with("/usage/x", json!(KEY))),
        ("an unknown field", with("/x", json!([{"deep": KEY}]))),
    ] {
        for (name, setup) in setups(&provider) {
            provider.now(Script::reply("200 OK", "application/json", &body));
            let gateway = start(&setup);
            let reply = gateway.ask("hi");
            assert_hidden(&format!("{what}, {name}"), &reply);
            gateway.stop();
        }
    }
}
