//! What holds for every form of answer when a target fails: the next one answers, and gets what the first one got.

use serde_json::{Value, json};
use tests::{Form, Gateway, Provider, Script, Setup, Told, event, form, question_of};

use crate::record;

/// Two targets, one after the other.
fn over(first: &Provider, second: &Provider) -> Gateway {
    let setup = Setup::new().rules("house", tests::RULES).providers("retry: {max_attempts: 1}");
    setup.target("a", first, "").target("b", second, "model: org/second").here()
}

fn fails() -> Script {
    Script::reply("503 Busy", "application/json", "{}")
}

/// The request as the second target gets it.
fn redirected(mut question: Value) -> Value {
    question["model"] = json!("org/second");
    question
}

#[test]
fn a_whole_answer_of_any_form_comes_from_the_next_target() {
    for form in Form::ALL {
        for script in [fails(), Script::json(&json!({"error": {"code": "oops", "message": "m"}}))] {
            let (first, second) =
                (Provider::always(script), Provider::always(Script::json(&form.whole("to SECRET1"))));
            let gateway = over(&first, &second);
            let reply = gateway.ask_as(form, "hi", false);
            assert_eq!((reply.status, form.said(&reply).as_str()), (200, "to [SECRET]"), "{form:?}");
            assert_eq!(first.last().json(), form.question("hi", false), "{form:?}");
            assert_eq!(second.last().json(), redirected(form.question("hi", false)), "{form:?}");
            let record = record::only(&gateway.stop(), "complete", 200);
            assert_eq!(record["attempts"].as_array().unwrap().len(), 2, "{form:?}");
        }
    }
}

#[test]
fn a_stream_of_any_form_comes_from_the_next_target_until_its_first_word() {
    for form in Form::ALL {
        let announced = match form {
            Form::Chat => event(&tests::chunk(json!({"role": "assistant", "content": ""}), None)),
            Form::Completion => event(&form::text_chunk(0, "", None)),
            Form::Response => announced(),
        };
        let second = Provider::always(form.deltas(["to SEC", "RET1"]));
        for rest in ["", "data: {\"error\":{\"code\":\"oops\",\"message\":\"m\"}}\n\n", "data: <html>\n\n"] {
            let first = Provider::always(Script::stream(announced.clone() + rest));
            let reply = over(&first, &second).ask_as(form, "hi", true);
            assert_eq!(form.said(&reply), "to [SECRET]", "{form:?} {rest}: {}", reply.body);
            assert_eq!(reply.header("x-kt-target"), Some("b"), "{form:?} {rest}");
            form.assert_ended(&reply);
        }
        let first = Provider::always(Script::stream(form.begun("first word ")));
        let reply = over(&first, &second).ask_as(form, "hi", true);
        assert_eq!((form.said(&reply).as_str(), reply.code().as_str()), ("first word ", "stream_truncated"));
        assert_eq!(reply.header("x-kt-target"), Some("a"), "{form:?}");
    }
}

/// A response that has told of a message, and said nothing of it.
fn announced() -> String {
    let mut told = Told::begun();
    let mut item = form::message("msg_0", "");
    item["content"] = json!([]);
    told.item(&item);
    let place = json!({"type": "response.content_part.added", "item_id": "msg_0", "output_index": 0,
        "content_index": 0, "part": form::part("")});
    told.add(place).events()
}

#[test]
fn vectors_come_from_the_next_target() {
    let second = Provider::always(Script::json(&form::vectors(1)));
    for script in [fails(), Script::json(&json!({"object": "list"}))] {
        let first = Provider::always(script);
        let reply = over(&first, &second).call("/v1/embeddings", &json!({"model": "m", "input": "hi"}));
        assert_eq!((reply.status, reply.header("x-kt-target")), (200, Some("b")), "{}", reply.body);
        assert_eq!(reply.json(), form::vectors(1));
    }
}

#[test]
fn fields_that_a_provider_does_not_take_in_chats_may_be_its_own_elsewhere() {
    let provider = Provider::always(Script::json(&Form::Completion.whole("ok")));
    let target = format!(
        "targets: [{{id: a, provider: openai, base_url: \"http://{}/v1\", secret_key_ref: {{file: KEY}}}}]",
        provider.address
    );
    let gateway = Setup::new().providers(&target).here();
    let sent = |path: &str, mut request: Value| {
        request["echo"] = json!(true);
        gateway.call(path, &request);
        provider.last().json().get("echo").is_some()
    };
    assert!(sent("/v1/completions", json!({"model": "m", "prompt": "hi"})));
    assert!(!sent("/v1/chat/completions", question_of("hi", false)));
}
