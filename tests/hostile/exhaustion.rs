//! Exhaustion: requests that ask for more than one answer's worth, and answers that are more than was asked for.

use serde_json::{Value, json};
use tests::form::completion;
use tests::{Provider, Script, Setup, question_of};

use crate::watch::start;
use crate::{CANARY, CHAT};

fn of(field: &str, value: Value) -> Value {
    let mut question = question_of(CANARY, false);
    question[field] = value;
    question
}

#[test]
fn a_request_for_too_many_answers_is_refused() {
    let provider = Provider::always(Script::answer("ok"));
    let usual = start(&Setup::guarded(&provider));
    let strict = start(&Setup::guarded(&provider).block("size_limits: {choices: 4}"));
    let prompt = |field: &str, count: u64| json!({"model": "m", "prompt": "hi", field: count});
    for (path, request, by_usual, by_strict) in [
        (CHAT, of("n", json!(1)), 200, 200),
        (CHAT, of("n", json!(5)), 200, 400), // the provider sends one
        (CHAT, of("n", json!(129)), 400, 400),
        (CHAT, of("n", json!(u64::MAX)), 400, 400),
        (CHAT, of("n", json!(-1)), 400, 400),
        (CHAT, of("n", json!(1.5)), 400, 400),
        (CHAT, of("n", json!("128")), 400, 400),
        (CHAT, of("n", json!([128])), 400, 400),
        ("/v1/completions", prompt("best_of", 5), 200, 400),
        ("/v1/completions", prompt("best_of", 129), 400, 400),
        ("/v1/completions", prompt("n", 129), 400, 400),
    ] {
        provider.now(if path == CHAT { Script::answer("ok") } else { Script::json(&completion(&["ok"])) });
        let field = if request.get("best_of").is_some() { "best_of" } else { "n" };
        for (gateway, status) in [(&usual, by_usual), (&strict, by_strict)] {
            let before = provider.seen().len();
            let reply = gateway.call(path, &request);
            assert_eq!(reply.status, status, "{request}: {}", reply.body);
            assert_eq!(provider.seen().len() - before, usize::from(status != 400), "{request}");
            if status == 400 {
                assert_eq!(reply.error().unwrap()["param"], field, "{request}");
            }
        }
    }
    for large in ["1e2", "1E99", "128.0"] {
        let body = of("n", json!("@")).to_string().replace("\"@\"", large);
        assert_eq!(usual.post("", body).status, 400, "{large}");
    }
    usual.stop();
    strict.stop();
}

#[test]
fn a_rule_says_how_long_an_answer_may_be() {
    let provider = Provider::always(Script::answer("ok"));
    let rules = "policy tokens\nrule most on request { when (max_tokens ?? 1000000) > 4000 do block code \"house.tokens\" }";
    let gateway = start(&Setup::over(&provider).rules("tokens", rules));
    for (request, status) in [
        (of("max_tokens", json!(4000)), 200),
        (of("max_tokens", json!(4001)), 409),
        (of("max_completion_tokens", json!(4001)), 409),
        (question_of(CANARY, false), 409),
        (of("max_tokens", json!(1e30)), 400),
        (of("max_tokens", json!("5")), 400),
    ] {
        assert_eq!(gateway.chat(&request).status, status, "{request}");
    }
    let mut both = of("max_tokens", json!(5));
    both["max_completion_tokens"] = json!(100_000);
    assert_eq!(gateway.chat(&both).status, 409, "whichever the provider reads");
    gateway.stop();
}

#[test]
fn a_provider_that_sends_more_than_was_asked_for_is_not_believed() {
    let provider = Provider::always(Script::default());
    let gateway = start(&Setup::guarded(&provider).providers("circuit_breaker: {enabled: false}"));
    let choice = |index: u64| {
        format!(
            "data: {{\"id\":\"c\",\"choices\":[{{\"index\":{index},\"delta\":{{\"content\":\"a\"}}}}]}}\n\n"
        )
    };
    let crowd: String = (0..10_000).map(choice).collect();
    for (name, events) in [
        ("ten thousand choices", crowd),
        ("a choice far away", choice(0) + &*choice(4_000_000_000)),
        ("a choice beyond numbers", choice(0) + &*choice(u64::MAX)),
    ] {
        provider.now(Script::stream(events));
        let reply = gateway.stream(CANARY);
        assert!(
            ["unreadable_answer", "stream_truncated"].contains(&reply.code().as_str()),
            "{name}: {}",
            &reply.body[..reply.body.len().min(400)]
        );
    }
    gateway.stop();
}
