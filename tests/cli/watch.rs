//! `kt policy test --watch`: a real process, real files, and waits that end.

use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use crate::folder;

/// The longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long nothing more must come, when nothing may.
const SILENCE: Duration = Duration::from_millis(600);

const RULES: &str = "policy house\nuse \"../shared/words.ktr\" (name)\n\
    rule names on request { when text has name do flag }\n\
    test \"a name\" { user \"Bluebird\" expect flag }\n";

const WORDS: &str = "library words\npattern name = words [\"Bluebird\"]\n";

/// A run that watches.
struct Watching {
    child: Child,
    lines: Receiver<String>,
    /// Lines that came before the one that was waited for: the two outputs overtake each other.
    early: Vec<String>,
}

impl Watching {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(tests::binary::build())
            .args(["policy", "test", "--watch"])
            .args(arguments)
            .current_dir(folder)
            .env("NO_COLOR", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("`kt` starts");
        let (sender, lines) = channel();
        pass_on(child.stdout.take().expect("an output"), sender.clone());
        pass_on(child.stderr.take().expect("an error output"), sender);
        Self { child, lines, early: Vec::new() }
    }

    /// Waits for a line that begins so; each line is waited for once.
    fn wait_for(&mut self, beginning: &str) {
        if let Some(at) = self.early.iter().position(|line| line.starts_with(beginning)) {
            self.early.remove(at);
            return;
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).unwrap_or_else(|_| panic!("`{beginning}` never came"));
            if line.starts_with(beginning) {
                return;
            }
            self.early.push(line);
        }
    }

    fn end(mut self) -> ExitStatus {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(sent.expect("`kill` runs").success());
        wait(&mut self.child).expect("it ends after an interrupt")
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.child.kill().ok(); // nothing outlives its test, however that ends
        self.child.wait().ok();
    }
}

/// Waits until it ends, if it does.
fn wait(child: &mut Child) -> Option<ExitStatus> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if let Some(status) = child.try_wait().expect("a child") {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}

fn pass_on(output: impl Read + Send + 'static, lines: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = lines.send(line);
        }
    });
}

#[test]
fn the_tests_run_again_when_a_file_changes_and_only_then() {
    let folder = folder(&[("pack/house.ktr", RULES), ("shared/words.ktr", WORDS)]);
    // At once: between two steps of writing a file, a run that nobody waits for could begin.
    let write = |name: &str, text: &str| {
        let aside = folder.path().join("aside");
        std::fs::write(&aside, text).expect("a file");
        std::fs::rename(aside, folder.path().join(name)).expect("a name");
    };
    let mut run = Watching::start(folder.path(), &["--pack-dir", "pack"]);
    run.wait_for("1 passed, 0 failed");
    run.wait_for("watching 2 files");
    let more = run.lines.recv_timeout(SILENCE);
    assert!(more.is_err(), "nothing has changed, and it says {more:?}");

    // The same text again, and a file that no test reads, are no changes.
    write("pack/house.ktr", RULES);
    write("pack/notes.txt", "x");
    let more = run.lines.recv_timeout(SILENCE);
    assert!(more.is_err(), "nothing has changed, and it says {more:?}");

    write("pack/house.ktr", &RULES.replace("expect flag", "expect allow"));
    run.wait_for("changed pack/house.ktr");
    run.wait_for("0 passed, 1 failed");
    run.wait_for("watching");

    // A file outside of the folder, that one inside of it uses.
    write("shared/words.ktr", &WORDS.replace("Bluebird", "Redbird"));
    run.wait_for("changed pack/../shared/words.ktr");
    run.wait_for("1 passed, 0 failed");
    run.wait_for("watching");

    // A new folder, and an editor that writes beside the file and renames.
    std::fs::create_dir(folder.path().join("pack/new")).expect("a folder");
    write(
        "pack/new/~draft",
        "policy draft\nrule a on request { when true do block }\n\
        test \"b\" { user \"x\" expect allow }\n",
    );
    std::fs::rename(folder.path().join("pack/new/~draft"), folder.path().join("pack/new/draft.ktr"))
        .expect("a name");
    run.wait_for("new pack/new/draft.ktr");
    run.wait_for("1 passed, 1 failed");
    run.wait_for("watching 3 files");

    std::fs::remove_dir_all(folder.path().join("pack/new")).expect("a folder");
    run.wait_for("removed pack/new/draft.ktr");
    run.wait_for("1 passed, 0 failed");
    run.wait_for("watching");
    assert_eq!(run.end().code(), Some(0));
}

#[test]
fn it_ends_with_the_status_of_the_last_run() {
    let folder = folder(&[("house.ktr", "policy house\nrule a on nothing {}\n")]);
    let mut run = Watching::start(folder.path(), &[]);
    run.wait_for("watching 1 file;");
    let failing =
        "policy house\nrule a on request { when stream do flag }\ntest \"t\" { user \"x\" expect flag }\n";
    std::fs::write(folder.path().join("house.ktr"), failing).expect("a file");
    run.wait_for("0 passed, 1 failed");
    run.wait_for("watching");
    assert_eq!(run.end().code(), Some(1));
}

#[test]
fn it_ends_when_nobody_reads_any_more() {
    let rules =
        "policy house\nrule a on request { when stream do flag }\ntest \"t\" { user \"x\" expect allow }\n";
    let folder = folder(&[("house.ktr", rules)]);
    let mut child = Command::new(tests::binary::build())
        .args(["policy", "test", "--watch"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`kt` starts");
    drop(child.stdout.take());
    // It may have written all of its first run by then: here is something more to write.
    std::fs::write(folder.path().join("house.ktr"), rules.replace("expect allow", "expect flag"))
        .expect("a file");
    let ended = wait(&mut child);
    child.kill().ok(); // nothing outlives its test, however that ends
    assert!(ended.is_some(), "it goes on without a reader");
}

#[test]
fn where_there_is_no_folder_nothing_is_watched() {
    let folder = folder(&[]);
    let (_, err, code) = crate::kt(folder.path(), &["policy", "test", "--watch", "--pack-dir", "none"]);
    assert!(code == 2 && err.contains("`none` is not a folder"), "{code} {err}");
}
