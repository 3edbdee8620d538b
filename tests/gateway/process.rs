//! The `kt` command as operators run it: what it says, how it ends, what signals do.

use std::io::Write;
use std::net::TcpListener;
use std::process::Output;

use tests::client::{connect, request, rest};
use tests::{DONE, KEY, Provider, RULES, Script, Setup, delta, event, finish, get, post, question_of};

use crate::record::{self, CANARY};

const CHAT: &str = "/v1/chat/completions";

/// Runs a command that is expected to fail at once.
fn failed(setup: &Setup, listen: &str, admin: &str) -> String {
    let (folder, _) = setup.write();
    let Output { status, stderr, .. } = setup.command(&folder, listen, admin).output().unwrap();
    assert!(!status.success());
    String::from_utf8(stderr).unwrap()
}

#[test]
fn a_run_serves_tells_and_keeps_its_secrets() {
    let provider = Provider::always(Script::deltas(["to ann@exam", "ple.com"]));
    let key = "secret_key_ref: {env: KT_TESTS_KEY}";
    let run = Setup::new().target("a", &provider, key).rules("house", RULES).process();
    let body = question_of(&format!("{CANARY} SECRET1"), true).to_string();
    let reply = post(run.address, CHAT, "x-request-id: mine-3\r\n", body);
    assert_eq!(reply.said(), "to [EMAIL]");
    assert_eq!(provider.last().header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    provider.now(Script::reply(
        "401 No",
        "application/json",
        format!("{{\"error\":{{\"message\":\"{KEY} {CANARY}\"}}}}"),
    ));
    assert_eq!(post(run.address, CHAT, "", question_of("hi", false).to_string()).status, 502);
    assert_eq!(get(run.admin, "/health").json()["requests_processed"], 2);
    let ended = run.stop();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
    record::check(&ended.records[0], "complete", 200);
    record::check(&ended.records[1], "failed", 502);
    assert!(
        ended.log.contains("mine-3") && ended.log.contains("refuses the configured key"),
        "{}",
        ended.log
    );
    for secret in [KEY, CANARY, "SECRET1", "ann@"] {
        assert!(!ended.log.contains(secret), "`{secret}` in the log: {}", ended.log);
    }
}

#[test]
fn sigterm_finishes_streams_and_lets_nobody_new_in() {
    let script = Script::stream(event(&delta("one SEC"))).pause(400).then(event(&delta("RET1 two")));
    let provider = Provider::always(script.then(event(&finish("stop")) + DONE));
    let run = Setup::guarded(&provider).process();
    let body = question_of("hi", true).to_string();
    let mut socket = connect(run.address);
    write!(socket, "{}{body}", request(CHAT, "", body.len())).unwrap();
    while provider.seen().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let address = run.address;
    run.signal("TERM");
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert!(std::net::TcpStream::connect(address).is_err());
    let reply = rest(&mut socket);
    assert_eq!((reply.said().as_str(), reply.finish().as_deref()), ("one [SECRET] two", Some("stop")));
    let ended = run.wait();
    assert_eq!(ended.status.code(), Some(0));
    record::only(&ended.records, "complete", 200);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let provider = Provider::always(Script::stream(event(&delta("a"))).stall());
    let run = Setup::guarded(&provider).process();
    let body = question_of("hi", true).to_string();
    let mut socket = connect(run.address);
    write!(socket, "{}{body}", request(CHAT, "", body.len())).unwrap();
    while provider.seen().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    run.signal("INT");
    std::thread::sleep(std::time::Duration::from_millis(50));
    run.signal("TERM");
    let began = std::time::Instant::now();
    let ended = run.wait();
    assert!(began.elapsed().as_secs() < 3 && ended.records.len() == 1, "{}", ended.log);
}

#[test]
fn the_demo_needs_no_key_and_no_network() {
    let run = Setup::new().demo().rules("house", RULES).process();
    let reply = post(run.address, CHAT, "", question_of("whose contact is SECRET1?", true).to_string());
    assert!(reply.said().contains("[EMAIL]") && !reply.shows("ann.smith@"), "{}", reply.body);
    assert_eq!(run.stop().status.code(), Some(0));
}

#[test]
fn a_port_in_use_is_told_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let setup = Setup::new().demo();
    let told = failed(&setup, &address.to_string(), "127.0.0.1:0");
    assert!(
        told.contains(&format!("port {} is in use", address.port())) && told.contains("`--listen`"),
        "{told}"
    );
    assert!(!told.contains("curl"), "it is greeted before it has started: {told}");
    let told = failed(&setup, "127.0.0.1:0", &address.to_string());
    assert!(told.contains("is in use") && told.contains("`--admin-listen`"), "{told}");
}

