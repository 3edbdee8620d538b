//! What holds for every form of answer: chats, completions and responses, whole and streamed.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Form, Provider, Reply, Script, Setup};

use crate::record;

const TEXT: &str = "é 😀 write to ann@example.com or SECRET12, not to SECRE.";
const CLEAN: &str = "é 😀 write to [EMAIL] or [SECRET], not to SECRE.";

fn assert_clean(form: Form, reply: &Reply, at: impl std::fmt::Debug) {
    assert_eq!(form.said(reply), CLEAN, "{form:?} {at:?}: {}", reply.body);
    for part in ["ann@", "SECRET1", "@example"] {
        assert!(!reply.shows(part), "`{part}` leaked, {form:?} {at:?}: {}", reply.body);
    }
    if reply.is_stream() {
        assert!(form.is_finished(reply), "{form:?} {at:?}: {}", reply.body);
        form.assert_ended(reply);
    }
}

#[test]
fn prompt_and_answer_are_redacted_and_recorded() {
    for form in Form::ALL {
        let provider = Provider::always(Script::json(&form.whole(TEXT)));
        let gateway = Setup::guarded(&provider).here();
        let reply = gateway.ask_as(form, "I am ann@example.com with SECRET1", false);
        assert_clean(form, &reply, "whole");
        let expected = form.question("I am [EMAIL] with [SECRET]", false);
        assert_eq!(provider.last().json(), expected, "{form:?}");
        assert!(provider.last().head.starts_with(&format!("POST {} ", form.path())), "{form:?}");
        assert_eq!(
            (reply.header("x-kt-target"), reply.header("x-kt-policy")),
            (Some("a"), Some("redact; house"))
        );
        let record = record::only(&gateway.stop(), "complete", 200);
        assert_eq!(format!("/v1/{}", record["endpoint"].as_str().unwrap()), form.path());
        assert_eq!((&record["input_tokens"], &record["output_tokens"]), (&json!(3), &json!(5)), "{form:?}");
        let found = record["policies_evaluated"][0]["findings"].as_array().unwrap();
        let site = match form {
            Form::Chat => "response.choices[0].content",
            Form::Completion => "response.choices[0].text",
            Form::Response => "response.output[0].content[0].text",
        };
        assert_eq!((found.len(), &found[3]["site"]), (4, &json!(site)), "{form:?}");
    }
}

#[test]
fn the_paths_work_without_the_version() {
    for form in Form::ALL {
        let provider = Provider::always(Script::json(&form.whole("hi")));
        let gateway = Setup::guarded(&provider).here();
        let reply = gateway.call(form.path().strip_prefix("/v1").unwrap(), &form.question("hi", false));
        assert_eq!((reply.status, reply.json()), (200, form.whole("hi")), "{form:?}");
    }
}

#[test]
fn no_cut_of_the_text_shows_a_secret() {
    for form in Form::ALL {
        let provider = Provider::always(Script::default());
        let gateway = Setup::guarded(&provider).here();
        for cut in (0..TEXT.len()).filter(|cut| TEXT.is_char_boundary(*cut)) {
            let (before, after) = TEXT.split_at(cut);
            provider.now(form.deltas([before, after]));
            assert_clean(form, &gateway.ask_as(form, "hi", true), cut);
        }
        provider.now(form.deltas(TEXT.chars().map(String::from)));
        assert_clean(form, &gateway.ask_as(form, "hi", true), "letter by letter");
    }
}

#[test]
fn no_cut_of_the_bytes_shows_a_secret() {
    let (first, second) = TEXT.split_at(TEXT.find("example").unwrap());
    for form in [Form::Completion, Form::Response] {
        let bytes = form.events([first, second]);
        let provider = Provider::always(Script::default());
        let gateway = Setup::guarded(&provider).here();
        for cut in (0..bytes.len()).step_by(7) {
            let (before, after) = bytes.as_bytes().split_at(cut);
            provider.now(Script::stream(before).pause(1).then(after));
            assert_clean(form, &gateway.ask_as(form, "hi", true), cut);
        }
    }
}

