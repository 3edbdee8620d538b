//! Chunks put together again: choices that are stopped alone, reasoning that is over, and usage that nobody asked for.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{DONE, Form, Provider, Reply, Script, Setup, chunk, delta, event, finish, form};

use crate::record;

fn of(index: u32, delta: Value, end: Option<&str>) -> Value {
    json!({"id": "c1", "choices": [{"index": index, "delta": delta, "finish_reason": end}]})
}

fn says(index: u32, text: &str) -> Value {
    of(index, json!({"content": text}), None)
}

fn ends(index: u32) -> Value {
    of(index, json!({}), Some("stop"))
}

/// The chunks as a stream that does not end by itself.
fn told(chunks: &[Value]) -> String {
    chunks.iter().map(event).collect()
}

/// What the client hears of a choice: its text, and why it ended.
fn heard(reply: &Reply, index: u32) -> (String, Vec<String>) {
    let choices =
        reply.chunks().into_iter().flat_map(|c| c["choices"].as_array().cloned().unwrap_or_default());
    let own: Vec<Value> = choices.filter(|choice| choice["index"] == index).collect();
    let text = own.iter().filter_map(|choice| choice["delta"]["content"].as_str()).collect();
    (text, own.iter().filter_map(|choice| choice["finish_reason"].as_str().map(str::to_owned)).collect())
}

fn two(provider: &Provider) -> Reply {
    let gateway = Setup::guarded(provider).here();
    let mut question = tests::question_of("hi", true);
    question["n"] = json!(2);
    question["stream_options"] = json!({"include_usage": true});
    let reply = gateway.chat(&question);
    let record = record::only(&gateway.stop(), "blocked", 200);
    assert_eq!((&record["verdict"], &record["error"]), (&json!("block"), &json!("output_blocked")));
    reply
}

fn strings(of: &[&str]) -> Vec<String> {
    of.iter().map(ToString::to_string).collect()
}

#[test]
fn a_rule_stops_the_choice_that_it_matches_and_no_other() {
    let usage = json!({"id": "c1", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 9}});
    let chunks = [
        says(0, "fine. FORB"),
        says(1, "b SECR"),
        says(0, "IDDEN and more"),
        says(1, "ET12"),
        says(0, "still more"),
        json!({"id": "c1", "choices": [
            {"index": 0, "delta": {"content": "most"}, "finish_reason": null},
            {"index": 1, "delta": {"content": "!"}, "finish_reason": null}]}),
        ends(0),
        ends(1),
        usage.clone(),
    ];
    let reply = two(&Provider::always(Script::stream(told(&chunks) + DONE)));
    assert_eq!(heard(&reply, 0), ("fine. ".to_owned(), strings(&["content_filter"])));
    assert_eq!(heard(&reply, 1), ("b [SECRET]!".to_owned(), strings(&["stop"])));
    let [.., told, error, done] = &*reply.events() else { panic!("{}", reply.body) };
    assert_eq!(serde_json::from_str::<Value>(told).unwrap(), usage);
    assert_eq!(serde_json::from_str::<Value>(error).unwrap()["error"]["code"], "output_blocked");
    assert_eq!(*done, "[DONE]");
    assert!(!reply.shows("IDDEN and") && !reply.shows("more") && !reply.shows("most"));
}

#[test]
fn when_the_last_choice_is_stopped_the_provider_is_let_go() {
    let chunks = [says(0, "a FORBIDDEN"), says(1, "b"), says(1, " FORBIDDEN")];
    let provider = Provider::always(Script::stream(told(&chunks)).stall());
    let reply = two(&provider);
    assert_eq!(heard(&reply, 0), ("a ".to_owned(), strings(&["content_filter"])));
    assert_eq!(heard(&reply, 1), ("b ".to_owned(), strings(&["content_filter"])));
    assert!(reply.is_whole && reply.code() == "output_blocked");
    assert!(provider.is_let_go(Duration::from_millis(500)), "the provider goes on, and so does the bill");
}

