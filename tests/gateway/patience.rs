//! Clients that say how long they wait, and targets that are given no longer.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::{Provider, Script, Setup, chunk, delta, event, events, question_of};

use crate::record;

#[test]
fn a_client_that_waits_less_than_the_target_may_take_is_told_in_its_time() {
    for (header, stream) in [("x-stainless-timeout", false), ("x-stainless-read-timeout", true)] {
        let (first, second) =
            (Provider::always(Script::default().stall()), Provider::always(Script::answer("b")));
        let setup = Setup::new().providers("circuit_breaker: {failure_threshold: 1}");
        let gateway = setup.target("a", &first, "timeout_seconds: 60").target("b", &second, "").here();
        let began = Instant::now();
        let reply = gateway.post(&format!("{header}: 0.4\r\n"), question_of("hi", stream).to_string());
        assert_eq!((reply.status, reply.code().as_str()), (504, "upstream_timeout"));
        assert!(began.elapsed() < Duration::from_secs(30), "the target's own time is 60 s");
        assert_eq!(second.connections(), 0, "there is no time left for another");
        let breaker = gateway.admin("/health").json()["targets"]["a"]["circuit_breaker"].clone();
        assert_eq!(breaker, json!("closed"), "an impatient client says nothing of the target");
        record::only(&gateway.stop(), "failed", 504);
    }
}

#[test]
fn a_client_that_waits_longer_changes_nothing() {
    let provider = Provider::always(Script::default().stall());
    let gateway = Setup::new().target("a", &provider, "timeout_seconds: 1").here();
    let reply = gateway.post("x-stainless-timeout: 600\r\n", question_of("hi", false).to_string());
    assert_eq!((reply.status, reply.code().as_str()), (504, "upstream_timeout"));
}

#[test]
fn a_client_that_waits_only_for_a_head_gets_one_before_the_first_word() {
    let role = event(&chunk(json!({"role": "assistant"}), None));
    let script = Script::stream(role).pause(1_500).then(events(["late"]));
    let provider = Provider::always(script);
    let gateway = Setup::guarded(&provider).here();
    let reply = gateway.post("x-stainless-timeout: 1\r\n", question_of("hi", true).to_string());
    assert_eq!((reply.status, reply.said().as_str()), (200, "late"));
    record::only(&gateway.stop(), "complete", 200);
}

#[test]
fn each_event_of_a_stream_has_the_whole_wait_for_itself() {
    let role = event(&chunk(json!({"role": "assistant"}), None));
    let script = Script::stream(&role).pause(700).then(&role).pause(700).then(event(&delta("a"))).pause(700);
    let provider = Provider::always(script.then(events(["b"])));
    let gateway = Setup::new().target("a", &provider, "stream_timeout_seconds: 1").here();
    assert_eq!(gateway.stream("hi").said(), "ab");
}