#[test]
fn a_stream_that_dies_at_any_byte_ends_in_an_error_or_whole() {
    for form in [Form::Completion, Form::Response] {
        let bytes = form.events(["one SECRET1", "2 two ann@exam", "ple.com"]);
        let provider = Provider::always(Script::default());
        let setup = Setup::guarded(&provider).providers("circuit_breaker: {enabled: false}");
        let gateway = setup.here();
        let begins = form.begun("one SECRET1").len() - "\n\n".len(); // an event counts without its blank line
        let mut whole = 0;
        for cut in 0..bytes.len() {
            provider.now(Script::stream(&bytes.as_bytes()[..cut]));
            let reply = gateway.ask_as(form, "hi", true);
            if reply.status == 502 {
                assert!(cut < begins && reply.code() == "stream_truncated", "{form:?} cut at {cut}");
                continue;
            }
            let finished = form.is_finished(&reply);
            assert!(cut >= begins, "{form:?} cut at {cut}: {}", reply.body);
            assert_ne!(finished, reply.code() == "stream_truncated", "{form:?} cut at {cut}: {}", reply.body);
            assert!(
                !finished || form.said(&reply) == "one [SECRET] two [EMAIL]",
                "{form:?} cut at {cut}: {}",
                reply.body
            );
            assert!(
                "one [SECRET] two [EMAIL]".starts_with(&form.said(&reply)),
                "{form:?} cut at {cut}: {}",
                reply.body
            );
            assert!(!reply.shows("SECRET1") && !reply.shows("ann@"), "{form:?} cut at {cut}: {}", reply.body);
            form.assert_ended(&reply);
            whole += usize::from(finished);
        }
        assert!((1..40).contains(&whole), "{form:?}: {whole}");
    }
}

#[test]
fn a_blocked_request_reaches_no_provider() {
    for form in Form::ALL {
        let provider = Provider::always(Script::json(&form.whole("ok")));
        let gateway = Setup::guarded(&provider).here();
        for stream in [false, true] {
            let reply = gateway.ask_as(form, "say FORBIDDEN", stream);
            assert_eq!((reply.status, reply.header("x-should-retry")), (409, Some("false")));
            assert_eq!(
                (reply.code().as_str(), reply.header("x-kt-policy")),
                ("input_blocked", Some("block; house"))
            );
        }
        assert_eq!(provider.connections(), 0);
        gateway.stop().iter().for_each(|one| record::check(one, "blocked", 409));
    }
}

#[test]
fn a_blocked_answer_shows_nothing_of_itself() {
    for form in Form::ALL {
        let provider = Provider::always(Script::json(&form.whole("before FORBIDDEN after")));
        let gateway = Setup::guarded(&provider).here();
        let reply = gateway.ask_as(form, "hi", false);
        assert_eq!((reply.status, reply.code().as_str()), (409, "output_blocked"), "{form:?}");
        assert!(!reply.shows("before") && !reply.shows("after"), "{form:?}");
        record::only(&gateway.stop(), "blocked", 409);
    }
}

#[test]
fn a_block_in_mid_stream_tells_the_client_and_lets_go_of_the_provider() {
    for form in Form::ALL {
        let said = form.events(["fine so far. FORB", "IDDEN and more"]);
        let provider = Provider::always(Script::stream(said).stall());
        let gateway = Setup::guarded(&provider).here();
        let reply = gateway.ask_as(form, "hi", true);
        assert_eq!(form.said(&reply), "fine so far. ", "{form:?}: {}", reply.body);
        form.assert_ended(&reply);
        let events: Vec<Value> =
            reply.events().iter().filter_map(|event| serde_json::from_str(event).ok()).collect();
        let [.., filtered, error] = events.as_slice() else { panic!("{}", reply.body) };
        match form {
            Form::Chat | Form::Completion => {
                assert_eq!(filtered["choices"][0]["finish_reason"], "content_filter", "{form:?}");
            }
            Form::Response => {
                assert_eq!(filtered["type"], "response.incomplete");
                let response = &filtered["response"];
                assert_eq!(response["incomplete_details"], json!({"reason": "content_filter"}));
                assert_eq!((&response["status"], &response["id"]), (&json!("incomplete"), &json!("r1")));
                assert_eq!(response["output"][0]["content"][0]["text"], "fine so far. ");
                assert_eq!(response["output"][0]["status"], "incomplete");
                assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!("output_blocked")));
                assert_eq!(error["message"], error["error"]["message"]);
            }
        }
        assert_eq!(error["error"]["code"], "output_blocked", "{form:?}");
        assert_eq!(error["error"]["reason_code"], "house.forbidden", "{form:?}");
        assert!(!reply.shows("FORB\"") && !reply.shows("more"), "{form:?}");
        assert!(provider.is_let_go(Duration::from_millis(500)), "{form:?}: the provider goes on");
        let record = record::only(&gateway.stop(), "blocked", 200);
        assert_eq!((&record["verdict"], &record["error"]), (&json!("block"), &json!("output_blocked")));
    }
}

