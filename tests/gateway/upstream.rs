//! Providers that fail before the first byte: the exact status and shape for each, and the key nowhere.

use serde_json::{Value, json};
use tests::{KEY, Provider, Script, Setup, events, question_of, whole};

use crate::record::{self, CANARY};

/// What a client must be told.
struct Told {
    status: u16,
    code: &'static str,
    header: Option<(&'static str, &'static str)>,
}

fn told(status: u16, code: &'static str) -> Told {
    Told { status, code, header: None }
}

fn with(status: u16, code: &'static str, name: &'static str, value: &'static str) -> Told {
    Told { status, code, header: Some((name, value)) }
}

fn error(status: &str) -> Script {
    let body =
        json!({"error": {"message": format!("no: {KEY}"), "type": "t", "code": "their_code", "param": "p"}});
    Script::reply(status, "application/json", body.to_string())
}

/// Failures that a whole answer and a stream have in common.
fn cases() -> Vec<(&'static str, Script, Told)> {
    let retry = "content-type: application/json\r\nretry-after: 7\r\n";
    let elsewhere = "content-type: text/html\r\nlocation: http://127.0.0.1:1/\r\n";
    let gzip = "content-type: application/json\r\ncontent-encoding: gzip\r\n";
    vec![
        ("closes", Script::default(), told(502, "upstream_unreachable")),
        ("resets", Script::default().reset(), told(502, "upstream_unreachable")),
        ("speaks no HTTP", Script::raw(format!("{KEY}\r\n\r\n")), told(502, "upstream_unreachable")),
        ("half a head", Script::raw("HTTP/1.1 200 OK\r\ncontent-ty"), told(502, "upstream_unreachable")),
        ("silence", Script::default().stall(), told(504, "upstream_timeout")),
        ("401", error("401 Unauthorized"), with(502, "upstream_auth", "x-should-retry", "false")),
        ("403", error("403 Forbidden"), with(502, "upstream_auth", "x-should-retry", "false")),
        ("400", error("400 Bad Request"), told(400, "their_code")),
        ("404", error("404 Not Found"), told(404, "their_code")),
        (
            "422",
            Script::reply("422 No", "application/json", r#"{"detail":[]}"#),
            told(422, "invalid_request"),
        ),
        (
            "429",
            Script::with_headers("429 Slow", retry, "{}"),
            with(429, "rate_limit_exceeded", "retry-after", "7"),
        ),
        (
            "429 flat",
            Script::reply("429 Slow", "application/json", r#"{"error":"Too Many","message":"m"}"#),
            told(429, "rate_limit_exceeded"),
        ),
        ("425", error("425 Too Early"), told(502, "upstream_failed")),
        ("500", error("500 Oops"), told(502, "upstream_failed")),
        (
            "503",
            Script::with_headers("503 Busy", retry, "{}"),
            with(502, "upstream_failed", "retry-after", "7"),
        ),
        (
            "500 of garbage",
            Script::reply("500 Oops", "text/html", format!("<h1>{KEY}")),
            told(502, "upstream_failed"),
        ),
        ("307", Script::with_headers("307 There", elsewhere, ""), told(502, "upstream_redirect")),
        ("204", Script::raw("HTTP/1.1 204 No\r\nconnection: close\r\n\r\n"), told(502, "upstream_status")),
        ("HTML", Script::reply("200 OK", "text/html", KEY), told(502, "upstream_content_type")),
        ("the key as a type", Script::reply("200 OK", KEY, "{}"), told(502, "upstream_content_type")),
        ("gzip", Script::with_headers("200 OK", gzip, b"\x1f\x8b\x08"), told(502, "upstream_encoding")),
    ]
}

fn whole_cases() -> Vec<(&'static str, Script, Told)> {
    let short =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{\"choices\"";
    let json = |text: &str| Script::reply("200 OK", "application/json", text);
    let large = format!("{{\"choices\":[],\"x\":\"{}\"}}", "x".repeat(33 * 1024 * 1024));
    vec![
        ("breaks off", Script::raw(short), told(502, "upstream_unreachable")),
        ("stalls in the body", Script::raw(short).stall(), told(504, "upstream_timeout")),
        ("no JSON", json("<html>"), told(502, "unreadable_answer")),
        ("half JSON", json(r#"{"choices":[{"mess"#), told(502, "unreadable_answer")),
        ("a repeated key", json(r#"{"choices":[],"choices":[]}"#), told(502, "unreadable_answer")),
        ("no choices", json(r#"{"text":"SECRET1"}"#), told(502, "unreadable_answer")),
        (
            "text of another type",
            json(r#"{"choices":[{"message":{"content":[]}}]}"#),
            told(502, "unreadable_answer"),
        ),
        ("too long", json(&large), told(502, "answer_too_long")),
        ("a stream, unasked", Script::deltas(["hi"]), told(502, "upstream_content_type")),
    ]
}

fn check(name: &str, script: Script, expected: &Told, stream: bool) {
    let provider = Provider::always(script);
    let fields = "timeout_seconds: 1, secret_key_ref: {file: KEY}";
    let gateway = Setup::new().target("a", &provider, fields).rules("house", tests::RULES).here();
    let reply = gateway.chat(&question_of(CANARY, stream));
    let name = format!("{name}, stream: {stream}");
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (expected.status, expected.code),
        "{name}: {}",
        reply.body
    );
    assert!(reply.is_whole && reply.header("content-type") == Some("application/json"), "{name}");
    let error = reply.error().unwrap();
    let kind = match expected.status {
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "upstream_error",
    };
    assert_eq!(
        (error["type"].as_str(), error["request_id"].as_str()),
        (Some(kind), reply.header("x-request-id")),
        "{name}"
    );
    if let Some((header, value)) = expected.header {
        assert_eq!(reply.header(header), Some(value), "{name}");
    }
    assert!(!reply.shows(KEY), "{name}: {}", reply.body);
    assert!(
        !gateway.admin("/health").shows(KEY) && !gateway.admin("/keeptrusts/config").shows(KEY),
        "{name}"
    );
    let outcome = if kind == "invalid_request_error" { "refused" } else { "failed" };
    let record = record::only(&gateway.stop(), outcome, expected.status);
    assert_eq!(
        (record["error"].as_str(), record["target"].as_str()),
        (Some(expected.code), Some("a")),
        "{name}"
    );
}

#[test]
fn every_failure_has_its_status_and_its_shape() {
    for (name, script, expected) in cases() {
        check(name, script.clone(), &expected, false);
        check(name, script, &expected, true);
    }
    for (name, script, expected) in whole_cases() {
        check(name, script, &expected, false);
    }
    check(
        "a whole answer in place of a stream",
        Script::answer("hi"),
        &told(502, "upstream_content_type"),
        true,
    );
}

#[test]
fn nobody_at_the_address_is_told_and_seen_in_the_health() {
    let gateway = Setup::new().target_at("a", "http://127.0.0.1:1/v1", "").here();
    let reply = gateway.ask(CANARY);
    assert_eq!((reply.status, reply.code().as_str()), (502, "upstream_unreachable"));
    let health = gateway.admin("/health").json();
    assert_eq!((&health["status"], &health["providers"]["a"]), (&json!("unhealthy"), &json!("unreachable")));
    record::only(&gateway.stop(), "failed", 502);
}

/// What the client reads when the provider repeats the `authorization` that it got.
fn echoed(answer: impl Fn(&str) -> Script + Send + Sync + 'static, stream: bool) -> tests::Reply {
    let provider =
        Provider::always(Script::echo(move |seen| answer(seen.header("authorization").unwrap()).bytes()));
    let reply = Setup::guarded(&provider).here().chat(&question_of("hi", stream));
    assert!(provider.last().head.contains(KEY));
    reply
}

#[test]
fn a_provider_that_repeats_the_key_cannot_show_it_to_the_client() {
    let body = |value: &Value| value.to_string();
    let error = move |key: &str| json!({"error": {"message": key, "code": key, "param": key, "type": key}});
    for status in ["400 Bad", "401 No", "429 Slow", "500 Oops"] {
        let reply = echoed(move |key| Script::reply(status, "application/json", body(&error(key))), false);
        assert!(!reply.shows(KEY), "{status}: {}", reply.body);
    }
    let reply = echoed(Script::answer, false);
    assert!(!reply.shows(KEY), "{}", reply.body);
    let later = |key: &str| format!("content-type: application/json\r\nretry-after: {key}\r\n");
    let reply = echoed(move |key| Script::with_headers("429 Slow", &later(key), "{}"), false);
    assert!(!reply.shows(KEY), "{}", reply.head);
    let headers =
        |key: &str| format!("content-type: application/json\r\nfireworks-sampling-options: {key}\r\n");
    let reply =
        echoed(move |key| Script::with_headers("200 OK", &headers(key), whole("hi").to_string()), false);
    assert!(!reply.shows(KEY), "{}", reply.head);
}

#[test]
fn an_answer_of_a_provider_is_no_way_to_the_next_request() {
    let two = Script::answer("one")
        .then("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"choices\":[]}");
    let provider = Provider::in_turn([two, Script::answer("two")]);
    let gateway = Setup::guarded(&provider).here();
    assert_eq!((gateway.ask("a").said(), gateway.ask("b").said()), ("one".into(), "two".into()));
}

#[test]
fn a_stream_that_was_read_to_its_end_leaves_its_connection_for_the_next_request() {
    const HEAD: &str =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let events = events(["one two"]);
    let stream = format!("{HEAD}{:x}\r\n{events}\r\n", events.len());
    let end = "0\r\n\r\n";
    // The end of the body comes a while after the last event; then the next request is waited for.
    let script = Script::raw(&stream).pause(50).then(end).stall().then(&stream).then(end);
    let provider = Provider::always(script);
    let gateway = Setup::guarded(&provider).here();
    assert_eq!(gateway.stream("hi").said(), "one two");
    std::thread::sleep(std::time::Duration::from_millis(150));
    assert_eq!(gateway.stream("hi").said(), "one two");
    assert_eq!(provider.connections(), 1);
}
