//! `kt doctor`: what it finds in the way, what to do about it, and its exit codes.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use serde_json::Value;
use tests::binary::Process;
use tests::tls::Authority;
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
    assert!(lines[5].contains(" files    descriptors: soft limit "), "{told}");
    assert_eq!(lines[6], "ok      port     127.0.0.1:0: is free for `--listen`");
    assert_eq!(lines[7], "ok      port     127.0.0.1:0: is free for `--admin-listen`");
    assert_eq!(lines.len(), 8, "{told}");
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

#[test]
fn certificates_are_told_with_the_days_that_they_are_good_for() {
    let authority = Authority::default();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let in_days = |days: i64| {
        let second = now.saturating_add_signed(days * 86_400 + 3600);
        rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(second)
    };
    let provider = provider("200 OK");
    let (folder, _) = Setup::over(&provider).write();
    let mut paths = Vec::new();
    for (name, days) in [("long", 400), ("soon", 12), ("gone", -3)] {
        let issued = authority.issue_with("gateway.example", |params| {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = in_days(days);
        });
        paths.push(issued.write(folder.path(), name).map(|path| path.display().to_string()));
    }
    let told = |cert: usize, ca: usize| {
        let ([cert, key], [ca, _]) = (&paths[cert], &paths[ca]);
        let tls = format!("tls: {{cert: {cert}, key: {key}, client_ca: {ca}}}");
        Setup::over(&provider).block(&tls).write_into(folder.path());
        let (told, code) = doctor(folder.path(), &[&FREE[..], &["--offline"]].concat());
        let lines: Vec<String> =
            told.lines().filter(|line| line.contains(" cert ")).map(str::to_owned).collect();
        assert_eq!(lines.len(), 2, "{told}");
        (lines, code)
    };
    let (lines, code) = told(0, 1);
    assert_eq!(code, 0);
    assert!(
        lines[0].starts_with("ok      cert     tls.cert ") && lines[0].contains(" 400 more days, until "),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("warning cert     tls.client_ca ") && lines[1].contains(" 12 more days"),
        "{lines:?}"
    );
    assert!(lines[1].contains("have a new one issued"), "{lines:?}");
    let (lines, code) = told(2, 0);
    assert_eq!(code, 1);
    assert!(
        lines[0].starts_with("failed  cert     tls.cert ") && lines[0].contains("has run out on "),
        "{lines:?}"
    );
    // Of authorities the others still count.
    let both = ["gone", "long"]
        .map(|name| std::fs::read_to_string(folder.path().join(format!("{name}-cert.pem"))).unwrap());
    std::fs::write(&paths[1][0], both.concat()).unwrap();
    let (lines, code) = told(0, 1);
    assert!(
        code == 0 && lines[1].starts_with("warning ") && lines[1].contains("has run out on "),
        "{lines:?}"
    );
}

/// What it says after those words to a shell.
fn after(words: &str, folder: &Path) -> String {
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("{words}; exec \"$@\""), "bash"]).arg(tests::binary::build());
    shell.args(["doctor", "--offline", "--state-dir", "state"]).args(FREE).current_dir(folder);
    let told = shell.env("NO_COLOR", "1").output().expect("`bash` runs").stdout;
    String::from_utf8(told).expect("text")
}

#[test]
fn few_file_descriptors_are_told_with_the_clients_that_they_are_enough_for() {
    let (folder, _) = Setup::new().write();
    let told = after("ulimit -Sn 150; ulimit -Hn 200", folder.path());
    let few = "warning files    descriptors: soft limit 150, hard limit 200, which the gateway asks for: enough for 36 connections of clients; more wait. A higher hard limit, as of `ulimit -Hn`, allows up to 10000";
    assert!(told.lines().any(|line| line == few), "{told}");
}

#[test]
fn addresses_that_let_everybody_in_are_told_as_the_gateway_does() {
    let everywhere = ["--listen", "0.0.0.0:0", "--admin-listen", "0.0.0.0:0", "--offline"];
    let provider = provider("200 OK");
    let setup = Setup::over(&provider);
    let (folder, _) = setup.write();
    let (told, code) = doctor(folder.path(), &everywhere);
    let open: Vec<&str> = told.lines().filter(|line| line.contains(" access ")).collect();
    assert!(code == 0 && open.len() == 2, "{told}");
    assert!(
        open[0].starts_with("warning access   0.0.0.0:0: is not loopback and there is no `auth`: ")
            && open[0].contains("; list clients under `auth.keys`"),
        "{told}"
    );
    assert!(open[1].contains("the operator's address 0.0.0.0:0: is not loopback"), "{told}");
    let command = setup.command(&folder, "0.0.0.0:0", "0.0.0.0:0").spawn();
    let log = Process::watch(command.expect("`kt` starts"), Arc::new(folder)).stop().log;
    for line in open {
        let (_, words) = line.split_once(":0: ").expect("an address");
        assert!(log.contains(words), "{words}\n{log}");
    }
}

#[test]
fn addresses_that_ask_who_comes_are_well() {
    let everywhere = ["--listen", "0.0.0.0:0", "--admin-listen", "127.0.0.1:0", "--offline"];
    let auth = format!("auth: {{keys: [{{name: a, sha256: {}}}]}}", "0".repeat(64));
    let (folder, _) = Setup::new().block(&auth).write();
    let (told, _) = doctor(folder.path(), &everywhere);
    assert!(!told.contains(" access "), "{told}");
}