/// A redaction and a block that need the whole answer.
const WAITS: &str = r#"policy waits
rule a on response buffered { when text has "hi" and not text has "please" do redact with "*" }
rule b on response buffered { when text has "vile" and text has "word" and not text has "sorry" do block }"#;

#[test]
fn rules_that_wait_for_the_whole_answer_work_in_every_form() {
    for form in Form::ALL {
        let provider = Provider::always(Script::default());
        let gateway = Setup::over(&provider).rules("waits", WAITS).here();
        for (pieces, said) in [(["oh, h", "i!"], "oh, *!"), (["oh, hi", ", please"], "oh, hi, please")] {
            provider.now(form.deltas(pieces));
            let reply = gateway.ask_as(form, "hello", true);
            assert_eq!(form.said(&reply), said, "{form:?}: {}", reply.body);
            assert!(form.is_finished(&reply), "{form:?}: {}", reply.body);
            form.assert_ended(&reply);
            provider.now(Script::json(&form.whole(&pieces.concat())));
            assert_eq!(form.said(&gateway.ask_as(form, "hello", false)), said, "{form:?}");
        }
        provider.now(form.deltas(["a vile", " word"]));
        let reply = gateway.ask_as(form, "hello", true);
        assert_eq!((form.said(&reply).as_str(), reply.code().as_str()), ("", "output_blocked"), "{form:?}");
        assert!(!reply.shows("vile") && !reply.shows("word"), "{form:?}: {}", reply.body);
        form.assert_ended(&reply);
        provider.now(Script::json(&form.whole("a vile word")));
        assert_eq!(gateway.ask_as(form, "hello", false).status, 409, "{form:?}");
    }
}

#[test]
fn a_failure_of_the_provider_is_told_in_the_form() {
    let error = r#"{"code":"overloaded","message":"too much"}"#;
    for form in [Form::Completion, Form::Response] {
        let begun = form.begun("ok SEC");
        let cases = [
            (format!("data: {{\"error\":{error}}}\n\n"), "overloaded"),
            ("data: {\"error\":\"boom\"}\n\n".to_owned(), "upstream_failed"),
            ("data: <html>\n\n".to_owned(), "unreadable_answer"),
            ("data: {\"a\":1,\"a\":1}\n\n".to_owned(), "unreadable_answer"),
            (format!("data: {}", "x".repeat(1_100_000)), "event_too_long"),
            ("data: [DONE]\n\n".to_owned(), "stream_truncated"),
            (String::new(), "stream_truncated"),
        ];
        for (rest, code) in cases {
            let provider = Provider::always(Script::stream(begun.clone() + &*rest));
            let gateway = Setup::guarded(&provider).here();
            let reply = gateway.ask_as(form, "hi", true);
            assert_eq!(reply.code(), code, "{form:?} {rest}: {}", reply.body);
            assert!(!reply.shows("SEC") && !form.is_finished(&reply), "{form:?} {rest}: {}", reply.body);
            form.assert_ended(&reply);
            record::only(&gateway.stop(), "failed", 200);
        }
        let provider =
            Provider::always(Script::reply("200 OK", "application/json", format!("{{\"error\":{error}}}")));
        let gateway = Setup::guarded(&provider).here();
        let reply = gateway.ask_as(form, "hi", false);
        assert_eq!((reply.status, reply.code().as_str()), (502, "overloaded"), "{form:?}");
    }
}

