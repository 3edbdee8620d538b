//! The files of a log: the one that is written, those that are sealed, and what lies beside them.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::chain::{Kind, Link};

/// The file that is written.
pub(crate) const ACTIVE: &str = "audit.jsonl";

/// The file that says how far the log reaches.
pub(super) const CHECKPOINT: &str = "checkpoint";

/// The file that the one writer holds.
pub(super) const LOCK: &str = "lock";

/// The end of a sealed file in which its seal must stand: a seal has some 400 bytes.
const SEAL_WITHIN: u64 = 4096;

/// The folder of the log in a state folder.
pub(crate) fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join("audit")
}

/// The name of a sealed segment, by the number of its first record.
pub(crate) fn name(first_seq: u64) -> String {
    format!("audit-{first_seq:012}.jsonl")
}

/// The name of what was moved away when that record was written.
pub(super) fn torn_name(seq: u64) -> String {
    format!("audit-{seq:012}.torn")
}

/// The first number of each sealed segment, ascending.
pub(crate) fn sealed(folder: &Path) -> io::Result<Vec<u64>> {
    numbered(folder, name)
}

/// The numbers under which something was moved away, ascending.
pub(super) fn torn(folder: &Path) -> io::Result<Vec<u64>> {
    numbered(folder, torn_name)
}

/// The numbers of the files that are named in that way.
fn numbered(folder: &Path, name: fn(u64) -> String) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let file = entry?.file_name();
        let digits = file.to_str().and_then(|file| file.strip_prefix("audit-")?.split('.').next());
        let number = digits.and_then(|digits| digits.parse().ok());
        found.extend(number.filter(|number| file.to_str() == Some(&name(*number))));
    }
    found.sort_unstable();
    Ok(found)
}

/// The seal of a sealed segment. Nothing when the file does not end in one.
pub(super) fn seal(folder: &Path, first_seq: u64) -> io::Result<Option<Link>> {
    let mut file = File::open(folder.join(name(first_seq)))?;
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(SEAL_WITHIN)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    let Some(line) = end.strip_suffix(b"\n").and_then(|end| end.rsplit(|byte| *byte == b'\n').next()) else {
        return Ok(None);
    };
    Ok(Link::read(line).filter(|link| matches!(link.kind, Kind::Seal { .. })))
}
