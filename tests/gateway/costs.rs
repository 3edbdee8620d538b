//! What requests cost: as the provider says, by its price, or estimated.

use serde_json::{Value, json};
use tests::{Gateway, Provider, Script, Setup, events, question_of, whole};

const PRICED: &str = "model: m, pricing: {prompt: 2, completion: 10, cached: 0.5}";

fn gateway(provider: &Provider) -> Gateway {
    Setup::new().target("a", provider, PRICED).here()
}

fn with_usage(usage: &Value) -> Script {
    let mut answer: Value = whole("ok");
    answer["usage"] = usage.clone();
    Script::json(&answer)
}

fn without_usage(text: &str) -> Script {
    let mut answer: Value = whole(text);
    answer.as_object_mut().unwrap().remove("usage");
    Script::json(&answer)
}

/// The record's words on tokens and money.
fn account(record: &Value) -> Value {
    json!([record["input_tokens"], record["output_tokens"], record["cost_usd"], record["usage_source"]])
}

#[test]
fn an_answer_says_what_it_cost() {
    let usage = json!({"prompt_tokens": 1000, "completion_tokens": 40, "prompt_tokens_details": {"cached_tokens": 600}});
    let provider = Provider::always(with_usage(&usage));
    let gateway = gateway(&provider);
    let reply = gateway.ask("hi");
    assert_eq!(reply.header("x-kt-cost"), Some("0.0015"));
    let page = gateway.admin("/metrics").body;
    assert!(page.contains("keeptrusts_llm_cost_total{model=\"m\",provider=\"scripted\"} 0.0015\n"), "{page}");
    assert_eq!(account(&gateway.stop()[0]), json!([1000, 40, 0.0015, "provider"]));
}

#[test]
fn what_the_provider_says_of_the_cost_counts_before_the_price() {
    let usage = json!({"prompt_tokens": 1000, "completion_tokens": 40, "cost": 0.0123});
    let gateway = gateway(&Provider::always(with_usage(&usage)));
    assert_eq!(gateway.ask("hi").header("x-kt-cost"), Some("0.0123"));
    assert_eq!(account(&gateway.stop()[0]), json!([1000, 40, 0.0123, "provider"]));
}

#[test]
fn what_no_provider_counts_is_estimated_and_says_so() {
    let gateway = gateway(&Provider::always(without_usage("Hello, world!")));
    let reply = gateway.ask("Hello, world!");
    assert_eq!(reply.header("x-kt-cost"), Some("0.000056; estimate"));
    assert_eq!(account(&gateway.stop()[0]), json!([8, 4, 0.000056, "estimate"]));
}

#[test]
fn a_stream_has_no_header_and_its_record_has_the_cost() {
    let gateway = gateway(&Provider::always(Script::stream(events(["Hello, ", "world!"]))));
    let reply = gateway.stream("Hello, world!");
    assert_eq!((reply.said().as_str(), reply.header("x-kt-cost")), ("Hello, world!", None));
    assert_eq!(account(&gateway.stop()[0]), json!([8, 4, 0.000056, "estimate"]));
}

#[test]
fn a_stream_that_breaks_off_costs_what_it_said() {
    let cut = events(["Hello, ", "world!"]);
    let cut = cut.split_once("data: [DONE]").unwrap().0.rsplit_once("data: ").unwrap().0.to_owned();
    let gateway = gateway(&Provider::always(Script::stream(cut)));
    assert_eq!(gateway.stream("Hello, world!").status, 200);
    let record = &gateway.stop()[0];
    assert_eq!(record["error"], "stream_truncated");
    assert_eq!(account(record), json!([8, 4, 0.000056, "estimate"]));
}

#[test]
fn a_price_that_is_not_known_is_null_and_not_nothing() {
    let usage = json!({"prompt_tokens": 1000, "completion_tokens": 40});
    let gateway = Setup::new().target("a", &Provider::always(with_usage(&usage)), "").here();
    assert_eq!(gateway.ask("hi").header("x-kt-cost"), None);
    assert_eq!(account(&gateway.stop()[0]), json!([1000, 40, null, "provider"]));
}

#[test]
fn an_answer_that_is_stopped_says_what_it_cost_all_the_same() {
    let provider = Provider::always(without_usage("FORBIDDEN"));
    let gateway = Setup::new().target("a", &provider, PRICED).rules("house", tests::RULES).here();
    let reply = gateway.chat(&question_of("hi", false));
    assert_eq!(reply.status, 409);
    assert!(reply.header("x-kt-cost").is_some_and(|cost| cost.ends_with("; estimate")), "{reply:?}");
}

#[test]
fn vectors_cost_what_their_texts_do() {
    let answer = json!({"object": "list", "data": [{"embedding": [0.5]}], "usage": {"prompt_tokens": 1000}});
    let gateway = gateway(&Provider::always(Script::json(&answer)));
    let reply = gateway.call("/v1/embeddings", &json!({"model": "m", "input": "hi"}));
    assert_eq!(reply.header("x-kt-cost"), Some("0.002"), "{}", reply.body);
    assert_eq!(account(&gateway.stop()[0]), json!([1000, 0, 0.002, "provider"]));
}
