//! The journal of counters: a line for every change, written before it counts.
//!
//! Each line is a digest and a list of changes, which are made together or not at all. A last line that is not whole was being
//! written when the gateway ended, and its request never left; any other such line is damage. From time to time the file is
//! replaced by one with the sums, see [`super::successor`].

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::memory::{Counter, apply};
use super::successor::{self, Successor};
use crate::error::Error;

/// The name of the file in the state folder.
const NAME: &str = "budgets";

/// How long the file may become beyond its sums before it is replaced.
const SLACK: u64 = 1024 * 1024;

/// Most bytes of a file: so many are read at the start.
const MOST: u64 = 256 * 1024 * 1024;

/// Hexadecimal digits of a line's digest.
const DIGEST: usize = 16;

/// A change of a counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Change {
    /// Which counter.
    #[serde(rename = "k")]
    pub(super) key: String,
    /// By how much.
    #[serde(rename = "b")]
    pub(super) by: i128,
    /// When the counter is over, in seconds since 1970.
    #[serde(rename = "e")]
    pub(super) end: i64,
}

/// The file, open for what comes next.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    /// There is none before the first change.
    file: Option<File>,
    /// Bytes written, and how many of them are sums.
    length: u64,
    sums: u64,
    is_dirty: bool,
    /// Whether a line may stand there in part.
    is_torn: bool,
}

impl Journal {
    /// Reads what is there, and replaces it by its sums.
    pub(super) fn open(folder: &Path, now: i64) -> Result<(Self, HashMap<String, Counter>), Error> {
        let path = folder.join(NAME);
        let mut journal = Self { path, file: None, length: 0, sums: 0, is_dirty: false, is_torn: false };
        let bytes = match journal.read() {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok((journal, HashMap::new())),
            Err(e) => return Err(Error::file("read the counters of budgets", &journal.path, &e)),
        };
        let mut counters = sums(&bytes).map_err(|line| {
            let path = journal.path.display();
            Error::new(format!(
                "line {line} of `{path}` is damaged, so nobody knows what is left of budgets; move the file away to begin with nothing spent"
            ))
        })?;
        counters.retain(|_, counter| counter.end > now);
        let rewritten = journal.rewrite(&counters);
        rewritten.map_err(|e| Error::file("write the counters of budgets", &journal.path, &e))?;
        Ok((journal, counters))
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        if fs::metadata(&self.path)?.len() > MOST {
            return Err(io::Error::other("it is larger than any that this program writes"));
        }
        fs::read(&self.path)
    }

    /// Writes changes that belong together.
    pub(super) fn append(&mut self, changes: &[Change]) -> io::Result<()> {
        let line = line(changes)?;
        let length = self.length.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        if length > MOST {
            return Err(io::Error::other(
                "the file with the counters of budgets is full, and cannot be written anew",
            ));
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(options().open(&self.path)?),
        };
        if std::mem::replace(&mut self.is_torn, true) {
            file.set_len(self.length)?; // a part of a line that was never made
        }
        file.write_all(&line)?;
        (self.is_torn, self.is_dirty, self.length) = (false, true, length);
        Ok(())
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes of whole lines it has.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Whether most of the file is of no more use.
    pub(super) fn is_long(&self) -> bool {
        self.length > self.sums.saturating_mul(4).saturating_add(SLACK)
    }

    /// Lets the file grow as much again before it is replaced.
    pub(super) fn put_off(&mut self) {
        self.sums = self.length;
    }

    /// What is in it, to read from.
    pub(super) fn contents(&self) -> io::Result<File> {
        File::open(&self.path)
    }

    /// Goes on in the successor, which gets what it does not have. Gives what was open before: to close a long file may take
    /// a while.
    pub(super) fn give_way(&mut self, successor: Successor) -> io::Result<[Option<File>; 2]> {
        let after = successor.take_over(self.length)?;
        (self.length, self.sums) = (after.length, after.sums);
        let [contents, file] = after.into_files();
        let before = self.file.replace(file); // from now on the other one is nobody's
        (self.is_dirty, self.is_torn) = (true, false);
        Ok([Some(contents), before])
    }

    /// Replaces the file by one with these sums, and forces it to the disk.
    fn rewrite(&mut self, counters: &HashMap<String, Counter>) -> io::Result<()> {
        let successor = Successor::write(&self.path, self.contents()?, self.length, counters)?;
        drop(self.give_way(successor)?);
        successor::sync_folder(&self.path)
    }

    /// The file, when something in it may not be on the disk.
    pub(super) fn take_unsynced(&mut self) -> io::Result<Option<File>> {
        if !std::mem::take(&mut self.is_dirty) {
            return Ok(None);
        }
        self.file.as_ref().map(File::try_clone).transpose()
    }
}

/// How its files are opened: each write goes to the end.
pub(super) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    options
}

