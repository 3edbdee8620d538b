//! The `kt` executable that users run: built once, started, read, stopped by signals.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use tempfile::TempDir;

use crate::{KEY, Setup, gate, get};

/// Longest wait for a process to come up or to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where cargo put this test, and puts `kt`: `target/debug`, or that of another profile.
pub fn target_dir() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    test.parent().and_then(|deps| deps.parent()).expect("a test lies in `deps`").to_owned()
}

/// The `kt` beside this test, built with its profile when it is older than its sources.
pub fn build() -> PathBuf {
    let kt = target_dir().join("kt");
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let sources =
        ["grammar", "engine", "gateway", "policies", "Cargo.toml", "Cargo.lock"].map(|name| root.join(name));
    let changed = sources.iter().filter_map(|path| last_change(path)).max();
    let is_fresh = kt.metadata().is_ok_and(|file| file.modified().ok() > changed);
    if !is_fresh {
        cargo_build();
    }
    kt
}

/// When the newest file under a path was written.
fn last_change(path: &Path) -> Option<SystemTime> {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        return entries.filter_map(|path| last_change(&path)).max();
    }
    path.metadata().ok()?.modified().ok()
}

fn cargo_build() {
    let folder = target_dir();
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    let mut cargo = Command::new(env!("CARGO"));
    // What cargo tells a test about itself would make build scripts run again.
    let told = std::env::vars().map(|(name, _)| name).filter(|name| name.starts_with("CARGO_"));
    for name in told.filter(|name| name != "CARGO_HOME") {
        cargo.env_remove(name);
    }
    let built = cargo
        .args(["build", "--quiet", "--workspace", "--bin", "kt", "--profile", profile])
        .arg("--target-dir")
        .arg(folder.parent().expect("a target folder"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo runs");
    assert!(built.status.success(), "`kt` does not build: {}", String::from_utf8_lossy(&built.stderr));
}

/// A `kt` that does whatever is asked of it.
pub fn kt() -> Command {
    Command::new(build())
}

/// `kt gateway run` in a process of its own.
pub struct Process {
    /// For clients.
    pub address: SocketAddr,
    /// For the operator.
    pub admin: SocketAddr,
    child: Child,
    log: Arc<Mutex<String>>,
    folder: Arc<TempDir>,
}

/// How a process ended and what it left behind.
pub struct Ended {
    /// The exit status.
    pub status: ExitStatus,
    /// The audit log.
    pub records: Vec<Value>,
    /// The process log.
    pub log: String,
    folder: Arc<TempDir>,
}

impl Ended {
    /// Its state folder.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }
}

impl Setup {
    /// The command that runs this configuration on those addresses, with the key in `KT_TESTS_KEY`.
    pub fn command(&self, folder: &TempDir, listen: &str, admin: &str) -> Command {
        let mut command = Command::new(build());
        command.args(["gateway", "run", "--listen", listen, "--admin-listen", admin, "--policy-config"]);
        command
            .arg(folder.path().join("policy-config.yaml"))
            .arg("--state-dir")
            .arg(folder.path().join("state"));
        command.args(self.demo.then_some("--demo")).env("KT_TESTS_KEY", KEY).env_remove("KT_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Starts `kt gateway run` and waits until it answers.
    pub fn process(&self) -> Process {
        let (folder, _) = self.write();
        self.process_in(Arc::new(folder))
    }

    /// The same in a folder that was written before, and with what an earlier process left there.
    pub fn process_in(&self, folder: Arc<TempDir>) -> Process {
        let child = self.command(&folder, "127.0.0.1:0", "127.0.0.1:0").spawn().expect("`kt` starts");
        Process::watch(child, folder)
    }
}

impl Process {
    /// A `kt gateway run` that was started with its standard error in a pipe.
    pub fn watch(mut child: Child, folder: Arc<TempDir>) -> Self {
        let log = Arc::new(Mutex::new(String::new()));
        keep(child.stderr.take().expect("a pipe"), Arc::clone(&log));
        let address = wait_for_address(&mut child, &log, "listening on http");
        let admin = wait_for_address(&mut child, &log, "admin on http");
        assert_eq!(get(admin, "/livez").status, 200);
        Process { address, admin, child, log, folder }
    }

    /// Its state folder.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The folder of its configuration.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it with SIGKILL, at once.
    pub fn kill(mut self) {
        self.child.kill().expect("a child that runs");
        self.child.wait().expect("a child that ends");
    }

    /// The process log so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Sends a signal such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(sent.expect("`kill` runs").success());
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Ended {
        let status = self.ended_within(PATIENCE);
        let records = gate::records(&self.folder.path().join("state"));
        Ended { status, records, log: self.log(), folder: Arc::clone(&self.folder) }
    }

    fn ended_within(&mut self, patience: Duration) -> ExitStatus {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(Instant::now() < until, "`kt` does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kilobytes of memory that it has.
    pub fn resident(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Ends it with SIGTERM and waits so long; its log may be too large to read here.
    pub fn stop_within(mut self, patience: Duration) -> ExitStatus {
        self.signal("TERM");
        self.ended_within(patience)
    }

    /// Ends it with SIGTERM.
    pub fn stop(self) -> Ended {
        self.signal("TERM");
        self.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok(); // nothing outlives its test, however that ends
        self.child.wait().ok();
    }
}

fn keep(stderr: ChildStderr, log: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    });
}

fn wait_for_address(child: &mut Child, log: &Mutex<String>, words: &str) -> SocketAddr {
    let until = Instant::now() + PATIENCE;
    loop {
        let said = log.lock().unwrap().clone();
        let line = said.split_once(words).and_then(|(_, rest)| rest.split_once('\n'));
        if let Some((_, address)) = line.and_then(|(line, _)| line.split_once("://")) {
            let address = address.split('"').next().unwrap_or(address); // the rest of a JSON object
            return address.trim().parse().unwrap_or_else(|e| panic!("{e}: {said}"));
        }
        let ended = child.try_wait().expect("a child");
        if ended.is_some() || Instant::now() > until {
            child.kill().ok();
            panic!("`kt` does not come up ({ended:?}): {said}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
