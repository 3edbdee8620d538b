//! Streams that go wrong after the first byte: the client is told in the stream, and never takes a part for the whole.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::{DONE, KEY, Provider, STREAM_HEAD, Script, Setup, chunk, delta, event, events, finish};

use crate::record::{self, CANARY};

/// A stream that begins well and ends with those acts; the code that the client must read.
fn cases() -> Vec<(&'static str, Script, &'static str)> {
    let good = event(&delta("ok SEC"));
    let stream = |rest: &str| Script::stream(good.clone() + rest);
    let chunked = STREAM_HEAD.replace("connection: close", "transfer-encoding: chunked");
    let longer = STREAM_HEAD.replace("connection: close", "connection: close\r\ncontent-length: 5000");
    let stop = event(&finish("stop"));
    vec![
        ("closed", stream(""), "stream_truncated"),
        ("done without a finish", stream(DONE), "stream_truncated"),
        ("reset", stream("").pause(20).reset(), "stream_broken"),
        (
            "an aborted chunked body",
            Script::raw(format!("{chunked}{:x}\r\n{good}\r\n", good.len())),
            "stream_broken",
        ),
        ("shorter than announced", Script::raw(longer + &*good), "stream_broken"),
        ("silence", stream("").stall(), "stream_timeout"),
        ("only comments", stream(&": ping\n\n".repeat(3)).stall(), "stream_timeout"),
        ("no JSON", stream("data: <html>\n\n"), "unreadable_answer"),
        ("a repeated key", stream("data: {\"choices\":[],\"choices\":[]}\n\n"), "unreadable_answer"),
        ("no object", stream("data: 5\n\n"), "unreadable_answer"),
        ("no choices", stream("data: {\"x\":1}\n\n"), "unreadable_answer"),
        ("text beside the delta", stream("data: {\"choices\":[{\"text\":\"a\"}]}\n\n"), "unreadable_answer"),
        (
            "text of another type",
            stream("data: {\"choices\":[{\"delta\":{\"content\":[1]}}]}\n\n"),
            "unreadable_answer",
        ),
        ("text after the finish", stream(&(stop + &*good)), "unreadable_answer"),
        (
            "an error",
            stream("data: {\"error\":{\"code\":\"overloaded\",\"message\":\"x\"}}\n\n"),
            "overloaded",
        ),
        ("an error as text", stream("data: {\"error\":\"boom\"}\n\n"), "upstream_failed"),
        ("invalid UTF-8", Script::stream(&good).then(b"data: {\"a\":\"\xff\"}\n\n"), "unreadable_answer"),
        ("an endless event", stream(&format!("data: {}", "x".repeat(1_100_000))).stall(), "event_too_long"),
    ]
}

#[test]
fn every_failure_is_told_in_the_stream() {
    for (name, script, code) in cases() {
        let provider = Provider::always(script);
        let setup = Setup::new().target("a", &provider, "stream_timeout_seconds: 1");
        let gateway = setup.rules("house", tests::RULES).here();
        let reply = gateway.stream(CANARY);
        assert_eq!((reply.status, reply.code().as_str()), (200, code), "{name}: {}", reply.body);
        let said = if name == "text after the finish" { "ok SEC" } else { "ok " };
        assert_eq!(reply.said(), said, "{name}: what was held leaves only at a finish");
        let error = reply.error().unwrap();
        assert_eq!(error["type"], "upstream_error", "{name}");
        assert!(reply.is_whole && reply.body.ends_with(DONE), "{name}: {}", reply.body);
        assert_eq!(reply.events().len() - 2, reply.chunks().len(), "{name}: the error is the last but one");
        let record = record::only(&gateway.stop(), "failed", 200);
        assert_eq!(
            (record["error"].as_str(), record["stream"].as_bool()),
            (Some(code), Some(true)),
            "{name}"
        );
    }
}

