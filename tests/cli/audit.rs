//! `kt audit`: what it prints of a log, what it finds, and how it ends.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use insta::assert_snapshot;
use serde_json::Value;
use tests::binary::{Ended, build};
use tests::{Provider, RULES, Script, Setup, post, question_of};

use crate::{folder, kt};

const CHAT: &str = "/v1/chat/completions";

/// A log with four requests: redacted, blocked, refused, and one of a user with a name that a terminal would obey.
fn log() -> Ended {
    let provider = Provider::always(Script::deltas(["mail ann@exam", "ple.com"]));
    let run = Setup::guarded(&provider).kind("audit-logger").process();
    let named = |name: &str| format!("x-request-id: {name}\r\n");
    post(run.address, CHAT, &named("one"), question_of("hi", true).to_string());
    post(run.address, CHAT, &named("two"), question_of("FORBIDDEN", false).to_string());
    post(run.address, CHAT, &named("three"), "{}");
    let user =
        r#"{"model":"m","stream":true,"user":"=a\u001b[2Jb","messages":[{"role":"user","content":"hi"}]}"#;
    post(run.address, CHAT, &named("four"), user);
    run.stop()
}

fn state(ended: &Ended) -> String {
    ended.state().display().to_string()
}

fn active(ended: &Ended) -> PathBuf {
    ended.state().join("audit/audit.jsonl")
}

