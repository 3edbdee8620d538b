//! The process log: what is told at the start, in which form, and that nobody waits for it.

use std::fs::OpenOptions;
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::binary::Process;
use tests::{Provider, Script, Setup, get, post, question_of};

const CHAT: &str = "/v1/chat/completions";

/// A gateway whose log is no pipe that this test reads.
struct Untold {
    child: Child,
    address: SocketAddr,
    admin: SocketAddr,
    _folder: tempfile::TempDir,
}

/// An address where nobody listens now.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Untold {
    fn start(setup: &Setup, log: impl Into<Stdio>) -> Self {
        let ((folder, _), address, admin) = (setup.write(), free(), free());
        let mut command = setup.command(&folder, &address.to_string(), &admin.to_string());
        let mut child = command.stderr(log).spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(admin).is_err() {
            assert_eq!(child.try_wait().unwrap(), None, "it has ended");
            assert!(Instant::now() < until, "it does not come up");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, address, admin, _folder: folder }
    }

    fn asks(&self, times: usize) {
        for _ in 0..times {
            let reply = post(self.address, CHAT, "", question_of("hi", false).to_string());
            assert_eq!(reply.status, 200, "{}", reply.body);
        }
    }

    /// Ends it with SIGTERM.
    fn stop(mut self) -> ExitStatus {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Untold {
    fn drop(&mut self) {
        self.child.kill().ok(); // nothing outlives its test, however that ends
        self.child.wait().ok();
    }
}

#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    let provider = Provider::always(Script::answer("ok"));
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (reader, gone) = std::io::pipe().unwrap();
    drop(reader);
    for log in [Stdio::from(full), Stdio::from(gone)] {
        let run = Untold::start(&Setup::guarded(&provider), log);
        run.asks(3);
        // Lines are written, and so lost, by a thread of their own.
        let lost = || {
            let told = get(run.admin, "/metrics").body;
            let lost = told.lines().find_map(|line| line.strip_prefix("kt_log_lines_lost_total "));
            lost.and_then(|lost| lost.parse::<u64>().ok()).expect("it is always told")
        };
        let until = Instant::now() + Duration::from_secs(10);
        while lost() < 2 {
            assert!(Instant::now() < until, "{} lines lost", lost());
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(run.stop().code(), Some(0));
    }
}

#[test]
fn a_reader_that_stalls_holds_up_neither_requests_nor_the_end() {
    let provider = Provider::always(Script::answer("ok"));
    let (mut reader, log) = std::io::pipe().unwrap();
    let run = Untold::start(&Setup::guarded(&provider), log);
    run.asks(600); // a pipe holds some two hundred of their lines
    assert_eq!(run.stop().code(), Some(0));
    let mut told = String::new();
    reader.read_to_string(&mut told).unwrap();
    // A pipe holds 64 KiB, less what is left free where pieces do not fill a page.
    assert!(told.contains("listening on") && told.len() > 30_000, "{} bytes", told.len());
}

/// What a start says that comes to nothing.
fn refused(change: impl FnOnce(&mut Command)) -> String {
    let setup = Setup::new().demo();
    let (folder, _) = setup.write();
    let mut command = setup.command(&folder, "127.0.0.1:0", "127.0.0.1:0");
    change(&mut command);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_filter_that_is_not_understood_is_told_with_what_is() {
    for filter in ["verbose", "info,gateway=loud", "7"] {
        let told = refused(|command| {
            command.env("KT_LOG", filter);
        });
        assert!(told.contains("`KT_LOG` holds") && told.contains("off, error, warn, info"), "{told}");
    }
}

fn started(setup: &Setup, admin: &str, change: impl FnOnce(&mut Command)) -> Process {
    let (folder, _) = setup.write();
    let mut command = setup.command(&folder, "127.0.0.1:0", admin);
    change(&mut command);
    Process::watch(command.spawn().unwrap(), Arc::new(folder))
}

#[test]
fn a_filter_leaves_out_what_is_below_it() {
    let run = started(&Setup::new().demo(), "127.0.0.1:0", |command| {
        command.env("KT_LOG", "off,gateway::server=info");
    });
    assert_eq!(post(run.address, CHAT, "", question_of("hi", false).to_string()).status, 200);
    let log = run.stop().log;
    assert!(log.contains("listening on") && !log.contains("request_id"), "{log}");
}

#[test]
fn as_json_each_line_is_an_object() {
    let setup = Setup::new().demo();
    let run = started(&setup, "127.0.0.1:0", |command| {
        command.args(["--log-format", "json"]);
    });
    assert_eq!(post(run.address, CHAT, "", question_of("hi", false).to_string()).status, 200);
    let log = run.stop().log;
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    for line in &lines {
        assert!(
            ["level", "target", "message", "timestamp"].iter().all(|field| line[field].is_string()),
            "{line}"
        );
    }
    let request = lines.iter().find(|line| line["request_id"].is_string()).expect("a line of the request");
    assert_eq!((&request["level"], &request["status"]), (&"INFO".into(), &200.into()), "{request}");
}

#[test]
fn as_json_why_it_cannot_run_is_an_object_too() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let told = refused(|command| {
        command.args(["--log-format", "json", "--listen", &taken]);
    });
    let mut lines = told.lines().map(|line| serde_json::from_str(line).expect(line));
    let line: Value = lines.next_back().expect("why it does not run");
    assert!(line["level"] == "ERROR" && line["message"].as_str().unwrap().contains("in use"), "{line}");
}

#[test]
fn what_is_unsafe_is_told_at_the_start_with_its_mend() {
    let provider = Provider::always(Script::answer("ok"));
    let run = started(&Setup::new(), "127.0.0.1:0", |_| {});
    assert!(run.stop().log.contains("name one under `providers.targets`"));
    let setup = Setup::new().target("a", &provider, "secret_key_ref: {env: KT_TESTS_KEY}");
    let log = started(&setup, "0.0.0.0:0", |command| {
        command.args(["--listen", "0.0.0.0:0", "--upstream", "http://10.0.0.1"]);
    })
    .stop()
    .log;
    let warned: Vec<&str> = log.lines().filter(|line| line.contains("WARN")).collect();
    for mend in ["`auth.keys`", "`admin.token_ref`", "write `https://`"] {
        assert_eq!(warned.iter().filter(|line| line.contains(mend)).count(), 1, "{mend}: {log}");
    }
    let log = started(&setup, "127.0.0.1:0", |_| {}).stop().log;
    assert!(!log.contains("WARN"), "{log}");
}

#[test]
fn a_mistake_in_upstream_is_told_as_the_flag() {
    let provider = Provider::always(Script::answer("ok"));
    let setup = Setup::new().target("b", &provider, "");
    let (folder, _) = setup.write();
    let mut command = setup.command(&folder, "127.0.0.1:0", "127.0.0.1:0");
    let output = command.args(["--upstream", "10.0.0.1:80"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("error: `--upstream` ") && !told.contains("base_url"), "{told}");
}

#[test]
fn the_greeting_says_what_works_here() {
    let run = started(&Setup::new().demo(), "127.0.0.1:0", |_| {});
    let log = run.stop().log;
    assert!(log.contains("curl http://127.0.0.1:") && log.contains("no policy is in the chain"), "{log}");
    let key = "auth:\n  keys:\n    - {name: a, sha256: \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"}";
    let log = started(&Setup::new().demo().block(key), "127.0.0.1:0", |_| {}).stop().log;
    assert!(log.contains("curl -H \"authorization: Bearer $KEY\" http://"), "{log}");
}
