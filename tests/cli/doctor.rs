//! `kt doctor`: what it finds in the way, what to do about it, and its exit codes.

use std::net::TcpListener;
use std::path::Path;

use serde_json::Value;
use tests::{Provider, Script, Setup};

use crate::kt;

const FREE: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

/// Runs it in that folder with the state beside the configuration.
fn doctor(folder: &Path, more: &[&str]) -> (String, i32) {
    let (out, err, code) = kt(folder, &[&["doctor", "--state-dir", "state"], more].concat());
    assert!(err.is_empty() || code == 2, "{err}");
    (out + &*err, code)
}

fn provider(status: &str) -> Provider {
    Provider::always(Script::with_headers(status, "date: Wed, 01 Jan 2020 00:00:00 GMT\r\n", "{}"))
}

#[test]
fn nothing_in_the_way() {
    let provider = provider("200 OK");
    let (folder, _) = Setup::guarded(&provider).write();
    let (told, code) = doctor(folder.path(), &FREE);
    assert_eq!(code, 0, "{told}");
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], "ok      config   policy-config.yaml: pack house with 1 policy");
    assert_eq!(lines[1], "ok      key      a: is there");
    assert_eq!(lines[2], "ok      target   a: answers 200 to a request for its models");
    assert!(
        lines[3].starts_with("warning clock    this machine: ") && lines[3].contains("synchronize it"),
        "{told}"
    );
    assert!(lines[4].contains(" disk     state: can be written, "), "{told}");
    assert_eq!(lines[5], "ok      port     127.0.0.1:0: is free for `--listen`");
    assert_eq!(lines[6], "ok      port     127.0.0.1:0: is free for `--admin-listen`");
    let seen = provider.last();
    assert!(seen.head.starts_with("GET /v1/models ") && seen.header("authorization").is_some());
    assert!(!told.contains(tests::KEY) && !folder.path().join("state").exists());
    assert_eq!(doctor(folder.path(), &[&FREE[..], &["--offline"]].concat()).1, 0);
    assert_eq!(provider.seen().len(), 1);
}

#[test]
fn everything_in_the_way_is_told_with_what_to_do() {
    let refusing = provider("401 No");
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let setup = Setup::new()
        .target("keyless", &refusing, "secret_key_ref: {env: KT_TESTS_NO_SUCH_KEY}")
        .target("refusing", &refusing, "")
        .target("odd", &provider("500 No"), "")
        .target_at("gone", &format!("http://{gone}/v1"), "");
    let (folder, _) = setup.block("tls: {cert: no.pem, key: no.pem}").write();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let more = ["--listen", &taken, "--admin-listen", "127.0.0.1:0", "--json", "--state-dir", "file/state"];
    let (told, _, code) = kt(folder.path(), &[&["doctor"], &more[..]].concat());
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &told["ok"]), (1, &false.into()));
    let checks = told["checks"].as_array().unwrap();
    let of = |what: &str, subject: &str| {
        let found = checks.iter().find(|check| check["check"] == what && check["subject"] == subject);
        let found = found.unwrap_or_else(|| panic!("{what} {subject}: {told}"));
        let words = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
        (words("status"), words("message") + "; " + &*words("help"))
    };
    for (what, subject, status, words) in [
        ("tls", "no.pem", "failed", "cannot be read"),
        ("key", "keyless", "failed", "`KT_TESTS_NO_SUCH_KEY` is not set; set it where the gateway runs"),
        (
            "target",
            "refusing",
            "failed",
            "answers 401 to a request for its models; the provider refuses the key",
        ),
        ("target", "odd", "warning", "answers 500"),
        ("target", "gone", "failed", "cannot be reached"),
        ("disk", "file/state", "failed", "cannot be written"),
        ("port", taken.as_str(), "failed", "is in use"),
    ] {
        let (found, said) = of(what, subject);
        assert_eq!(found, status, "{what} {subject}: {said}");
        assert!(said.contains(words), "{what} {subject}: {said}");
    }
    assert!(checks.iter().all(|check| check["status"] == "ok" || check["help"].is_string()));
}

#[test]
fn mistakes_in_the_configuration_are_told_and_a_missing_one_is_no_run() {
    let (folder, _) = Setup::new().block("polices: {}").write();
    let (told, code) = doctor(folder.path(), &FREE);
    assert_eq!(code, 1);
    let first = told.lines().next().unwrap();
    assert!(
        first.starts_with("failed  config   policy-config.yaml:4:1: [E002] ") && first.contains("policies"),
        "{told}"
    );
    let (told, code) = doctor(folder.path(), &["--policy-config", "other.yaml"]);
    assert!(code == 2 && told.contains("there is no file `other.yaml`"), "{told}");
}
