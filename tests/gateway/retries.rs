//! Asking the same target again: when, how often, how long after, and how much of it.

use std::time::{Duration, Instant};

use gateway::Clock;
use serde_json::json;
use tests::{Provider, Script, Setup};

use crate::record;

fn fails(status: &str) -> Script {
    Script::reply(status, "application/json", "{}")
}

#[test]
fn a_target_that_comes_round_answers_in_the_end() {
    let scripts = [fails("503 Busy"), Script::default().reset(), Script::answer("third")];
    let provider = Provider::in_turn(scripts);
    let setup = Setup::new().providers("retry: {max_attempts: 3, backoff_ms: 1}");
    let gateway = setup.target("a", &provider, "").here();
    assert_eq!(gateway.ask("hi").said(), "third");
    let bodies: Vec<_> = provider.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies.len(), 3);
    assert!(bodies.windows(2).all(|two| two[0] == two[1]), "each attempt sends the same");
    let record = record::only(&gateway.stop(), "complete", 200);
    let attempts = record["attempts"].as_array().unwrap();
    assert!(attempts.len() == 3 && attempts.iter().all(|attempt| attempt["target"] == "a"), "{record}");
    assert_eq!((&attempts[0]["failure"], &attempts[2]["failure"]), (&json!("answered 503"), &json!(null)));
    assert!(attempts[1]["failure"].as_str().unwrap().starts_with("cannot be reached"), "{record}");
}

#[test]
fn a_stream_is_asked_for_again_before_it_has_begun() {
    let provider = Provider::in_turn([fails("500 Oops"), Script::deltas(["now"])]);
    let gateway = Setup::new().providers("retry: {backoff_ms: 1}").target("a", &provider, "").here();
    assert_eq!((gateway.stream("hi").said().as_str(), provider.connections()), ("now", 2));
}

#[test]
fn a_target_is_asked_as_often_as_it_says_itself() {
    let (twice, thrice) = (Provider::always(fails("500 Oops")), Provider::always(fails("500 Oops")));
    let gateway = Setup::new()
        .providers("retry: {max_attempts: 2, backoff_ms: 1}")
        .target("a", &twice, "")
        .target("b", &thrice, "retry: {max_attempts: 3, backoff_ms: 1}")
        .here();
    assert_eq!(gateway.ask("hi").status, 502);
    assert_eq!((twice.connections(), thrice.connections()), (2, 3));
}

#[test]
fn only_what_is_configured_is_tried_again() {
    let provider = Provider::always(fails("500 Oops"));
    let setup = Setup::new().providers("retry: {retry_on: [rate_limit], backoff_ms: 1}");
    let gateway = setup.target("a", &provider, "").here();
    assert_eq!((gateway.ask("hi").status, provider.connections()), (502, 1));
    provider.now(fails("429 Slow"));
    assert_eq!((gateway.ask("hi").status, provider.connections()), (429, 3));
}

#[test]
fn a_target_gets_the_rest_that_it_asks_for() {
    let rest = "content-type: application/json\r\nretry-after-ms: 300\r\n";
    let provider =
        Provider::in_turn([Script::with_headers("429 Slow", rest, "{}"), Script::answer("rested")]);
    let gateway = Setup::new().providers("retry: {backoff_ms: 1}").target("a", &provider, "").here();
    let began = Instant::now();
    assert_eq!(gateway.ask("hi").said(), "rested");
    assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
}

#[test]
fn a_client_that_leaves_while_a_retry_waits_ends_it() {
    use std::io::Write;
    let rest = "content-type: application/json\r\nretry-after-ms: 300\r\n";
    let provider = Provider::always(Script::with_headers("429 Slow", rest, "{}"));
    let gateway = Setup::new().target("a", &provider, "").here();
    let body = tests::question_of("hi", false).to_string();
    let mut socket = tests::client::connect(gateway.address);
    socket.write_all(tests::client::request("/v1/chat/completions", "", body.len()).as_bytes()).unwrap();
    socket.write_all(body.as_bytes()).unwrap();
    while provider.connections() == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(socket);
    let records = gateway.stop();
    assert_eq!((records.len(), records[0]["outcome"].as_str()), (1, Some("client_disconnect")));
    assert_eq!(provider.connections(), 1);
}

#[test]
fn retries_stay_a_fifth_of_the_traffic() {
    let provider = Provider::always(fails("500 Oops"));
    let gateway = Setup::new()
        .providers("retry: {max_attempts: 5, backoff_ms: 1}")
        .target("a", &provider, "circuit_breaker: {enabled: false}")
        .clock(Clock::new(|| Duration::ZERO))
        .here();
    (0..50).for_each(|_| assert_eq!(gateway.ask("hi").status, 502));
    assert_eq!(provider.connections(), 50 + 10 + 50 / 5, "ten are free");
}
