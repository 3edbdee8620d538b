//! The tools of authors as people run them: the `kt` executable, its output and its exit code.

mod audit;
mod bench;
mod coverage;
mod deploy;
mod diff;
mod doctor;
mod eval;
mod explain;
mod import;
mod init;
mod key;
mod metrics;
mod mistakes;
mod test;
mod watch;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a run of `kt` in a folder came to: its output, what it said beside it, and its exit code.
fn kt(folder: &Path, arguments: &[&str]) -> (String, String, i32) {
    kt_fed(folder, arguments, b"")
}

/// The same with that much on its standard input, which a pipe holds.
fn kt_fed(folder: &Path, arguments: &[&str], input: &[u8]) -> (String, String, i32) {
    let mut running = Command::new(tests::binary::build())
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`kt` starts");
    // One that ends before it reads all of it has said why.
    let _ = running.stdin.take().expect("a pipe").write_all(input);
    let output = running.wait_with_output().expect("`kt` runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("`kt` prints UTF-8");
    (text(output.stdout), text(output.stderr), output.status.code().expect("`kt` exits by itself"))
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    folder
}
