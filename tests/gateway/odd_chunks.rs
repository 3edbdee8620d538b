//! Chunks as some providers write them: what stands in an odd place is told in its order, or refused, and never lost.

use serde_json::{Value, json};
use tests::{DONE, Provider, Reply, Script, Setup, chunk, delta, event, finish};

use crate::record;

fn told(chunks: &[Value]) -> String {
    chunks.iter().map(event).collect()
}

fn played(setup: &Setup, provider: &Provider, chunks: &[Value], end: &str) -> Reply {
    provider.now(Script::stream(told(chunks) + end));
    setup.here().stream("hi")
}

fn ended() -> String {
    event(&finish("stop")) + DONE
}

fn think(text: &str) -> Value {
    chunk(json!({"reasoning_content": text}), None)
}

/// Where each of the texts begins in what the client got; they must all be there.
fn places(reply: &Reply, texts: &[&str]) -> Vec<usize> {
    texts.iter().map(|text| reply.body.find(text).unwrap_or_else(|| panic!("{}", reply.body))).collect()
}

#[test]
fn an_answer_that_was_waited_for_begins_with_its_reasoning() {
    let provider = Provider::always(Script::default());
    let rules = r#"policy waits
        rule w on response buffered { when text has "secret" and not text has "sorry" do redact with "*" }"#;
    let setup = Setup::over(&provider).rules("waits", rules);
    let reply = played(&setup, &provider, &[think("I think"), delta("The answer")], &ended());
    assert!(places(&reply, &["I think", "The answer"]).is_sorted(), "{}", reply.body);
}

#[test]
fn usage_beside_choices_makes_no_chunk_without_choices() {
    let provider = Provider::always(Script::default());
    let usage = |mut chunk: Value| {
        chunk["usage"] = json!({"prompt_tokens": 1, "completion_tokens": 1});
        chunk
    };
    let chunks = ["a ", "SEC", "ond"].map(|text| usage(delta(text)));
    let reply = played(&Setup::guarded(&provider), &provider, &chunks, &ended());
    assert_eq!(reply.said(), "a SECond");
    assert!(!reply.shows("\"choices\":[]"), "{}", reply.body);
}

#[test]
fn of_two_spellings_of_the_reasoning_the_empty_one_goes() {
    let provider = Provider::always(Script::default());
    let both =
        |first: &str, second: &str| chunk(json!({"reasoning_content": first, "reasoning": second}), None);
    for (chunk, text) in
        [(both("", "one"), "one"), (both("two", ""), "two"), (both("three", "three"), "three")]
    {
        let reply = played(&Setup::guarded(&provider), &provider, &[chunk], &ended());
        assert_eq!(reply.body.matches(text).count(), 1, "{}", reply.body);
    }
}

#[test]
fn reasoning_that_would_shrink_after_it_was_told_is_an_error() {
    let rules = r#"policy short
        rule keys on response { when text has /sk-[0-9]{3}/ do redact with "" }"#;
    let provider = Provider::always(Script::default());
    let setup = Setup::over(&provider).rules("short", rules);
    let reply = played(&setup, &provider, &[think("key sk-1"), delta("A"), think("23")], &ended());
    assert_eq!(reply.code(), "text_reopened", "{}", reply.body);
    let again = [think("key sk-1"), delta("A"), think("23"), delta("B"), think(" more")];
    assert_eq!(played(&setup, &provider, &again, &ended()).code(), "text_reopened");
    let harmless = [think("key sk-1"), delta("A"), think("x"), delta("B")];
    let reply = played(&setup, &provider, &harmless, &ended());
    assert!(reply.is_whole && reply.error().is_none() && reply.said() == "AB", "{}", reply.body);
}

#[test]
fn half_a_character_does_not_hold_up_the_reasoning() {
    let provider = Provider::always(Script::default());
    let half = event(&think("HALF")).replace("HALF", "\\ud83d");
    provider.now(Script::stream(event(&think("see SEC")) + &*half + &*event(&delta("Answer")) + &*ended()));
    let reply = Setup::guarded(&provider).here().stream("hi");
    assert!(places(&reply, &["\"SEC\"", "Answer"]).is_sorted(), "{}", reply.body);
}

#[test]
fn a_stopped_choice_is_told_though_another_never_came() {
    let provider = Provider::always(Script::stream(event(&delta("FORBIDDEN")) + DONE));
    let gateway = Setup::guarded(&provider).here();
    let mut question = tests::question_of("hi", true);
    question["n"] = json!(2);
    let reply = gateway.chat(&question);
    assert_eq!(reply.code(), "output_blocked", "{}", reply.body);
    assert_eq!(reply.error().unwrap()["rule"], "stop");
    record::only(&gateway.stop(), "blocked", 200);
}

#[test]
fn one_choice_twice_in_a_chunk_is_refused() {
    let provider = Provider::always(Script::default());
    let mut twice = delta("Hello ");
    let mut second = delta("SEC")["choices"][0].clone();
    second["finish_reason"] = json!("stop");
    twice["choices"].as_array_mut().unwrap().push(second);
    let reply = played(&Setup::guarded(&provider), &provider, &[twice], DONE);
    assert_eq!(reply.code(), "unreadable_answer", "{}", reply.body);
}

#[test]
fn a_target_that_is_slow_to_say_something_is_measured() {
    let role = chunk(json!({"role": "assistant"}), None);
    let provider =
        Provider::always(Script::stream(event(&role)).pause(700).then(event(&delta("hi")) + &*ended()));
    let gateway = Setup::over(&provider).here();
    let question = tests::question_of("hi", true).to_string();
    let reply = gateway.post("x-stainless-timeout: 1\r\n", question);
    assert!(reply.is_whole, "{}", reply.body);
    let health = gateway.admin("/health").json();
    assert!(health["targets"]["a"]["latency_ms"].as_u64().is_some_and(|took| took >= 400), "{health}");
}

#[test]
fn flags_that_waited_are_asked_though_another_choice_was_stopped() {
    let rules = r#"policy house
        rule stop on response { when text has "FORBIDDEN" do block }
        rule one on response buffered { when text has "ok" and not text has "no" do flag }
        rule two on response buffered { when text has "fine" and not text has "no" do flag }"#;
    let provider = Provider::always(Script::default());
    let of = |index: u32, text: &str, end: Option<&str>| json!({"id": "c", "choices": [{"index": index, "delta": {"content": text}, "finish_reason": end}]});
    let chunks = [of(0, "FORBIDDEN now", None), of(1, "ok and fine", Some("stop"))];
    provider.now(Script::stream(told(&chunks) + DONE));
    let gateway = Setup::over(&provider).rules("house", rules).here();
    let mut question = tests::question_of("hi", true);
    question["n"] = json!(2);
    assert_eq!(gateway.chat(&question).code(), "output_blocked");
    let record = record::only(&gateway.stop(), "blocked", 200);
    let findings = record["policies_evaluated"][0]["findings"].as_array().unwrap();
    let rules: Vec<&str> = findings.iter().map(|found| found["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["stop", "one", "two"], "{record}");
}
