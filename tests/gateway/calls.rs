//! The arguments of calls are judged like any text, whole and in pieces, and stay JSON.

use std::collections::BTreeMap;

use bytes::Bytes;
use gateway::wire::{Answer, Asked, Ending, Endpoint};
use proptest::prelude::*;
use serde_json::{Value, json};
use tests::cut::pieces;
use tests::form::response;
use tests::{DONE, Form, Provider, Reply, Script, Setup, Told, chunk, event, finish};

use crate::cuts::{PACKS, judged, streamed};
use crate::record;

const ARGUMENTS: &str = r#"{"to": "ann\u0040example.com", "note": "SECR\u0045T12, é\ud83d\ude00", "n": 1}"#;
const CLEAN: &str = r#"{"to": "[EMAIL]", "note": "[SECRET], é\ud83d\ude00", "n": 1}"#;

fn function(id: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "send", "arguments": arguments}})
}

fn custom(id: &str, input: &str) -> Value {
    json!({"id": id, "type": "custom", "custom": {"name": "run", "input": input}})
}

/// A chunk with calls.
fn calling(calls: Value) -> String {
    event(&chunk(json!({"tool_calls": calls}), None))
}

/// The arguments of each call of a stream, put together by number as SDKs do.
fn called(reply: &Reply) -> BTreeMap<u64, String> {
    let mut calls = BTreeMap::<u64, String>::new();
    for chunk in reply.chunks() {
        let delta = &chunk["choices"][0]["delta"];
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let text = call["function"]["arguments"].as_str().or(call["custom"]["input"].as_str());
            calls.entry(call["index"].as_u64().unwrap()).or_default().push_str(text.unwrap_or_default());
        }
        if let Some(text) = delta["function_call"]["arguments"].as_str() {
            calls.entry(99).or_default().push_str(text);
        }
    }
    calls
}

fn assert_hidden(reply: &Reply) {
    for secret in ["ann", "example.com", "ET12", "SECR"] {
        let said = reply.body.replace("annotations", "").replace("[SECRET]", "");
        assert!(!said.contains(secret), "{secret}: {}", reply.body);
    }
}

#[test]
fn arguments_of_a_whole_answer_are_redacted() {
    let message = json!({"role": "assistant", "content": null, "function_call": {"name": "send", "arguments": ARGUMENTS},
        "tool_calls": [function("a", ARGUMENTS), custom("b", "mail ann@example.com"), function("c", "{}")]});
    let answer = json!({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]});
    let provider = Provider::always(Script::json(&answer));
    let gateway = Setup::guarded(&provider).here();
    let reply = gateway.ask("hi");
    assert_hidden(&reply);
    let message = reply.json()["choices"][0]["message"].clone();
    assert_eq!(
        message["tool_calls"],
        json!([function("a", CLEAN), custom("b", "mail [EMAIL]"), function("c", "{}")])
    );
    assert_eq!(message["function_call"], json!({"name": "send", "arguments": CLEAN}));
    let record = record::only(&gateway.stop(), "complete", 200);
    let found = record["policies_evaluated"][0]["findings"].as_array().unwrap();
    let sites: Vec<&str> = found.iter().map(|one| one["site"].as_str().unwrap()).collect();
    assert_eq!(sites[0], "response.choices[0].tool_calls[0].arguments");
    assert_eq!(*sites.last().unwrap(), "response.choices[0].function_call.arguments");
}

#[test]
fn arguments_are_redacted_in_every_cut() {
    let provider = Provider::always(Script::default());
    let gateway = Setup::guarded(&provider).here();
    let mut first = function("a", "");
    first["index"] = json!(0);
    for cut in (0..=ARGUMENTS.len()).filter(|cut| ARGUMENTS.is_char_boundary(*cut)) {
        let (before, after) = ARGUMENTS.split_at(cut);
        let piece = |text: &str| calling(json!([{"index": 0, "function": {"arguments": text}}]));
        let bytes = calling(json!([first]))
            + &*piece(before)
            + &*piece(after)
            + &*event(&finish("tool_calls"))
            + DONE;
        provider.now(Script::stream(bytes));
        let reply = gateway.stream("hi");
        assert_eq!(called(&reply), BTreeMap::from([(0, CLEAN.to_owned())]), "cut at {cut}: {}", reply.body);
        assert_hidden(&reply);
        assert_eq!(reply.chunks()[0]["choices"][0]["delta"]["tool_calls"][0], first, "cut at {cut}");
        assert_eq!(reply.finish().as_deref(), Some("tool_calls"), "cut at {cut}");
    }
}