#[test]
fn without_policies_everything_passes_as_it_came() {
    for form in Form::ALL {
        let provider = Provider::always(form.deltas(["SECRET1", " and FORBIDDEN"]));
        let gateway = Setup::over(&provider).here();
        let reply = gateway.ask_as(form, "FORBIDDEN", true);
        assert_eq!(reply.body, form.events(["SECRET1", " and FORBIDDEN"]), "{form:?}");
        let record = record::only(&gateway.stop(), "complete", 200);
        let (tokens, source) = if form == Form::Response { (5, "provider") } else { (6, "estimate") };
        assert_eq!((&record["output_tokens"], &record["usage_source"]), (&json!(tokens), &json!(source)));
    }
}

#[test]
fn the_model_and_the_fields_of_a_target_are_those_it_gets() {
    for form in Form::ALL {
        let provider = Provider::always(Script::json(&form.whole("ok")));
        let setup = Setup::new().target("a", &provider, "model: org/real, drop_params: [store, metadata]");
        let mut question = form.question("hi", false);
        (question["store"], question["metadata"]) = (json!(true), json!({"a": "b"}));
        assert_eq!(setup.here().call(form.path(), &question).status, 200);
        let mut expected = form.question("hi", false);
        expected["model"] = json!("org/real");
        assert_eq!(provider.last().json(), expected, "{form:?}");
    }
}

#[test]
fn a_connection_that_breaks_is_told_in_the_form() {
    for form in Form::ALL {
        let provider = Provider::always(Script::stream(form.begun("ok SEC")).pause(20).reset());
        let gateway = Setup::guarded(&provider).here();
        let reply = gateway.ask_as(form, "hi", true);
        assert_eq!((reply.code().as_str(), reply.shows("SEC")), ("stream_broken", false), "{form:?}");
        form.assert_ended(&reply);
        record::only(&gateway.stop(), "failed", 200);
    }
}

#[test]
fn the_demo_speaks_every_form() {
    let gateway = Setup::new().demo().rules("house", tests::RULES).here();
    for form in Form::ALL {
        for stream in [false, true] {
            let reply = gateway.ask_as(form, "somebody's contact?", stream);
            assert!(form.said(&reply).contains("at [EMAIL] or call"), "{form:?}: {}", reply.body);
            assert!(!reply.shows("ann.smith@"), "{form:?}: {}", reply.body);
            if stream {
                assert!(form.is_finished(&reply), "{form:?}: {}", reply.body);
                form.assert_ended(&reply);
            }
        }
        let reply = gateway.ask_as(form, "I am ann@example.com", false);
        assert_eq!(form.said(&reply), "You said: I am [EMAIL]", "{form:?}");
    }
    let ask = json!({"model": "m", "input": ["a b", "b a", "c"]});
    let vectors = gateway.call("/v1/embeddings", &ask).json();
    assert_eq!(vectors["data"][0]["embedding"], vectors["data"][1]["embedding"]);
    assert_ne!(vectors["data"][0]["embedding"], vectors["data"][2]["embedding"]);
    let tools = json!([{"type": "function", "name": "get_weather", "parameters": {}}]);
    let ask = json!({"model": "m", "input": "weather in Oslo?", "tools": tools, "stream": true});
    let reply = gateway.call("/v1/responses", &ask);
    let events: Vec<Value> =
        reply.events().iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    let call = &events.last().unwrap()["response"]["output"][0];
    assert_eq!((&call["name"], &call["arguments"]), (&json!("get_weather"), &json!("{\"city\":\"Oslo\"}")));
    let records = gateway.stop();
    assert_eq!(records.len(), 11);
    records.iter().for_each(|one| record::check(one, "complete", 200));
    assert!(records.iter().all(|one| one["input_tokens"].as_u64() > Some(0)), "{records:?}");
}
