//! Streams that fail before they say anything: another target is asked, or the client is told with a status.

use serde_json::json;
use tests::{DONE, KEY, Provider, STREAM_HEAD, Script, Setup, chunk, delta, event, finish};

use crate::record;

/// The chunk that only says who speaks.
fn role() -> String {
    event(&chunk(json!({"role": "assistant", "content": ""}), None))
}

/// A stream that says who speaks and then that; what a client is told when there is no other target.
fn cases() -> Vec<(&'static str, Script, (u16, &'static str))> {
    let stream = |rest: &str| Script::stream(role() + rest);
    let chunked = STREAM_HEAD.replace("connection: close", "transfer-encoding: chunked");
    let error = |kind: &str, code: &str| {
        event(&json!({"error": {"message": format!("no: {KEY}"), "type": kind, "code": code}}))
    };
    vec![
        ("nothing at all", Script::stream(""), (502, "stream_truncated")),
        ("closed", stream(""), (502, "stream_truncated")),
        ("done", stream(DONE), (502, "stream_truncated")),
        ("a torn event", stream("data: {\"choices\":[{\"del"), (502, "stream_truncated")),
        ("reset", stream("").pause(20).reset(), (502, "stream_broken")),
        ("an aborted chunked body", Script::raw(format!("{chunked}5\r\nda")), (502, "stream_broken")),
        ("silence", stream("").stall(), (504, "upstream_timeout")),
        ("only comments", stream(": ping\n\n").stall(), (504, "upstream_timeout")),
        ("an error", stream(&error("server_error", "overloaded")), (502, "overloaded")),
        ("a rate limit", stream(&error("rate_limit_exceeded", "slow")), (429, "slow")),
        ("an error as text", stream("data: {\"error\":\"boom\"}\n\n"), (502, "upstream_failed")),
    ]
}

#[test]
fn the_next_target_is_asked_while_nothing_was_said() {
    let second = Provider::always(Script::deltas(["sec", "ond"]));
    for (name, script, _) in cases() {
        let first = Provider::always(script);
        let setup = Setup::new().providers("retry: {max_attempts: 1}");
        let gateway = setup.target("a", &first, "stream_timeout_seconds: 1").target("b", &second, "").here();
        let reply = gateway.stream("hi");
        assert_eq!((reply.said().as_str(), reply.header("x-kt-target")), ("second", Some("b")), "{name}");
        assert_eq!((first.connections(), reply.chunks().len()), (1, 3), "{name}: {}", reply.body);
        let record = record::only(&gateway.stop(), "complete", 200);
        assert_eq!(record["target"], "b", "{name}");
    }
}

#[test]
fn without_another_target_the_client_reads_a_status_and_no_stream() {
    for (name, script, (status, code)) in cases() {
        let provider = Provider::always(script);
        let fields = "stream_timeout_seconds: 1, secret_key_ref: {file: KEY}";
        let setup = Setup::new().providers("retry: {max_attempts: 1}").rules("house", tests::RULES);
        let gateway = setup.target("a", &provider, fields).here();
        let reply = gateway.stream("hi");
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{name}: {}", reply.body);
        assert_eq!(reply.header("content-type"), Some("application/json"), "{name}");
        assert!(reply.is_whole && !reply.shows(KEY), "{name}: {}", reply.body);
        let record = record::only(&gateway.stop(), "failed", status);
        assert_eq!((&record["error"], &record["stream"]), (&json!(code), &json!(true)), "{name}");
    }
}

#[test]
fn after_its_first_word_a_stream_stays_with_its_target() {
    let (first, second) = (Provider::always(Script::default()), Provider::always(Script::deltas(["second"])));
    let gateway = Setup::new().target("a", &first, "").target("b", &second, "").here();
    let call = chunk(json!({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": ""}}]}), None);
    for word in [delta("first"), chunk(json!({"reasoning_content": "hm"}), None), call] {
        first.now(Script::stream(role() + &*event(&word)));
        let reply = gateway.stream("hi");
        assert_eq!((reply.status, reply.code().as_str()), (200, "stream_truncated"));
        assert!(reply.body.ends_with(DONE) && second.connections() == 0);
    }
}

#[test]
fn what_nobody_else_can_mend_is_told_at_once() {
    let second = Provider::always(Script::deltas(["second"]));
    let refused = event(&json!({"error": {"type": "invalid_request_error", "code": "bad", "message": "m"}}));
    let first = Provider::always(Script::stream(role() + &*refused));
    let gateway = Setup::new().target("a", &first, "").target("b", &second, "").here();
    assert_eq!((gateway.stream("hi").status, second.connections()), (400, 0));
}

#[test]
fn an_error_before_the_first_word_may_be_tried_again_and_a_break_may_not() {
    let said = role() + &*event(&json!({"error": {"code": "overloaded", "message": "m"}}));
    for (script, connections) in [(Script::stream(said), 2), (Script::stream(role()), 1)] {
        let provider = Provider::always(script);
        let gateway = Setup::new().providers("retry: {backoff_ms: 1}").target("a", &provider, "").here();
        assert_eq!((gateway.stream("hi").status, provider.connections()), (502, connections));
    }
}

#[test]
fn an_answer_of_no_words_is_one() {
    let provider = Provider::always(Script::stream(role() + &*event(&finish("stop")) + DONE));
    let gateway = Setup::guarded(&provider).here();
    let reply = gateway.stream("hi");
    assert_eq!((reply.status, reply.said().as_str(), reply.finish().as_deref()), (200, "", Some("stop")));
    record::only(&gateway.stop(), "complete", 200);
}