#[test]
fn calls_are_held_apart_with_and_without_numbers() {
    let go_on = |holder: &str, field: &str, text: &str| json!({holder: {field: text}});
    let numbered = |number: u64, mut call: Value| {
        call["index"] = json!(number);
        call
    };
    let with = calling(json!([numbered(0, function("a", "{\"x\":\"SEC")), numbered(1, custom("b", "SEC"))]))
        + &*calling(json!([numbered(1, go_on("custom", "input", "RETARY"))]))
        + &*calling(json!([numbered(0, go_on("function", "arguments", "RET1\"}"))]));
    let without = calling(json!([function("a", "{\"x\":\"SEC")]))
        + &*calling(json!([go_on("function", "arguments", "RET1\"}")]))
        + &*calling(json!([custom("b", "SEC")]))
        + &*calling(json!([go_on("custom", "input", "RETARY")]));
    for calls in [with, without] {
        let provider = Provider::always(Script::stream(calls + &*event(&finish("tool_calls")) + DONE));
        let reply = Setup::guarded(&provider).here().stream("hi");
        let expected = BTreeMap::from([(0, "{\"x\":\"[SECRET]\"}".to_owned()), (1, "SECRETARY".to_owned())]);
        assert_eq!(called(&reply), expected, "{}", reply.body);
    }
    let older = |text: &str| event(&chunk(json!({"function_call": {"arguments": text}}), None));
    let provider = Provider::always(Script::stream(
        older("\"SEC") + &*older("RET1\"") + &*event(&finish("function_call")) + DONE,
    ));
    let reply = Setup::guarded(&provider).here().stream("hi");
    assert_eq!(called(&reply), BTreeMap::from([(99, "\"[SECRET]\"".to_owned())]), "{}", reply.body);
}

#[test]
fn a_call_that_comes_with_its_end_is_named_before_its_arguments() {
    let waits = "policy w\nrule w on response buffered { when text has \"hi\" and not text has \"please\" do redact with \"*\" }";
    for (rules, arguments, clean) in
        [(tests::RULES, "SEC", "SEC"), (waits, "{\"a\":\"hi\"}", "{\"a\":\"*\"}")]
    {
        let last =
            chunk(json!({"role": "assistant", "tool_calls": [function("a", arguments)]}), Some("tool_calls"));
        let provider = Provider::always(Script::stream(event(&last) + DONE));
        let reply = Setup::over(&provider).rules("r", rules).here().stream("hello");
        let chunks = reply.chunks();
        let first = &chunks[0]["choices"][0];
        assert_eq!(
            (&first["delta"]["role"], &first["finish_reason"]),
            (&json!("assistant"), &json!(null)),
            "{}",
            reply.body
        );
        assert_eq!(first["delta"]["tool_calls"][0]["function"]["name"], "send", "{}", reply.body);
        assert_eq!(called(&reply), BTreeMap::from([(0, clean.to_owned())]), "{}", reply.body);
        assert_eq!(
            chunks.last().unwrap()["choices"][0],
            json!({"index": 0, "delta": {}, "finish_reason": "tool_calls"})
        );
    }
}

#[test]
fn a_rule_can_stop_a_call() {
    let arguments = "{\"cmd\": \"rm FORB\\u0049DDEN\"}";
    let call = function("a", arguments);
    let message = json!({"role": "assistant", "content": null, "tool_calls": [call]});
    let whole = json!({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]});
    let (before, after) = arguments.split_at(12);
    let mut first = function("a", before);
    first["index"] = json!(0);
    let rest = json!([{"index": 0, "function": {"arguments": after}}]);
    let provider = Provider::always(Script::json(&whole));
    let gateway = Setup::guarded(&provider).here();
    assert_eq!(gateway.ask("hi").code(), "output_blocked");
    provider.now(Script::stream(calling(json!([first])) + &*calling(rest)));
    let reply = gateway.stream("hi");
    assert_eq!(
        (reply.code().as_str(), reply.finish().as_deref()),
        ("output_blocked", Some("content_filter"))
    );
    assert!(!called(&reply)[&0].contains("FORB") && !reply.shows("DDEN\\\""), "{}", reply.body);
    provider.now(Script::stream(items(arguments, 5)));
    let reply = gateway.ask_as(Form::Response, "hi", true);
    assert_eq!(reply.code(), "output_blocked", "{}", reply.body);
    assert!(!reply.shows("FORB\\") && !reply.shows("DDEN\\"), "{}", reply.body);
}

