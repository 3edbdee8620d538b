//! Completions and embeddings: prompts of every shape, and answers of one text or of many.

use serde_json::{Value, json};
use tests::form::{completion, text_chunk, vectors};
use tests::{DONE, Provider, Reply, Script, Setup, event};

use crate::record;

const SECRET: &str = "ann@example.com";

#[test]
fn every_string_of_a_completion_is_redacted_wherever_it_stands() {
    let provider = Provider::always(Script::json(&completion(&["ok"])));
    let gateway = Setup::guarded(&provider).here();
    let request = json!({"model": "m", "prompt": [SECRET, format!("to {SECRET}")], "suffix": SECRET, "user": SECRET,
        "stop": [SECRET], "logit_bias": {SECRET: 1}, "response_format": {"type": "json_schema", "schema": {"title": SECRET}},
        "metadata": {"k": SECRET, SECRET: 1}, "images": [format!("https://x.example/{SECRET}")], "unknown": [[{"deep": SECRET}]],
        SECRET: null});
    assert_eq!(gateway.call("/v1/completions", &request).status, 200);
    let sent = String::from_utf8(provider.last().body).unwrap();
    assert!(!sent.contains(SECRET), "{sent}");
    assert_eq!(sent.matches("[EMAIL]").count(), request.to_string().matches(SECRET).count());
}

#[test]
fn every_string_of_an_embedding_is_redacted_and_its_vectors_pass() {
    let answer = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.50,-1e-7]}],"model":"real","usage":{"prompt_tokens":3,"total_tokens":3}}"#;
    let provider = Provider::always(Script::reply("200 OK", "application/json", answer));
    let gateway = Setup::guarded(&provider).here();
    for (input, sent) in [
        (json!(format!("I am {SECRET}")), json!("I am [EMAIL]")),
        (json!(["a", SECRET, "SECRET1"]), json!(["a", "[EMAIL]", "[SECRET]"])),
    ] {
        let request = json!({"model": "m", "input": input, "encoding_format": "float", "metadata": [SECRET]});
        let reply = gateway.call("/v1/embeddings", &request);
        assert_eq!((reply.status, reply.body.as_str()), (200, answer));
        let expected =
            json!({"model": "m", "input": sent, "encoding_format": "float", "metadata": ["[EMAIL]"]});
        assert_eq!(provider.last().json(), expected);
        assert!(provider.last().head.starts_with("POST /v1/embeddings "));
    }
    let records = gateway.stop();
    assert_eq!(records.len(), 2);
    for record in records {
        record::check(&record, "complete", 200);
        assert_eq!((&record["endpoint"], &record["input_tokens"]), (&json!("embeddings"), &json!(3)));
    }
}