#[test]
fn of_several_prompts_only_the_one_is_stopped() {
    let chunks = [
        form::text_chunk(0, "a FORBIDDEN", None),
        form::text_chunk(1, "b", None),
        form::text_chunk(1, " c", Some("stop")),
    ];
    let provider = Provider::always(Script::stream(told(&chunks) + DONE));
    let gateway = Setup::guarded(&provider).here();
    let question = json!({"model": "m", "prompt": ["one", "two"], "stream": true});
    let reply = gateway.call(Form::Completion.path(), &question);
    let said = |index: u32| -> String {
        let choices =
            reply.chunks().into_iter().flat_map(|c| c["choices"].as_array().cloned().unwrap_or_default());
        let own = choices.filter(|choice| choice["index"] == index);
        own.filter_map(|choice| choice["text"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!((said(0).as_str(), said(1).as_str(), reply.code().as_str()), ("a ", "b c", "output_blocked"));
}

/// The texts of a chat's deltas, in the order in which they come.
fn order(reply: &Reply) -> Vec<(String, String)> {
    let deltas = reply.chunks().into_iter().filter_map(|c| c["choices"][0]["delta"].as_object().cloned());
    let fields = deltas.flatten().filter_map(|(field, text)| Some((field, text.as_str()?.to_owned())));
    fields.filter(|(_, text)| !text.is_empty()).collect()
}

fn play(deltas: &[Value], end: &str) -> Reply {
    let chunks: Vec<Value> = deltas.iter().map(|delta| chunk(delta.clone(), None)).collect();
    let provider = Provider::always(Script::stream(told(&chunks) + end));
    Setup::guarded(&provider).here().stream("hi")
}

fn whole_end() -> String {
    event(&finish("stop")) + DONE
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(field, text)| ((*field).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn reasoning_is_told_to_its_end_before_the_answer_begins() {
    for field in ["reasoning_content", "reasoning"] {
        let thought = json!({field: "I write to ann"});
        let reply =
            play(&[thought.clone(), json!({"content": "Hello "}), json!({"content": "you"})], &whole_end());
        let expected = [(field, "I write to "), (field, "ann"), ("content", "Hello "), ("content", "you")];
        assert_eq!(order(&reply), pairs(&expected), "{}", reply.body);
        let mut both = thought.clone();
        both["content"] = json!("Hello ");
        let reply = play(&[both], &whole_end());
        assert_eq!(
            order(&reply),
            pairs(&[(field, "I write to ann"), ("content", "Hello ")]),
            "{}",
            reply.body
        );
        let call = json!({"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]});
        let reply = play(&[thought, call], &whole_end());
        let at = |text: &str| reply.body.find(text).unwrap_or_else(|| panic!("{}", reply.body));
        assert!(at("\"ann\"") < at("tool_calls"), "{}", reply.body);
    }
}

#[test]
fn reasoning_that_goes_on_is_still_one_text() {
    let think = |text: &str| json!({"reasoning_content": text});
    let say = |text: &str| json!({"content": text});
    let texts_of = |reply: &Reply, field: &str| -> String {
        order(reply).into_iter().filter(|(of, _)| of == field).map(|(_, text)| text).collect()
    };
    let reply =
        play(&[think("to ann"), say("a"), think("ie or SECRET1"), say("b"), think("2!")], &whole_end());
    assert_eq!(texts_of(&reply, "reasoning_content"), "to annie or [SECRET]!", "{}", reply.body);
    assert_eq!(texts_of(&reply, "content"), "ab");
    let reply = play(&[think("to SECRE"), say("a, "), think("T12!"), say("b")], &whole_end());
    assert_eq!(reply.code(), "text_reopened", "{}", reply.body);
    assert!(!reply.shows("T12") && !reply.shows("[SECRET]"), "{}", reply.body);
    assert_eq!(texts_of(&reply, "content"), "a, ", "{}", reply.body);
}

#[test]
fn reasoning_that_a_rule_stops_at_its_end_is_stopped() {
    let rules = r"policy house
        rule word on response { when text has /\bbad\b/ do block code 'x.bad' }"
        .replace('\'', "\"");
    let chunks = [chunk(json!({"reasoning_content": "this is bad"}), None), delta("Hello")];
    let provider = Provider::always(Script::stream(told(&chunks)).stall());
    let reply = Setup::over(&provider).rules("house", &rules).here().stream("hi");
    assert_eq!(order(&reply), pairs(&[("reasoning_content", "this is ")]), "{}", reply.body);
    assert_eq!(reply.error().unwrap()["reason_code"], "x.bad");
}

#[test]
fn usage_is_asked_for_and_told_to_those_who_asked() {
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 5});
    let mut said = delta("hi");
    said["usage"] = Value::Null;
    let own = json!({"id": "c1", "choices": [], "usage": usage});
    let stream = event(&said) + &*event(&finish("stop")) + &*event(&own) + DONE;
    for (asked, tells) in [
        (Value::Null, false),
        (json!({"include_usage": false}), false),
        (json!({"include_usage": true}), true),
    ] {
        let provider = Provider::always(Script::stream(&stream));
        let gateway = Setup::guarded(&provider).here();
        let mut question = tests::question_of("hi", true);
        if !asked.is_null() {
            question["stream_options"] = asked;
        }
        let reply = gateway.chat(&question);
        assert_eq!(reply.said(), "hi");
        assert_eq!(reply.shows("usage"), tells, "{}", reply.body);
        assert_eq!(reply.chunks().last().unwrap()["usage"] == usage, tells);
        assert_eq!(provider.last().json()["stream_options"], json!({"include_usage": true}));
        let record = record::only(&gateway.stop(), "complete", 200);
        assert_eq!((&record["input_tokens"], &record["output_tokens"]), (&json!(3), &json!(5)));
    }
}
