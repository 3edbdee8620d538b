//! When a part of the gateway itself breaks, or a provider says what cannot be judged: the request fails closed, the next one is
//! served, and the record tells.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gateway::Clock;
use tests::{DONE, Provider, Script, Setup, delta, event, finish};

use crate::watch::start;
use crate::{CANARY, wait_until};

/// A clock that breaks down when it is told to.
fn fragile() -> (Clock, Arc<AtomicBool>) {
    let (began, broken) = (Instant::now(), Arc::new(AtomicBool::new(false)));
    let breaks = Arc::clone(&broken);
    let clock = Clock::new(move || {
        assert!(!breaks.load(Ordering::SeqCst), "the clock is broken");
        began.elapsed()
    });
    (clock, broken)
}

#[test]
fn a_panic_ends_one_request_with_an_error_and_nothing_else() {
    let provider = Provider::always(Script::answer("ok"));
    let (clock, broken) = fragile();
    let gateway = start(&Setup::guarded(&provider).clock(clock));
    assert_eq!(gateway.ask(CANARY).said(), "ok");
    for stream in [false, true] {
        broken.store(true, Ordering::SeqCst);
        let reply = if stream { gateway.stream(CANARY) } else { gateway.ask(CANARY) };
        broken.store(false, Ordering::SeqCst);
        assert_eq!((reply.status, reply.code().as_str()), (500, "internal_error"), "{}", reply.body);
        let error = reply.error().unwrap();
        assert_eq!(error["type"], "server_error");
        assert_eq!(error["request_id"].as_str(), reply.header("x-request-id"));
        assert!(!reply.shows("clock"), "what broke is for the log alone: {}", reply.body);
        assert_eq!(gateway.ask(CANARY).said(), "ok");
    }
    wait_until("nothing is left over", || gateway.admin("/metrics").shows("kt_requests_in_flight 0"));
    let records = gateway.stop();
    let outcomes: Vec<_> = records.iter().map(|one| (&one["outcome"], &one["status"])).collect();
    assert_eq!(records.len(), 5, "{records:?}");
    for at in [1, 3] {
        assert_eq!(outcomes[at], (&"failed".into(), &500.into()), "{}", records[at]);
        assert_eq!(records[at]["error"], "internal_error");
    }
}

#[test]
fn a_panic_within_a_stream_does_not_make_a_part_look_whole() {
    let (clock, broken) = fragile();
    let word = event(&delta("one "));
    let end = event(&finish("stop")) + DONE;
    let provider = Provider::always(Script::stream(&word).pause(300).then(&end));
    let gateway = start(&Setup::guarded(&provider).clock(clock));
    let reply = std::thread::scope(|scope| {
        let asking = scope.spawn(|| gateway.stream(CANARY));
        wait_until("the stream begins", || gateway.admin("/health").json()["targets"]["a"]["in_flight"] == 1);
        std::thread::sleep(Duration::from_millis(100));
        broken.store(true, Ordering::SeqCst);
        let reply = asking.join().unwrap();
        broken.store(false, Ordering::SeqCst);
        reply
    });
    assert!(!reply.is_whole, "{}", reply.body);
    assert_eq!(gateway.ask(CANARY).status, 502, "a stream is no whole answer, but it is answered");
    let records = gateway.stop();
    let broken = records.iter().find(|one| one["error"] == "internal_error").expect("it is on record");
    assert_eq!((&broken["outcome"], &broken["stream"]), (&"failed".into(), &true.into()), "{broken}");
}

#[test]
fn what_cannot_be_judged_is_not_passed_on() {
    let provider = Provider::always(Script::default());
    let gateway = start(&Setup::guarded(&provider).providers("circuit_breaker: {enabled: false}"));
    let events = event(&delta("SECRET1")) + &*event(&finish("stop")) + DONE;
    let whole = tests::whole("SECRET1").to_string();
    let untyped = |body: &str| Script::with_headers("200 OK", "", body);
    let typed = |kind: &str, body: &str| Script::reply("200 OK", kind, body);
    for (name, script, stream) in [
        ("a stream as plain text", typed("text/plain", &events), true),
        ("a stream as bytes", typed("application/octet-stream", &events), true),
        ("a stream as lines of JSON", typed("application/x-ndjson", &events), true),
        ("a stream in parts", typed("multipart/mixed; boundary=x", &events), true),
        ("a stream without a type", untyped(&events), true),
        ("a stream as an answer", typed("application/json", &events), true),
        ("an answer as plain text", typed("text/plain", &whole), false),
        ("an answer as a page", typed("text/html", &whole), false),
        ("an answer without a type", untyped(&whole), false),
        ("an answer as a stream", typed("text/event-stream", &events), false),
        ("an answer with a byte order mark", typed("application/json", &format!("\u{feff}{whole}")), false),
        ("two answers", typed("application/json", &format!("{whole}{whole}")), false),
        ("an answer in a list", typed("application/json", &format!("[{whole}]")), false),
    ] {
        for encoding in ["", "gzip", "br", "deflate", "zstd", "x-unknown"] {
            if encoding.is_empty() {
                provider.now(script.clone());
            } else {
                let kind = if stream { "text/event-stream" } else { "application/json" };
                let headers = format!("content-type: {kind}\r\ncontent-encoding: {encoding}\r\n");
                provider.now(Script::with_headers("200 OK", &headers, if stream { &events } else { &whole }));
            }
            let reply = if stream { gateway.stream(CANARY) } else { gateway.ask(CANARY) };
            assert_eq!(reply.status, 502, "{name} {encoding}: {}", reply.body);
            assert!(!reply.shows("SECRET1"), "{name} {encoding}: {}", reply.body);
        }
    }
    gateway.stop();
}
