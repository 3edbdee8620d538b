//! No secret on the side: whatever these tests do, logs, figures, pages and the audit log hold no key, no prompt and no answer.

use std::fs;
use std::io;
use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde_json::Value;
use tests::binary::Process;
use tests::tls::{Authority, front};
use tests::{Gateway, KEY, Provider, Script, Setup, post, question_of};
use tracing_subscriber::fmt::MakeWriter;

use crate::{CANARY, CHAT};

/// What the gateways of this process have logged and nobody has searched yet.
static LOG: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(|| {
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG);
    subscriber.with_ansi(false).with_writer(Sink).init();
    Mutex::default()
});

struct Sink;

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Sink {
    type Writer = Sink;

    fn make_writer(&'w self) -> Sink {
        Sink
    }
}

/// What must show nowhere but in requests and answers.
const SECRETS: [&str; 2] = [KEY, CANARY];

/// A gateway that is searched for secrets when its test is over.
pub(crate) struct Watched(Option<Gateway>);

/// Starts a gateway.
pub(crate) fn start(setup: &Setup) -> Watched {
    LazyLock::force(&LOG);
    Watched(Some(setup.here()))
}

impl Deref for Watched {
    type Target = Gateway;

    fn deref(&self) -> &Gateway {
        self.0.as_ref().expect("it runs")
    }
}

impl Watched {
    /// Searches its pages, its files and the log; stops it, and gives its audit log.
    pub(crate) fn stop(mut self) -> Vec<Value> {
        self.search();
        let gateway = self.0.take().expect("it runs");
        let folder = gateway.begin_to_stop().folder();
        let state = folder.path().join("state");
        search_files(&state);
        tests::gate::records(&state)
    }

    fn search(&self) {
        for page in
            ["/health", "/metrics", "/keeptrusts/config", "/console/api/state", "/console/api/decisions"]
        {
            let reply = self.admin(page);
            for secret in SECRETS {
                assert!(!reply.shows(secret), "`{secret}` on {page}");
            }
        }
        let log = std::mem::take(&mut *LOG.lock().unwrap_or_else(PoisonError::into_inner));
        search_log(&String::from_utf8_lossy(&log));
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.0.is_some() && !std::thread::panicking() {
            self.search();
        }
    }
}

/// Searches the lines of a log.
fn search_log(log: &str) {
    assert!(!log.is_empty(), "the log is kept");
    for line in log.lines() {
        for secret in SECRETS {
            assert!(!line.contains(secret), "`{secret}` in the log: {line}");
        }
    }
}

/// Searches all files under a folder.
pub(crate) fn search_files(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            search_files(&entry);
            continue;
        }
        let bytes = fs::read(&entry).expect("a file");
        for secret in SECRETS {
            let is_there = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!is_there, "`{secret}` in {}", entry.display());
        }
    }
}

#[test]
fn the_search_finds_what_it_looks_for() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = start(&Setup::guarded(&provider));
    gateway.ask(&format!("{CANARY} SECRET1"));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("leak"), format!("a prompt: {CANARY}")).unwrap();
    assert!(std::panic::catch_unwind(|| search_files(folder.path())).is_err());
    assert_eq!(gateway.stop().len(), 1);
}

#[test]
fn the_most_talkative_log_tells_no_secret() {
    let provider = Provider::always(Script::deltas([CANARY, " and SECRET1"]));
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, &authority.pem).unwrap();
    let front = front(provider.address, authority.issue("127.0.0.1").server(None, &["http/1.1"]));
    let fields = format!("secret_key_ref: {{file: KEY}}, tls: {{ca: {}}}", ca.display());
    let setup =
        Setup::new().target_at("a", &format!("https://{front}/v1"), &fields).rules("house", tests::RULES);
    let (home, _) = setup.write();
    let mut command = setup.command(&home, "127.0.0.1:0", "127.0.0.1:0");
    let run = Process::watch(command.env("KT_LOG", "trace").spawn().unwrap(), Arc::new(home));
    let headers = format!("authorization: Bearer {CANARY}\r\ncookie: {CANARY}\r\nx-user-id: ann\r\n");
    for body in [
        question_of(CANARY, true).to_string(),
        question_of(CANARY, false).to_string(),
        format!("{{\"{CANARY}\": 1"),
    ] {
        post(run.address, CHAT, &headers, body);
    }
    let ended = run.stop();
    assert!(ended.log.contains("TRACE") && ended.records.len() == 3, "{}", ended.log);
    search_log(&ended.log);
    search_files(&ended.state());
}