/// A response that calls a function and another tool, letter by letter or in longer pieces.
fn items(arguments: &str, size: usize) -> String {
    let mut told = Told::begun();
    let letters: Vec<char> = arguments.chars().collect();
    for (kind, field, name) in [
        ("function_call", "arguments", "function_call_arguments"),
        ("custom_tool_call", "input", "custom_tool_call_input"),
    ] {
        let item = |text: &str| json!({"id": kind, "type": kind, "call_id": "c", "name": "f", field: text});
        let at = told.item(&item(""));
        let of = |moment: &str, field: &str, text: &str| {
            json!({"type": format!("response.{name}.{moment}"), "item_id": kind,
            "output_index": at, field: text})
        };
        for piece in letters.chunks(size) {
            told.add(of("delta", "delta", &piece.iter().collect::<String>()));
        }
        told.add(of("done", field, arguments));
        told.end(at, item(arguments));
    }
    told.completed()
}

#[test]
fn arguments_of_items_are_redacted_in_every_copy() {
    let of = |text: &str| {
        json!([
        {"id": "function_call", "type": "function_call", "call_id": "c", "name": "f", "arguments": text},
        {"id": "custom_tool_call", "type": "custom_tool_call", "call_id": "c", "name": "f", "input": text}])
    };
    let provider = Provider::always(Script::json(&response(of(ARGUMENTS).as_array().unwrap().clone())));
    let gateway = Setup::guarded(&provider).here();
    let reply = gateway.ask_as(Form::Response, "hi", false);
    assert_eq!(reply.json()["output"], of(CLEAN));
    for size in [1, 2, 3, 7, 200] {
        provider.now(Script::stream(items(ARGUMENTS, size)));
        let reply = gateway.ask_as(Form::Response, "hi", true);
        Form::Response.assert_ended(&reply);
        assert_hidden(&reply);
        let events: Vec<Value> =
            reply.events().iter().map(|event| serde_json::from_str(event).unwrap()).collect();
        assert_eq!(events.last().unwrap()["response"]["output"], of(CLEAN), "in pieces of {size}");
        for (at, field) in [(0, "arguments"), (1, "input")] {
            let own: Vec<&Value> = events.iter().filter(|event| event["output_index"] == at).collect();
            let said: String = own.iter().filter_map(|event| event["delta"].as_str()).collect();
            assert_eq!(said, CLEAN, "in pieces of {size}");
            let copies =
                own.iter().filter_map(|event| event[field].as_str().or(event["item"][field].as_str()));
            assert_eq!(copies.collect::<Vec<_>>(), ["", CLEAN, CLEAN], "in pieces of {size}");
        }
    }
}

#[test]
fn shapes_in_which_a_call_could_hide_text_are_refused() {
    let many: Vec<Value> = (0..1025).map(|number| json!({"index": number})).collect();
    for calls in [
        json!("SECRET1"),
        json!(["SECRET1"]),
        json!([{"index": 0, "function": "SECRET1"}]),
        json!({"a": "SECRET1"}),
        json!(many),
    ] {
        let provider = Provider::always(Script::stream(calling(calls.clone())));
        let gateway = Setup::guarded(&provider).here();
        let reply = gateway.stream("hi");
        assert_eq!((reply.code().as_str(), reply.shows("SECRET1")), ("unreadable_answer", false), "{calls}");
        let message = json!({"role": "assistant", "tool_calls": calls});
        provider.now(Script::json(&json!({"choices": [{"message": message}]})));
        assert_eq!(gateway.ask("hi").code(), "unreadable_answer", "{calls}");
    }
    let odd = json!([{"index": 0, "id": "a", "note": "SECRET1", "function": {"name": ["SECRET1"], "arguments": {"a": "SECRET1"}}}]);
    let provider = Provider::always(Script::stream(calling(odd) + &*event(&finish("tool_calls")) + DONE));
    let reply = Setup::guarded(&provider).here().stream("hi");
    assert!(!reply.shows("SECRET1"), "{}", reply.body);
    assert_eq!(called(&reply), BTreeMap::from([(0, "{\"a\":\"[SECRET]\"}".to_owned())]));
}