#[test]
fn embeddings_are_blocked_fail_and_are_refused_like_chats() {
    let provider = Provider::always(Script::json(&vectors(1)));
    let gateway = Setup::guarded(&provider).here();
    let ask = |request: &Value| gateway.call("/embeddings", request);
    let blocked = ask(&json!({"model": "m", "input": ["a", "FORBIDDEN"]}));
    assert_eq!((blocked.status, blocked.code().as_str()), (409, "input_blocked"));
    let streamed = ask(&json!({"model": "m", "input": "a", "stream": true}));
    assert_eq!((streamed.status, param(&streamed).as_str()), (400, "stream"));
    assert_eq!(provider.connections(), 0);
    for (body, code) in [
        (r#"{"error":{"code":"busy","message":"x"}}"#, "busy"),
        (r#"{"data":1}"#, "unreadable_answer"),
        (r#"{"object":"list"}"#, "unreadable_answer"),
        ("[]", "unreadable_answer"),
    ] {
        provider.now(Script::reply("200 OK", "application/json", body));
        let reply = ask(&json!({"model": "m", "input": "a"}));
        assert_eq!((reply.status, reply.code().as_str()), (502, code), "{body}");
    }
}

#[test]
fn a_rule_about_answers_can_stop_vectors() {
    let provider = Provider::always(Script::json(&vectors(1)));
    let rules = "policy p\nrule r on response buffered { when not text has \"please\" do block }";
    let gateway = Setup::over(&provider).rules("p", rules).here();
    let reply = gateway.call("/v1/embeddings", &json!({"model": "m", "input": "a"}));
    assert_eq!((reply.status, reply.code().as_str()), (409, "output_blocked"));
}

#[test]
fn token_ids_are_refused_where_a_policy_would_have_to_read_them() {
    let provider = Provider::always(Script::json(&completion(&["ok"])));
    let guarded = Setup::guarded(&provider).here();
    let only_answers = Setup::over(&provider)
        .rules("p", "policy p\nrule r on response { when text has \"never\" do block }")
        .here();
    for (path, field) in [("/v1/completions", "prompt"), ("/v1/embeddings", "input")] {
        provider.now(Script::json(&if field == "prompt" { completion(&["ok"]) } else { vectors(1) }));
        for ids in [json!([1, 2, 3]), json!([[1, 2], [3]])] {
            let request = json!({"model": "m", field: ids});
            let before = provider.connections();
            let refused = guarded.call(path, &request);
            assert_eq!((refused.status, param(&refused).as_str()), (400, field), "{request}");
            assert_eq!(provider.connections(), before);
            assert_eq!(only_answers.call(path, &request).status, 200, "{request}");
            assert_eq!(provider.last().json(), request);
        }
    }
    guarded.stop().iter().for_each(|one| record::check(one, "refused", 400));
}

#[test]
fn a_prompt_of_the_wrong_shape_is_named() {
    let provider = Provider::always(Script::default());
    let gateway = Setup::over(&provider).here();
    for (path, field) in [("/v1/completions", "prompt"), ("/v1/embeddings", "input")] {
        for (value, place) in [
            (json!(5), ""),
            (json!({"a": "b"}), ""),
            (json!([]), ""),
            (json!(["a", 1]), "[1]"),
            (json!(["a", ["b"]]), "[1]"),
            (json!([1, "a"]), "[0]"),
            (json!([[1], ["a"]]), "[1]"),
            (json!([[]]), "[0]"),
            (json!([null]), "[0]"),
        ] {
            let reply = gateway.call(path, &json!({"model": "m", field: value}));
            assert_eq!((reply.status, param(&reply)), (400, format!("{field}{place}")), "{value}");
        }
    }
    for (request, place) in [
        (json!({"model": "m", "prompt": "a", "suffix": 1}), "suffix"),
        (json!({"model": "m", "prompt": "a", "n": -1}), "n"),
        (json!({"model": "m", "prompt": "a", "Prompt": "b"}), "prompt"),
        (json!({"model": "m", "prompt": "a", "base_url": "b"}), "base_url"),
        (json!({"prompt": "a"}), "model"),
    ] {
        assert_eq!(param(&gateway.call("/v1/completions", &request)), place, "{request}");
    }
    let missing = gateway.call("/v1/embeddings", &json!({"model": "m"}));
    assert_eq!((missing.status, param(&missing).as_str()), (400, "input"));
    assert_eq!(provider.connections(), 0);
}

fn param(reply: &Reply) -> String {
    reply.error().and_then(|error| Some(error["param"].as_str()?.to_owned())).unwrap_or_default()
}

/// What each choice of a stream says.
fn texts(reply: &Reply, count: usize) -> Vec<String> {
    let mut texts = vec![String::new(); count];
    for choice in reply.chunks().iter().flat_map(|chunk| chunk["choices"].as_array().unwrap()) {
        texts[choice["index"].as_u64().unwrap() as usize].push_str(choice["text"].as_str().unwrap());
    }
    texts
}

#[test]
fn every_prompt_times_every_choice_is_guarded_apart() {
    let said = [(0, "a SEC"), (3, "d SECRET"), (1, "b"), (2, "FOR"), (0, "RET1"), (3, "9"), (2, "TY")];
    let chunks = said.iter().map(|(index, text)| event(&text_chunk(*index, text, None)));
    let ends = (0..4).map(|index| event(&text_chunk(index, "", Some("length"))));
    let provider = Provider::always(Script::stream(chunks.chain(ends).collect::<String>() + DONE));
    let gateway = Setup::guarded(&provider).here();
    let request = json!({"model": "m", "stream": true, "prompt": ["x", "y"], "n": 2});
    let reply = gateway.call("/v1/completions", &request);
    assert_eq!(texts(&reply, 4), ["a [SECRET]", "b", "FORTY", "d [SECRET]"], "{}", reply.body);
    let whole = completion(&["a SECRET1", "b", "FORTY", "d SECRET9"]);
    provider.now(Script::json(&whole));
    let mut whole_request = request.clone();
    whole_request["stream"] = json!(false);
    let answer = gateway.call("/v1/completions", &whole_request).json();
    assert_eq!(answer["choices"][3]["text"], "d [SECRET]");
    let few: String = (0..3).map(|index| event(&text_chunk(index, "x", Some("stop")))).collect();
    provider.now(Script::stream(few + DONE));
    assert_eq!(gateway.call("/v1/completions", &request).code(), "stream_truncated");
}

#[test]
fn a_prompt_that_comes_back_is_judged_with_the_text() {
    let provider = Provider::always(Script::json(&completion(&["the prompt SECRET1 and its end"])));
    let gateway = Setup::guarded(&provider).here();
    let request = json!({"model": "m", "prompt": "the prompt", "echo": true, "logprobs": 3});
    let reply = gateway.call("/v1/completions", &request);
    assert_eq!(reply.json()["choices"][0]["text"], "the prompt [SECRET] and its end");
}

#[test]
fn second_copies_of_a_completion_never_pass() {
    let copies = |choice: &mut Value| {
        choice["logprobs"] = json!({"tokens": ["SECRET1"], "top_logprobs": [{"SECRET1": -1.0}]});
        choice["prompt_logprobs"] = json!([{"1": {"decoded_token": "SECRET1"}}]);
        choice["raw_output"] = json!({"completion": "SECRET1"});
        choice["message"] = json!(null);
    };
    let mut whole = completion(&["SECRET1"]);
    copies(&mut whole["choices"][0]);
    whole["note"] = json!("SECRET1");
    let provider = Provider::always(Script::json(&whole));
    let gateway = Setup::guarded(&provider).here();
    let request = json!({"model": "m", "prompt": "x"});
    let reply = gateway.call("/v1/completions", &request);
    assert!(!reply.shows("SECRET1"), "{}", reply.body);
    assert_eq!(reply.json()["choices"][0]["logprobs"], json!(null));
    let mut chunk = text_chunk(0, "SECRET1", None);
    copies(&mut chunk["choices"][0]);
    provider.now(Script::stream(event(&chunk) + &*event(&text_chunk(0, "", Some("stop"))) + DONE));
    let reply = gateway.call("/v1/completions", &json!({"model": "m", "prompt": "x", "stream": true}));
    assert!(!reply.shows("SECRET1") && texts(&reply, 1) == ["[SECRET]"], "{}", reply.body);
    for odd in [json!({"text": ["SECRET1"]}), json!({"delta": {"content": "SECRET1"}}), json!("SECRET1")] {
        provider.now(Script::stream(event(&json!({"choices": [odd]})) + DONE));
        let reply = gateway.call("/v1/completions", &json!({"model": "m", "prompt": "x", "stream": true}));
        assert_eq!((reply.code().as_str(), reply.shows("SECRET1")), ("unreadable_answer", false), "{odd}");
    }
}
