//! Targets that fail time after time: left alone, tried with care, and told of.

use std::io::Write;
use std::net::TcpStream;

use serde_json::{Value, json};
use tests::{Hands, Provider, Script, Setup, delta, event, question_of};

use crate::{record, wait_until};

fn fails(status: &str) -> Script {
    Script::reply(status, "application/json", "{}")
}

/// Breakers that open after three failures, no retries, and hands for the clock.
fn setup() -> (Setup, Hands) {
    let hands = Hands::default();
    let setup = Setup::new()
        .clock(hands.clock())
        .providers("circuit_breaker: {failure_threshold: 3, cooldown_seconds: 30}")
        .providers("retry: {max_attempts: 1}");
    (setup, hands)
}

fn health(gateway: &tests::Gateway, id: &str) -> (Value, Value) {
    let health = gateway.admin("/health").json();
    (health["targets"][id]["circuit_breaker"].clone(), health["providers"][id].clone())
}

/// A question that is sent and whose answer nobody has read yet.
fn begun(gateway: &tests::Gateway, stream: bool) -> TcpStream {
    let body = question_of("hi", stream).to_string();
    let mut socket = tests::client::connect(gateway.address);
    socket.write_all(tests::client::request("/v1/chat/completions", "", body.len()).as_bytes()).unwrap();
    socket.write_all(body.as_bytes()).unwrap();
    socket
}

#[test]
fn a_failing_target_is_left_alone_tried_after_a_while_and_taken_back() {
    let (first, second) = (Provider::always(fails("500 Oops")), Provider::always(Script::answer("second")));
    let (setup, hands) = setup();
    let gateway = setup.target("a", &first, "").target("b", &second, "").here();
    (0..10).for_each(|_| assert_eq!(gateway.ask("hi").said(), "second"));
    assert_eq!((first.connections(), health(&gateway, "a")), (3, (json!("open"), json!("unreachable"))));
    assert_eq!(gateway.admin("/health").json()["status"], "degraded");
    hands.pass(30);
    assert_eq!(health(&gateway, "a").0, "half_open");
    (0..3).for_each(|_| assert_eq!(gateway.ask("hi").said(), "second"));
    assert_eq!(first.connections(), 4, "one tries it, and finds that it still fails");
    first.now(Script::answer("first"));
    hands.pass(30);
    (0..3).for_each(|_| assert_eq!(gateway.ask("hi").said(), "first"));
    assert_eq!(health(&gateway, "a"), (json!("closed"), json!("reachable")));
}

#[test]
fn when_all_are_left_alone_the_client_reads_who_and_why_and_when_to_come_back() {
    let (first, second) = (Provider::always(fails("500 Oops")), Provider::always(Script::default().reset()));
    let (setup, hands) = setup();
    let gateway = setup
        .target("a", &first, "")
        .target("b", &second, "circuit_breaker: {failure_threshold: 3, cooldown_seconds: 90}")
        .target("c", &second, "secret_key_ref: {env: KT_TESTS_NO_SUCH_KEY}")
        .here();
    (0..3).for_each(|_| assert_eq!(gateway.ask("hi").status, 502));
    hands.pass(10);
    let reply = gateway.ask("hi");
    assert_eq!((reply.status, reply.code().as_str()), (503, "no_target_available"));
    assert_eq!(reply.header("retry-after"), Some("20"));
    assert_eq!(reply.error().unwrap()["message"], "no target is available; the operator's log says why");
    let mut pinned = question_of("hi", false);
    pinned["model"] = json!("b");
    assert_eq!(gateway.chat(&pinned).header("retry-after"), Some("80"));
    assert_eq!((first.connections(), second.connections()), (3, 3));
    let records = gateway.stop();
    record::check(records.last().unwrap(), "failed", 503);
}

#[test]
fn what_the_client_did_wrong_and_what_only_takes_time_open_nothing() {
    let provider = Provider::always(Script::default());
    let (setup, _) = setup();
    let gateway = setup.target("a", &provider, "").rules("house", tests::RULES).here();
    let blocked = Script::answer("FORBIDDEN");
    for script in [fails("400 Bad"), fails("422 Bad"), fails("404 Gone"), fails("429 Slow"), blocked] {
        provider.now(script);
        (0..4).for_each(|_| assert!((400..430).contains(&gateway.ask("hi").status)));
    }
    assert_eq!((provider.connections(), health(&gateway, "a").0), (20, json!("closed")));
}

#[test]
fn answers_that_cannot_be_used_open_it_too() {
    let half = Script::stream(event(&delta("half")));
    let html = Script::reply("200 OK", "text/html", "<html>");
    let garbage = Script::reply("200 OK", "application/json", "<html>");
    for (name, script, stream) in
        [("a stream that breaks off", half, true), ("HTML", html, false), ("garbage", garbage, false)]
    {
        let provider = Provider::always(script);
        let (setup, _) = setup();
        let gateway = setup.target("a", &provider, "").here();
        for _ in 0..5 {
            gateway.chat(&question_of("hi", stream));
        }
        assert_eq!((provider.connections(), health(&gateway, "a").0), (3, json!("open")), "{name}");
    }
}

#[test]
fn one_request_tries_a_target_while_the_others_go_elsewhere() {
    let (first, second) = (Provider::always(fails("500 Oops")), Provider::always(Script::answer("second")));
    let (setup, hands) = setup();
    let gateway = setup.target("a", &first, "").target("b", &second, "").here();
    (0..3).for_each(|_| assert_eq!(gateway.ask("hi").said(), "second"));
    first.now(Script::default().stall());
    hands.pass(30);
    let trying = begun(&gateway, false);
    wait_until(|| first.connections() == 4);
    (0..3).for_each(|_| assert_eq!(gateway.ask("hi").said(), "second"));
    assert_eq!(first.connections(), 4);
    drop(trying);
    wait_until(|| gateway.admin("/health").json()["targets"]["a"]["in_flight"] == 0);
    first.now(Script::answer("first"));
    assert_eq!(gateway.ask("hi").said(), "first", "who left has not used up the try");
}

#[test]
fn a_stream_that_has_begun_is_proof_enough() {
    let provider = Provider::always(fails("500 Oops"));
    let (setup, hands) = setup();
    let gateway = setup.target("a", &provider, "").here();
    (0..3).for_each(|_| assert_eq!(gateway.ask("hi").status, 502));
    hands.pass(30);
    provider.now(Script::stream(event(&delta("a"))).stall());
    let _open = begun(&gateway, true);
    wait_until(|| health(&gateway, "a").0 == "closed");
}