/// Documents that are full of whole and half matches, written with random escapes.
fn documents() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => "[a-z ]{1,6}",
        2 => Just("ann.lee@example.com".to_owned()),
        2 => "SECRET[0-9]{0,4}",
        1 => Just("SEC".to_owned()),
        1 => Just("é\u{1F600}\"\\\n".to_owned()),
    ];
    let text = prop::collection::vec(word, 0..6).prop_map(|words| words.concat());
    let escaped = (text, prop::collection::vec(any::<bool>(), 1..40)).prop_map(|(text, escapes)| {
        let units = text.encode_utf16().zip(escapes.into_iter().cycle());
        let plain = |unit: u16| {
            char::from_u32(unit.into()).filter(|c| c.is_ascii_alphanumeric() || " @.".contains(*c))
        };
        let written = units.map(|(unit, escape)| {
            plain(unit).filter(|_| !escape).map_or_else(|| format!("\\u{unit:04x}"), String::from)
        });
        format!("\"{}\"", written.collect::<String>())
    });
    let value = prop_oneof![3 => escaped, 1 => "[0-9]{1,4}".prop_map(|digits| format!("1{digits}")), 1 => Just("true".to_owned())];
    prop::collection::vec(("[a-z]{1,4}", value), 0..6).prop_map(|fields| {
        let fields = fields.iter().map(|(key, value)| format!("\"{key}\": {value}"));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
    })
}

/// The arguments of the only call of a whole chat, as the client gets them.
fn whole(pack: &gateway::Pack, arguments: &str) -> String {
    let message = json!({"role": "assistant", "tool_calls": [function("a", arguments)]});
    let answer = json!({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]});
    let mut answer = Answer::parse(Endpoint::Chat, &Bytes::from(answer.to_string())).unwrap();
    let flow = answer.guard(&mut judged(pack), true, &Asked::default()).unwrap();
    assert_eq!(flow, engine::verdict::Flow::Open);
    answer.document["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
        .as_str()
        .unwrap()
        .to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn calls_in_pieces_say_what_whole_calls_say(document in documents(), sizes in prop::collection::vec(1_usize..9, 1..40)) {
        for pack in PACKS.iter() {
            let expected = whole(pack, &document);
            prop_assert!(serde_json::from_str::<Value>(&expected).is_ok(), "{} became {}", document, expected);
            let mut first = function("a", "");
            first["index"] = json!(0);
            let mut bytes = calling(json!([first]));
            for piece in pieces(&document, &sizes) {
                bytes.push_str(&calling(json!([{"index": 0, "function": {"arguments": piece}}])));
            }
            bytes.push_str(&(event(&finish("tool_calls")) + DONE));
            let (body, ending) = streamed(Form::Chat, pack, bytes.as_bytes(), &[10_000]);
            prop_assert_eq!(ending, Ending::Complete);
            let frames = body.split_terminator("\n\n").filter_map(|frame| serde_json::from_str::<Value>(frame.strip_prefix("data: ")?).ok());
            let said = frames.filter_map(|chunk| Some(chunk.pointer("/choices/0/delta/tool_calls/0/function/arguments")?.as_str()?.to_owned()));
            prop_assert_eq!(said.collect::<String>(), expected.clone());
            let (body, ending) = streamed(Form::Response, pack, items(&document, sizes[0]).as_bytes(), &[10_000]);
            prop_assert_eq!(ending, Ending::Complete);
            let last: Value = serde_json::from_str(body.trim_end().rsplit_once("data: ").unwrap().1).unwrap();
            prop_assert_eq!(last["response"]["output"][0]["arguments"].as_str(), Some(expected.as_str()));
        }
    }
}