#[test]
fn a_stream_without_an_end_is_ended_in_its_time_and_keeps_what_was_held() {
    let nothing = event(&chunk(json!({}), None));
    let begun = Script::stream(event(&delta("ok SEC")));
    let endless = (0..100).fold(begun, |script, _| script.pause(100).then(&nothing));
    let provider = Provider::always(endless);
    let setup = Setup::new().providers("circuit_breaker: {failure_threshold: 1}");
    let setup = setup.target("a", &provider, "stream_timeout_seconds: 5, max_stream_seconds: 1");
    let gateway = setup.rules("house", tests::RULES).here();
    let began = Instant::now();
    let reply = gateway.stream(CANARY);
    assert!(began.elapsed() < Duration::from_secs(5), "the provider goes on for ten seconds");
    assert_eq!((reply.status, reply.code().as_str()), (200, "stream_too_long"), "{}", reply.body);
    assert_eq!(reply.said(), "ok ", "what was held leaves only at a finish");
    assert!(reply.is_whole && reply.body.ends_with(DONE), "{}", reply.body);
    let figures = gateway.admin("/metrics").body;
    assert!(figures.contains("kt_target_attempts_total{target=\"a\",result=\"failed\"} 1"), "{figures}");
    let breaker = gateway.admin("/health").json()["targets"]["a"]["circuit_breaker"].clone();
    assert_eq!(breaker, "closed", "a client that reads slowly must not take a target from others");
    assert_eq!(record::only(&gateway.stop(), "failed", 200)["error"], "stream_too_long");
}

#[test]
fn a_stream_that_dies_at_any_byte_ends_in_an_error_or_whole() {
    let bytes = events(["one SECRET1", "2 two ann@exam", "ple.com"]);
    // An event counts without the blank line at its end.
    let begins = bytes.find("\n\n").unwrap();
    let enough = bytes.find("data: [DONE]").unwrap();
    let provider = Provider::always(Script::default());
    let gateway = Setup::guarded(&provider).providers("circuit_breaker: {enabled: false}").here();
    for cut in 0..bytes.len() {
        provider.now(Script::stream(&bytes[..cut]));
        let reply = gateway.stream("hi");
        if reply.status == 502 {
            assert!(cut < begins && reply.code() == "stream_truncated", "cut at {cut}: {}", reply.body);
            continue;
        }
        assert!(cut >= begins, "cut at {cut}: {}", reply.body);
        let is_whole = reply.finish().as_deref() == Some("stop");
        assert_ne!(is_whole, reply.code() == "stream_truncated", "cut at {cut}: {}", reply.body);
        assert!(is_whole || cut < enough, "cut at {cut}: {}", reply.body);
        assert!(!is_whole || reply.said() == "one [SECRET] two [EMAIL]", "cut at {cut}: {}", reply.body);
        assert!(!reply.shows("SECRET1") && !reply.shows("ann@"), "cut at {cut}: {}", reply.body);
        assert!(reply.body.ends_with(DONE), "cut at {cut}: {}", reply.body);
    }
}

#[test]
fn a_provider_that_quotes_the_key_in_a_stream_is_not_repeated() {
    let error = format!("data: {{\"error\":{{\"message\":\"bad key {KEY}\",\"code\":\"{KEY}\"}}}}\n\n");
    let provider = Provider::always(Script::stream(event(&delta("a")) + &*error));
    let gateway = Setup::over(&provider).here();
    let reply = gateway.stream("hi");
    assert!(!reply.code().is_empty() && !reply.shows(KEY), "{}", reply.body);
    record::only(&gateway.stop(), "failed", 200);
}

#[test]
fn fewer_choices_than_were_asked_for_are_no_answer() {
    let provider = Provider::always(Script::stream(event(&finish("stop")) + DONE));
    let gateway = Setup::guarded(&provider).here();
    let mut question = tests::question_of("hi", true);
    question["n"] = 2.into();
    let reply = gateway.chat(&question);
    assert_eq!(reply.code(), "stream_truncated", "{}", reply.body);
    record::only(&gateway.stop(), "failed", 200);
}

#[test]
fn an_escalation_in_a_stream_is_recorded_as_one() {
    let provider = Provider::always(Script::deltas(["one FORB", "IDDEN"]));
    let rules = tests::RULES.replace("do block", "do escalate");
    let gateway = Setup::over(&provider).rules("house", &rules).here();
    assert_eq!(gateway.stream("hi").code(), "escalation_required");
    assert_eq!(record::only(&gateway.stop(), "blocked", 200)["error"], "escalation_required");
}
