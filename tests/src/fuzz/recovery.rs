//! Audit logs that were damaged: a start takes them up and leaves a log that verifies, or says why it does not.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use tempfile::TempDir;

use crate::{Provider, Script, Setup};

/// The files of a log with a few records, as a gateway has left them.
static FILES: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::guarded(&provider).here();
    for question in ["one", "my SECRET1", "FORBIDDEN", "four"] {
        gateway.ask(question);
    }
    let folder = gateway.begin_to_stop().folder();
    let entries = fs::read_dir(folder.path().join("state/audit")).expect("a log");
    let file = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.expect("a file");
        (entry.file_name().into_string().expect("a name of text"), fs::read(entry.path()).expect("a file"))
    };
    let mut files: Vec<_> = entries.map(file).collect();
    files.sort();
    assert!(files.len() > 1, "records and a checkpoint");
    files
});

/// A folder in memory where there is one, since much is written and nothing is to stay.
fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}

/// Does damage: six bytes say which file, what to it, where, how much and with what.
fn damage(files: &mut Vec<(String, Vec<u8>)>, order: &[u8]) {
    let &[file, what, high, low, length, with] = order else { return };
    let count = files.len();
    let Some((_, bytes)) = files.get_mut(usize::from(file) % count.max(1)) else { return };
    let at = (usize::from(high) << 8 | usize::from(low)) % (bytes.len() + 1);
    match what % 8 {
        0 => bytes.truncate(at),
        1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= with),
        2 => bytes.iter_mut().skip(at).take(length.into()).for_each(|byte| *byte = with),
        3 => bytes.extend(std::iter::repeat_n(with, length.into())),
        4 => drop(bytes.splice(at..at, std::iter::repeat_n(with, length.into()))),
        5 => {
            let copied: Vec<u8> = bytes.iter().skip(at).copied().collect();
            bytes.extend(copied);
        }
        6 => {
            let last = bytes[..bytes.len().saturating_sub(1)].iter().rposition(|byte| *byte == b'\n');
            bytes.truncate(last.map_or(0, |last| last + 1));
        }
        _ => drop(files.remove(usize::from(file) % count)),
    }
}

fn write(files: &[(String, Vec<u8>)], state: &Path) {
    let audit = state.join("audit");
    fs::create_dir_all(&audit).expect("a folder");
    for (name, bytes) in files {
        fs::write(audit.join(name), bytes).expect("a file");
    }
}

/// After any damage: a log that verifies and is taken up again without another word, or a refusal that says what to do.
pub fn recovery(bytes: &[u8]) {
    let mut files = FILES.clone();
    for order in bytes.chunks_exact(6).take(8) {
        damage(&mut files, order);
    }
    let folder = scratch();
    write(&files, folder.path());
    match gateway::taken_up(folder.path()) {
        Ok(breach) => {
            assert_eq!(breach, None, "what is taken up must verify");
            assert_eq!(gateway::taken_up(folder.path()), Ok(None), "and be taken up again");
        }
        Err(error) => {
            let told = error.to_string();
            assert!(told.contains("audit log") && told.len() > 40, "a refusal says what it is about: {told}");
            let again = gateway::taken_up(folder.path()).expect_err("what is refused stays refused");
            assert_eq!(again.to_string(), told);
        }
    }
}