#[test]
fn a_missing_key_is_told_at_the_start_and_answered_with_503() {
    let provider = Provider::always(Script::answer("ok"));
    let run = Setup::new().target("a", &provider, "secret_key_ref: {env: KT_TESTS_NO_SUCH_KEY}").process();
    assert!(run.log().contains("KT_TESTS_NO_SUCH_KEY"), "{}", run.log());
    let reply = post(run.address, CHAT, "", question_of("hi", false).to_string());
    assert_eq!((reply.status, reply.code().as_str()), (503, "no_target_available"));
    assert!(!reply.shows("KT_TESTS_NO_SUCH_KEY"), "{}", reply.body);
    let ended = run.stop();
    assert!(ended.log.contains("no target is available"), "{}", ended.log);
    let reason = "`a`: `KT_TESTS_NO_SUCH_KEY` is not set";
    assert!(
        ended.log.lines().any(|line| line.contains("no target") && line.contains(reason)),
        "{}",
        ended.log
    );
    record::only(&ended.records, "failed", 503);
}

#[test]
fn a_policy_that_fails_is_passed_over_where_it_says_so_and_the_log_tells() {
    let provider = Provider::always(Script::answer("ok"));
    let broken = "policy broken\nscript fn spin(s: string) -> bool = \"\"\"while true {} true\"\"\"\n\
                  rule stop on request { when spin(model) do block }\n";
    let setup = Setup::over(&provider).rules("broken", broken).rules("house", RULES);
    let blocks = setup.process();
    let reply = post(blocks.address, CHAT, "", question_of("hi", false).to_string());
    assert_eq!((reply.status, provider.connections()), (409, 0), "{}", reply.body);
    let ended = blocks.stop();
    assert_eq!(ended.records[0]["reason_code"], "policy.error");
    assert!(!ended.log.contains("passed over"), "{}", ended.log);
    let allows = setup.block("policy: {broken: {on_error: allow}}").process();
    for (question, status) in [("hi", 200), ("hi", 200), ("FORBIDDEN", 409)] {
        let reply = post(allows.address, CHAT, "", question_of(question, false).to_string());
        assert_eq!(reply.status, status, "the other policies judge: {}", reply.body);
    }
    let ended = allows.stop();
    assert_eq!(ended.log.matches("a policy could not run and was passed over").count(), 1, "{}", ended.log);
    for record in &ended.records {
        assert_eq!(record["policies_evaluated"][0]["result"], "error", "{record}");
    }
}

#[test]
fn where_no_policy_ran_the_log_says_none() {
    let provider = Provider::always(Script::answer("ok"));
    let run = Setup::guarded(&provider).process();
    assert_eq!(post(run.address, "/v1/nowhere", "", "{}").status, 404);
    assert_eq!(post(run.address, CHAT, "", question_of("hi", false).to_string()).status, 200);
    let log = run.stop().log;
    let action = |words: &str| {
        let line = log.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{words}: {log}"));
        line.split("policy_action").nth(1).unwrap().trim_start_matches(['=', '"', ':']).to_owned()
    };
    assert!(action("request refused").starts_with("none"), "{log}");
    assert!(action("request complete").starts_with("allow"), "{log}");
}

#[test]
fn a_provider_that_is_away_is_told_by_its_last_cause() {
    let gateway = Setup::new().target_at("a", "http://127.0.0.1:1/v1", "").here();
    let message = gateway.ask("hi").error().unwrap()["message"].as_str().unwrap().to_owned();
    assert_eq!(message.matches(": ").count(), 1, "{message}");
    assert!(message.starts_with("target `a` cannot be reached: Connection refused"), "{message}");
}

#[test]
fn a_mistake_in_the_configuration_is_told_at_its_place() {
    let told = failed(&Setup::new().demo().block("polices: {}"), "127.0.0.1:0", "127.0.0.1:0");
    assert!(
        told.contains("polices") && told.contains("E002") && told.contains("policy-config.yaml:"),
        "{told}"
    );
    let broken = RULES.replace("text has forbidden", "text has forbiden");
    let told = failed(&Setup::new().demo().rules("house", &broken), "127.0.0.1:0", "127.0.0.1:0");
    assert!(told.contains("forbiden") && told.contains("house.ktr:") && told.contains("forbidden"), "{told}");
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure_and_a_reader_that_left_is_none() {
    for verb in [&["completions", "bash"][..], &["policy", "fields"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let Output { status, stderr, .. } = tests::kt().args(verb).stdout(full).output().unwrap();
        let told = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(2), "{verb:?}: {told}");
        assert_eq!(told.matches("cannot be written").count(), 1, "{verb:?}: {told}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let Output { status, stderr, .. } = tests::kt().args(verb).stdout(writer).output().unwrap();
        assert_eq!((status.code(), stderr.as_slice()), (Some(0), &b""[..]), "{verb:?}");
    }
}
