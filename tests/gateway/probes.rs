//! Health probes on real sockets: what takes a target out of the rotation, and what takes it in again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tests::{KEY, Provider, Script, Setup, get, post, question_of};

use crate::wait_until;

const PROBED: &str =
    "health_probe: {interval_seconds: 1, timeout_seconds: 1, unhealthy_threshold: 1, healthy_threshold: 1}";

/// A provider that answers questions, and probes as the switch says.
fn probed(is_well: &Arc<AtomicBool>) -> Provider {
    let is_well = Arc::clone(is_well);
    Provider::always(Script::echo(move |seen| {
        let is_probe = seen.head.starts_with("GET /v1/models HTTP/1.1");
        match (is_probe, is_well.load(Ordering::SeqCst)) {
            (false, _) => Script::answer("first"),
            (true, true) => Script::json(&json!({"data": []})),
            (true, false) => Script::reply("500 Oops", "application/json", "{}"),
        }
        .bytes()
    }))
}

#[test]
fn an_unhealthy_target_leaves_the_rotation_and_comes_back() {
    let is_well = Arc::new(AtomicBool::new(true));
    let (first, second) = (probed(&is_well), Provider::always(Script::answer("second")));
    let fields = format!("{PROBED}, secret_key_ref: {{file: KEY}}");
    let gateway = Setup::new().target("a", &first, &fields).target("b", &second, "").here();
    assert_eq!(gateway.ask("hi").said(), "first");
    let probe = || gateway.admin("/health").json()["targets"]["a"]["health_probe"].clone();
    assert_eq!(probe(), "healthy");
    is_well.store(false, Ordering::SeqCst);
    wait_until(|| probe() == "unhealthy");
    assert_eq!(gateway.admin("/health").json()["providers"]["a"], "unreachable");
    let asked =
        |provider: &Provider| provider.seen().iter().filter(|seen| seen.head.starts_with("POST")).count();
    (0..3).for_each(|_| assert_eq!(gateway.ask("hi").said(), "second"));
    assert_eq!((asked(&first), asked(&second)), (1, 3));
    is_well.store(true, Ordering::SeqCst);
    wait_until(|| probe() == "healthy");
    assert_eq!(gateway.ask("hi").said(), "first");
    let probes = first.seen().into_iter().filter(|seen| seen.head.starts_with("GET"));
    assert!(probes.into_iter().all(|seen| seen.header("authorization") == Some(&format!("Bearer {KEY}"))));
    assert_eq!(second.connections(), 3, "who is not to be probed is not");
}

#[test]
fn when_the_probes_of_all_fail_each_is_named_with_what_they_found() {
    let (silent, broken) = (Provider::always(Script::default().stall()), probed(&Arc::default()));
    let gateway = Setup::new()
        .target("a", &silent, PROBED)
        .target("b", &broken, PROBED)
        .target_at("c", "http://127.0.0.1:1/v1", PROBED)
        .process();
    wait_until(|| get(gateway.admin, "/health").json()["status"] == "unhealthy");
    let reply = post(gateway.address, "/v1/chat/completions", "", question_of("hi", false).to_string());
    assert_eq!((reply.status, reply.code().as_str()), (503, "no_target_available"));
    assert!(reply.header("retry-after").is_some());
    assert_eq!(reply.error().unwrap()["message"], "no target is available; the operator's log says why");
    let log = gateway.stop().log;
    let line = log.lines().find(|line| line.contains("no target is available")).expect("the log says why");
    for part in [
        "`a`: its health probes fail; the last: did not answer in time",
        "`b`: its health probes fail; the last: answered 500",
        "`c`: its health probes fail; the last: cannot be reached",
    ] {
        assert!(line.contains(part), "{line}");
    }
}
