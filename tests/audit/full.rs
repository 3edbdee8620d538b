//! A disk without room, made of the limit that the system puts on the size of a file.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tests::binary::{Process, build};
use tests::ledger::verify;
use tests::{KEY, Provider, RULES, Script, Setup, get, post, question_of};

const CHAT: &str = "/v1/chat/completions";

/// Starts a gateway that can write files of so many kilobytes, until [`give_room`].
fn start(setup: &Setup, kilobytes: usize, fail_mode: &str) -> Process {
    let (folder, config) = setup.write();
    let state = folder.path().join("state");
    let script = format!(
        "trap '' XFSZ; ulimit -S -f {kilobytes}; exec '{}' gateway run --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 \
         --fail-mode {fail_mode} --policy-config '{}' --state-dir '{}'",
        build().display(),
        config.display(),
        state.display()
    );
    let child = Command::new("bash")
        .args(["-c", &script])
        .env("KT_TESTS_KEY", KEY)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`bash` starts");
    Process::watch(child, Arc::new(folder))
}

fn give_room(gateway: &Process) {
    let pid = gateway.id().to_string();
    let given = Command::new("prlimit").args(["--fsize=unlimited:", "--pid", &pid]).status();
    assert!(given.expect("`prlimit` runs").success());
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(15);
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn ask(gateway: &Process, name: &str, stream: bool) -> tests::Reply {
    let header = format!("x-request-id: {name}\r\n");
    post(gateway.address, CHAT, &header, question_of("hi", stream).to_string())
}

/// How many requests were answered with that status, by the page of figures.
fn requests(page: &str, status: u16) -> usize {
    let of = format!("status=\"{status}\"");
    let counted =
        page.lines().filter(|line| line.starts_with("keeptrusts_llm_requests_total{") && line.contains(&of));
    counted.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
}

fn setup(provider: &Provider) -> Setup {
    Setup::over(provider).rules("house", RULES).kind("audit-logger")
}

#[test]
fn a_full_disk_refuses_requests_and_lets_them_in_again_when_there_is_room() {
    for stream in [false, true] {
        let provider = Provider::always(match stream {
            true => Script::deltas(["one two"]),
            false => Script::answer("one two"),
        });
        let gateway = start(&setup(&provider), 8, "block");
        let (mut answered, mut refused) = (BTreeSet::new(), None);
        for number in 0..30 {
            let name = format!("r{number}");
            let reply = ask(&gateway, &name, stream);
            if reply.code() == "audit_unavailable" {
                refused = Some((name, reply));
                break;
            }
            assert_eq!((reply.status, reply.said().as_str()), (200, "one two"), "{}", reply.raw.len());
            answered.insert(name);
        }
        let (refused, reply) = refused.expect("8 kilobytes are full after 30 requests");
        assert!(!answered.is_empty());
        // The one whose record did not fit: a stream had its head already, and gets the error as a frame.
        assert_eq!(reply.status, if stream { 200 } else { 503 });
        assert!(!reply.shows("one two") || stream, "{}", reply.body);
        assert_eq!(get(gateway.admin, "/readyz").status, 503);
        let asked = provider.seen().len();
        let reply = ask(&gateway, "later", stream);
        assert_eq!(
            (reply.status, reply.code().as_str(), reply.header("retry-after")),
            (503, "audit_unavailable", Some("5"))
        );
        assert_eq!(provider.seen().len(), asked, "nothing is sent that cannot be recorded");
        if !stream {
            // The figures and the process log say what clients were told, as the record does.
            let page = get(gateway.admin, "/metrics").body;
            let counts = [200, 503].map(|status| requests(&page, status));
            assert_eq!(counts, [answered.len(), 1], "{page}");
            let lines =
                || ["request complete", "request failed"].map(|line| gateway.log().matches(line).count());
            wait_until("the process log says the same", || lines() == counts);
        }
        give_room(&gateway);
        wait_until("it recovers", || get(gateway.admin, "/readyz").status == 200);
        assert_eq!(ask(&gateway, "again", stream).said(), "one two");
        answered.insert("again".into());
        let ended = gateway.stop();
        let outcome = |name: &str| {
            let record = ended.records.iter().find(|record| record["request_id"] == name);
            record.map(|record| (record["outcome"].as_str().unwrap(), record["error"].as_str()))
        };
        for name in &answered {
            assert_eq!(outcome(name), Some(("complete", None)), "{name}");
        }
        assert_eq!(outcome(&refused), Some(("failed", Some("audit_unavailable"))), "{}", ended.log);
        assert_eq!(outcome("later"), None);
        assert!(
            ended.log.contains("cannot be written") && ended.log.contains("can be written again"),
            "{}",
            ended.log
        );
        assert_eq!(verify(&ended.state()).1, 0);
    }
}

#[test]
fn a_log_that_was_removed_lets_nobody_through() {
    let provider = Provider::always(Script::answer("one two"));
    let gateway = setup(&provider).process();
    assert_eq!(ask(&gateway, "first", false).status, 200);
    std::fs::remove_dir_all(gateway.state().join("audit")).unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    for name in ["second", "third"] {
        let reply = ask(&gateway, name, false);
        assert_eq!((reply.status, reply.code().as_str()), (503, "audit_unavailable"), "{}", reply.body);
    }
    assert_eq!(get(gateway.admin, "/readyz").status, 503);
    assert!(gateway.log().contains("its file was removed"), "{}", gateway.log());
    gateway.kill();
}

#[test]
fn under_fail_mode_allow_a_full_disk_lets_requests_through() {
    let provider = Provider::always(Script::answer("one two"));
    let gateway = start(&setup(&provider), 4, "allow");
    for number in 0..12 {
        assert_eq!(ask(&gateway, &format!("r{number}"), false).said(), "one two");
    }
    wait_until("the process log says so", || gateway.log().contains("no audit record can be written"));
    give_room(&gateway);
    wait_until("it recovers", || get(gateway.admin, "/readyz").status == 200);
    let ended = gateway.stop();
    assert!(ended.records.len() < 12, "{}", ended.records.len());
    assert_eq!(verify(&ended.state()).1, 0);
}
