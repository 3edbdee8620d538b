//! The tools of authors as people run them: the `kt` executable, its output and its exit code.

mod audit;
mod bench;
mod coverage;
mod explain;
mod test;
mod watch;

use std::path::Path;
use std::process::Command;

/// What a run of `kt` in a folder came to: its output, what it said beside it, and its exit code.
fn kt(folder: &Path, arguments: &[&str]) -> (String, String, i32) {
    let output = Command::new(tests::binary::build())
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("`kt` starts");
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
