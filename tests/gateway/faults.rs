//! Every way in which a provider fails, and what of it each of those who look sees: the table in the book, measured.

use serde_json::{Value, json};
use tests::binary::Process;
use tests::{Form, Provider, Script, Setup, chunk, delta, event, get, post};

use crate::record;

/// The page that has the tables.
const PAGE: &str = include_str!("../../book/src/operations.md");

/// A provider that fails: what it does, in words and in bytes. Without bytes nobody is at its address.
type Case = (&'static str, Option<Script>);

fn error(status: &str, headers: &str, code: &str) -> Option<Script> {
    let headers = format!("content-type: application/json\r\n{headers}");
    Some(Script::with_headers(
        status,
        &headers,
        format!("{{\"error\":{{\"code\":\"{code}\",\"message\":\"m\"}}}}"),
    ))
}

fn before_an_answer() -> Vec<Case> {
    let json = |body: &str| Some(Script::reply("200 OK", "application/json", body));
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{";
    vec![
        ("refuses the connection", None),
        ("resets the connection", Some(Script::default().reset())),
        ("sends no head in time", Some(Script::default().stall())),
        ("answers 400", error("400 Bad Request", "", "bad")),
        ("answers 401", error("401 Unauthorized", "", "key")),
        ("answers 429, `retry-after: 7`", error("429 Slow", "retry-after: 7\r\n", "slow")),
        ("answers 500", error("500 Oops", "", "oops")),
        ("answers 503", error("503 Busy", "", "busy")),
        ("answers 307", error("307 There", "location: http://127.0.0.1:1/\r\n", "there")),
        ("answers HTML", Some(Script::reply("200 OK", "text/html", "<html>"))),
        ("breaks off in its answer", Some(Script::raw(head))),
        ("stands still in its answer", Some(Script::raw(head).stall())),
        ("answers no JSON", json("{\"choices\":[")),
        ("answers an error with status 200", json("{\"error\":{\"code\":\"oops\",\"message\":\"m\"}}")),
        ("answers JSON that is no chat", json("{\"text\":\"hi\"}")),
    ]
}

fn in_a_stream() -> Vec<Case> {
    let oops = "data: {\"error\":{\"code\":\"oops\",\"message\":\"m\"}}\n\n";
    let word = || event(&delta("word "));
    let stream = |events: String| Some(Script::stream(events));
    let stalls = |events: String| Some(Script::stream(events).stall());
    let nothing = event(&chunk(json!({}), None));
    let endless = (0..40).fold(Script::stream(word()), |script, _| script.pause(300).then(&nothing));
    vec![
        ("ends before the first word", stream(String::new())),
        ("stands still before the first word", stalls(String::new())),
        ("sends an error before the first word", stream(oops.into())),
        ("sends no JSON before the first word", stream("data: <html>\n\n".into())),
        ("ends after the first word", stream(word())),
        ("resets after the first word", Some(Script::stream(word()).pause(20).reset())),
        ("stands still after the first word", stalls(word())),
        ("sends an error after the first word", stream(word() + oops)),
        ("sends no JSON after the first word", stream(word() + "data: <html>\n\n")),
        ("goes on after `max_stream_seconds`", Some(endless)),
    ]
}

/// A gateway in a process of its own, with that provider first and one that answers second.
fn start(script: Option<&Script>, second: &Provider) -> Process {
    let setup = Setup::new()
        .rules("house", tests::RULES)
        .providers("retry: {max_attempts: 1}")
        .providers("circuit_breaker: {failure_threshold: 2}");
    let setup = match script {
        Some(script) => {
            setup.target("a", &Provider::always(script.clone()), "timeout_seconds: 1, max_stream_seconds: 2")
        }
        None => setup.target_at("a", "http://127.0.0.1:1/v1", ""),
    };
    setup.target("b", second, "").process()
}

/// What the client reads of a request to that model.
fn client(run: &Process, model: &str, stream: bool) -> String {
    let mut question = Form::Chat.question("hi", stream);
    question["model"] = model.into();
    let reply = post(run.address, Form::Chat.path(), "", question.to_string());
    match (reply.status, reply.code(), reply.header("retry-after")) {
        (200, code, _) if code.is_empty() => {
            assert_eq!((reply.said().as_str(), reply.header("x-kt-target")), ("second", Some("b")));
            "an answer".into()
        }
        (200, code, _) => {
            assert_eq!(reply.said(), "word ");
            format!("`{code}` in the stream")
        }
        (status, code, None) => format!("{status} `{code}`"),
        (status, code, Some(after)) => format!("{status} `{code}`, `retry-after: {after}`"),
    }
}

/// The row of the table for a provider: asked once by name and once by turn.
fn row((name, script): Case, stream: bool) -> String {
    let second = if stream { Form::Chat.deltas(["second"]) } else { Script::answer("second") };
    let second = Provider::always(second);
    let run = start(script.as_ref(), &second);
    let alone = client(&run, "a", stream);
    let with_another = client(&run, "m", stream);
    let breaker = get(run.admin, "/health").json()["targets"]["a"]["circuit_breaker"].clone();
    let ended = run.stop();
    let cause = logged(&ended.log);
    check(&ended.records, &cause, with_another == "an answer", name);
    let with_another = if with_another == alone { "the same".into() } else { with_another };
    let counts = if breaker == "open" { "a failure" } else { "no failure" };
    let cause = cause.split_once(": ").map_or(cause.clone(), |(cause, _)| format!("{cause}: …"));
    format!("| {name} | {alone} | {with_another} | {cause} | {counts} |")
}

/// What the process log says of the two failures: the same of both.
fn logged(log: &str) -> String {
    let said: Vec<&str> = log.lines().filter(|line| line.contains("a target failed")).collect();
    let cause = |line: &str| {
        let (_, rest) = line.split_once("cause=").unwrap_or_else(|| panic!("{log}"));
        rest.split_once(" next=").unwrap_or_else(|| panic!("{log}")).0.trim_matches('"').to_owned()
    };
    let causes: Vec<String> = said.into_iter().map(cause).collect();
    assert!(causes.len() == 2 && causes[0] == causes[1], "{log}");
    causes[0].clone()
}

/// Checks that the audit log has of both requests who was asked and what that ended in.
fn check(records: &[Value], cause: &str, falls_back: bool, name: &str) {
    let failed = serde_json::json!({"target": "a", "failure": cause});
    let well = serde_json::json!({"target": "b", "failure": null});
    let [alone, with_another] = records else { panic!("{name}: {records:?}") };
    assert_eq!(alone["attempts"], serde_json::json!([failed]), "{name}");
    assert!(alone["error"].is_string(), "{name}: {alone}");
    if falls_back {
        assert_eq!(with_another["attempts"], serde_json::json!([failed, well]), "{name}");
        record::check(with_another, "complete", 200);
    } else {
        assert_eq!(with_another["attempts"], alone["attempts"], "{name}");
        assert_eq!(with_another["error"], alone["error"], "{name}");
    }
}

/// Measures the rows side by side, since some of them wait, and finds them in the book.
fn assert_in_the_book(cases: Vec<Case>, stream: bool) {
    tests::kt(); // built before, and not by each
    let rows: Vec<String> = std::thread::scope(|scope| {
        let rows: Vec<_> = cases.into_iter().map(|case| scope.spawn(move || row(case, stream))).collect();
        rows.into_iter().map(|row| row.join().expect("no panic")).collect()
    });
    let table = rows.join("\n");
    assert!(PAGE.contains(&table), "the table of the book should be\n{table}");
}

#[test]
fn the_book_tells_what_a_failure_before_an_answer_looks_like() {
    assert_in_the_book(before_an_answer(), false);
}

#[test]
fn the_book_tells_what_a_failure_in_a_stream_looks_like() {
    assert_in_the_book(in_a_stream(), true);
}