/// Runs `kt audit` on that log; what differs from run to run is left out.
fn audit(ended: &Ended, arguments: &[&str]) -> (String, i32) {
    let state = state(ended);
    let (out, err, code) =
        kt(Path::new("/"), &[&["audit", arguments[0], "--state-dir", &state], &arguments[1..]].concat());
    let told = format!("{out}{}{err}", if err.is_empty() { "" } else { "--- beside it\n" });
    let mut told = told.replace(&state, "STATE");
    for (pattern, name) in [
        ("[0-9a-f]{64}", "HASH"),
        ("evt_[0-9a-f]{32}", "EVENT"),
        (r"\d{4}-\d\d-\d\dT[0-9:.]+Z?", "TIME"),
        (r"\d+ ms", "N ms"),
        (r#""latency_(ms|us)":\d+"#, r#""latency_$1":N"#),
        (r",false,\d+,|,true,\d+,", ",BOOL,N,"),
    ] {
        told = regex::Regex::new(pattern).unwrap().replace_all(&told, name).into_owned();
    }
    (told, code)
}

#[test]
fn an_intact_log_is_told_to_people_and_to_programs() {
    let log = log();
    let (told, code) = audit(&log, &["verify"]);
    assert_eq!(code, 0);
    assert_snapshot!("intact", told);
    let (told, code) = audit(&log, &["verify", "--json"]);
    assert_eq!(code, 0);
    assert_snapshot!("intact_json", told);
    let (told, code) = audit(&log, &["tail"]);
    assert_eq!(code, 0);
    assert_snapshot!("tail", told);
    let (told, code) = audit(&log, &["export", "--format", "csv"]);
    assert_eq!(code, 0);
    assert_snapshot!("csv", told);
    let (told, _) = audit(&log, &["tail", "--json", "--lines", "2"]);
    let text = std::fs::read_to_string(active(&log)).unwrap();
    let last: Vec<&str> = text.lines().skip(2).collect();
    assert_eq!(told.lines().count(), last.len());
    let (out, _, code) = kt(Path::new("/"), &["audit", "export", "--state-dir", &state(&log)]);
    assert_eq!((out, code), (text, 0));
}

#[test]
fn a_broken_log_is_told_with_its_first_bad_record() {
    let log = log();
    let text = std::fs::read_to_string(active(&log)).unwrap();
    std::fs::write(active(&log), text.replacen("\"block\"", "\"allow\"", 1)).unwrap();
    let (told, code) = audit(&log, &["verify"]);
    assert_eq!(code, 1);
    assert_snapshot!("broken", told);
    let (told, code) = audit(&log, &["verify", "--json"]);
    let report: Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
    assert_eq!((code, &report["broken"]["seq"], &report["broken"]["line"]), (1, &2.into(), &2.into()));
    let (told, code) = audit(&log, &["export"]);
    assert!(code == 1 && told.lines().filter(|line| line.starts_with('{')).count() == 1, "{told}");
    assert!(told.contains("record 2 was altered") && told.contains("what follows was not written"), "{told}");
    let first: String = text.split_inclusive('\n').take(1).collect();
    std::fs::write(active(&log), first).unwrap();
    let (told, code) = audit(&log, &["verify"]);
    assert!(code == 1 && told.contains("records 2 to 4 were cut off the end"), "{told}");
}

#[test]
fn what_was_noted_elsewhere_is_held_against_the_log() {
    let log = log();
    let hash = |record: &Value| record["hash"].as_str().unwrap().to_owned();
    let anchor = format!("2:{}", hash(&log.records[1]));
    assert_eq!(audit(&log, &["verify", "--anchor", &anchor]).1, 0);
    let wrong = format!("2:{}", hash(&log.records[2]));
    let (told, code) = audit(&log, &["verify", "--anchor", &wrong, "--anchor", &anchor]);
    assert!(code == 1 && told.contains("record 2 was replaced"), "{told}");
    let beyond = format!("9:{}", hash(&log.records[2]));
    let (told, code) = audit(&log, &["verify", "--anchor", &beyond]);
    assert!(code == 1 && told.contains("records 5 to 9 were cut off the end"), "{told}");
    assert_eq!(audit(&log, &["verify", "--anchor", "2:abc"]).1, 2);
}

#[test]
fn a_signed_checkpoint_is_checked_with_its_key_alone() {
    let files = folder(&[("key", "the key of the log\n"), ("other", "another key of it")]);
    let key = |name: &str| files.path().join(name).display().to_string();
    let block = format!("audit: {{key_ref: {{file: \"{}\"}}}}", key("key"));
    let setup = Setup::new().demo().kind("audit-logger").block(&block);
    let run = setup.process();
    post(run.address, CHAT, "", question_of("hi", false).to_string());
    let log = run.stop();
    let (told, code) = audit(&log, &["verify", "--key-file", &key("key")]);
    assert!(code == 0 && told.contains("checkpoint  1, signed"), "{told}");
    let (told, code) = audit(&log, &["verify"]);
    assert!(code == 0 && told.contains("was not checked"), "{told}");
    let (told, code) = audit(&log, &["verify", "--key-file", &key("other")]);
    assert!(code == 1 && told.contains("signed with another key"), "{told}");
    let config = files.path().join("policy-config.yaml");
    std::fs::write(&config, format!("pack: {{name: p, version: 1.0.0}}\npolicies: {{chain: []}}\n{block}\n"))
        .unwrap();
    let config = config.display().to_string();
    let (told, code) = audit(&log, &["verify", "--policy-config", &config]);
    assert!(code == 0 && told.contains("checkpoint  1, signed"), "{told}");
    let (told, code) = audit(&log, &["prune", "--retention-days", "5"]);
    assert!(code == 2 && told.contains("`audit.key_ref` names no key"), "{told}");
    let (told, code) = audit(&log, &["prune", "--retention-days", "5", "--policy-config", &config]);
    assert_eq!((told.as_str(), code), ("no sealed segment is older than 5 days\n", 0));
}

#[test]
fn what_cannot_be_done_is_said() {
    let empty = folder(&[]);
    let place = empty.path().display().to_string();
    for arguments in [&["verify"][..], &["tail"], &["export"], &["prune", "--retention-days", "1"]] {
        let (_, err, code) = kt(empty.path(), &[&["audit"], arguments, &["--state-dir", &place]].concat());
        assert!(code == 2 && err.contains("there is no audit log in"), "{arguments:?}: {err}");
    }
    let provider = Provider::always(Script::answer("hi"));
    let run = Setup::over(&provider).rules("house", RULES).process();
    post(run.address, CHAT, "", question_of("hi", false).to_string());
    let state = run.state().display().to_string();
    let (_, err, code) =
        kt(empty.path(), &["audit", "prune", "--retention-days", "1", "--state-dir", &state]);
    assert!(code == 2 && err.contains("another `kt` writes"), "{err}");
    let (_, err, code) = kt(empty.path(), &["audit", "prune", "--state-dir", &state]);
    assert!(code == 2 && err.contains("policy-config.yaml"), "{err}");
    let inside = run.state().join("audit/audit.jsonl").display().to_string();
    let (_, err, code) = kt(empty.path(), &["audit", "export", "--output", &inside, "--state-dir", &state]);
    assert!(code == 2 && err.contains("must not lie in the folder of the log"), "{err}");
    let (_, err, code) = kt(empty.path(), &["audit", "export", "--json", "--state-dir", &state]);
    assert!(code == 2 && err.contains("--output FILE"), "{err}");
    let log = run.stop();
    assert_eq!(audit(&log, &["verify"]).1, 0);
    let output = empty.path().join("out.jsonl").display().to_string();
    let (told, code) = audit(&log, &["export", "--output", &output, "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &told["records"], &told["broken"]), (0, &1.into(), &Value::Null));
    assert_eq!(std::fs::read_to_string(output).unwrap(), std::fs::read_to_string(active(&log)).unwrap());
}

#[test]
fn a_log_is_followed_while_it_is_written() {
    let provider = Provider::always(Script::answer("hi"));
    let run = Setup::over(&provider).process();
    let ask = |name: &str| {
        post(run.address, CHAT, &format!("x-request-id: {name}\r\n"), question_of("hi", false).to_string())
    };
    ask("one");
    let mut child = Command::new(build())
        .args(["audit", "tail", "--follow", "--json", "--state-dir"])
        .arg(run.state())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next =
        || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap()["request_id"].clone();
    assert_eq!(next(), "one");
    ask("two");
    ask("three");
    assert_eq!((next(), next()), ("two".into(), "three".into()));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_benchmark_measures_and_leaves_nothing_behind() {
    let place = folder(&[]);
    let state = place.path().join("state");
    let arguments = ["audit", "bench", "--seconds", "1", "--clients", "4", "--json", "--state-dir"];
    let (out, err, code) = kt(place.path(), &[&arguments[..], &[state.to_str().unwrap()]].concat());
    assert_eq!((err.as_str(), code), ("", 0));
    let measured: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let policies: Vec<&str> = measured.iter().map(|one| one["sync"].as_str().unwrap()).collect();
    assert_eq!(policies, ["always", "interval", "none"]);
    assert!(measured.iter().all(|one| one["records_per_second"].as_f64().unwrap() > 0.0), "{out}");
    assert_eq!(std::fs::read_dir(&state).unwrap().count(), 0);
}