/// Changes that belong together, as they are written.
pub(super) fn line(changes: &[Change]) -> io::Result<Vec<u8>> {
    let text = serde_json::to_string(changes)?;
    Ok(format!("{} {text}\n", digest(text.as_bytes())).into_bytes())
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(DIGEST / 2).map(|byte| format!("{byte:02x}")).collect()
}

/// The counters that lines come to. The error is the number of a line that is damaged.
fn sums(bytes: &[u8]) -> Result<HashMap<String, Counter>, usize> {
    let mut counters = HashMap::new();
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').zip(1..).peekable();
    while let Some((line, number)) = lines.next() {
        match changes(line) {
            Some(changes) => changes.iter().for_each(|change| apply(&mut counters, change)),
            None if lines.peek().is_none() && line.last() != Some(&b'\n') => break,
            None => return Err(number),
        }
    }
    Ok(counters)
}

fn changes(line: &[u8]) -> Option<Vec<Change>> {
    let text = line.strip_suffix(b"\n")?;
    let (told, text) = text.split_at_checked(DIGEST)?;
    let text = text.strip_prefix(b" ")?;
    if digest(text).as_bytes() != told {
        return None;
    }
    serde_json::from_slice(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(key: &str, by: i128) -> Change {
        Change { key: key.into(), by, end: 100 }
    }

    fn taken(folder: &Path) -> Result<Vec<(String, u64)>, String> {
        let (_, counters) = Journal::open(folder, 0).map_err(|error| error.to_string())?;
        let mut taken: Vec<_> = counters.into_iter().map(|(key, counter)| (key, counter.taken)).collect();
        taken.sort();
        Ok(taken)
    }

    fn written(folder: &Path) -> Vec<u8> {
        let (mut journal, _) = Journal::open(folder, 0).unwrap();
        journal.append(&[change("a", 5), change("b", 7)]).unwrap();
        journal.append(&[change("a", -2), change("b", 1)]).unwrap();
        fs::read(folder.join(NAME)).unwrap()
    }

    #[test]
    fn wherever_the_file_is_cut_whole_lines_count_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let whole = written(folder.path());
        let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for cut in 0..=whole.len() {
            fs::write(folder.path().join(NAME), &whole[..cut]).unwrap();
            let expected = if cut < first {
                vec![]
            } else if cut < whole.len() {
                vec![("a".into(), 5), ("b".into(), 7)]
            } else {
                vec![("a".into(), 3), ("b".into(), 8)]
            };
            assert_eq!(taken(folder.path()).unwrap(), expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_line_that_is_changed_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut whole = written(folder.path());
        whole[20] ^= 1;
        fs::write(folder.path().join(NAME), &whole).unwrap();
        let told = taken(folder.path()).unwrap_err();
        assert!(told.starts_with("line 1 of `") && told.contains("move the file away"), "{told}");
    }

    #[test]
    fn what_is_left_of_a_line_that_could_not_be_written_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path(), 0).unwrap();
        journal.append(&[change("a", 5)]).unwrap();
        options().open(journal.path()).unwrap().write_all(b"0123456789abcdef [{").unwrap();
        journal.is_torn = true;
        journal.append(&[change("a", 2)]).unwrap();
        assert_eq!(taken(folder.path()).unwrap(), [("a".into(), 7)]);
    }

    #[test]
    fn a_file_that_could_not_be_read_again_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path(), 0).unwrap();
        journal.append(&[change("a", 5)]).unwrap();
        journal.length = MOST - 10;
        let told = journal.append(&[change("a", 5)]).unwrap_err();
        assert!(told.to_string().contains("is full"), "{told}");
        assert_eq!(taken(folder.path()).unwrap(), [("a".into(), 5)]);
    }
}
