//! The journal written anew with its sums, while others go on writing to it.
//!
//! The sums of one moment go to a file beside the journal, and to the disk. Then what came to the journal since is copied after
//! them, piece by piece, until little is missing. Only for the last piece and for the change of names must nobody write. So
//! nobody waits for the disk, and whatever is stopped, and wherever, one of the two files has everything.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::journal::{self, Change};
use super::memory::Counter;

/// Most bytes that are copied at once.
const PIECE: u64 = 256 * 1024;

/// A file that will take the journal's place.
#[derive(Debug)]
pub(super) struct Successor {
    /// Where the journal is.
    journal: PathBuf,
    /// What is in the journal, to read from.
    before: File,
    /// How much of the journal is in it, as sums or copied.
    reached: u64,
    file: File,
    /// Its bytes, and how many of them are sums.
    pub(super) length: u64,
    pub(super) sums: u64,
}

impl Successor {
    /// Writes the sums of the first `reached` bytes of a journal, and forces them to the disk.
    pub(super) fn write(
        journal: &Path,
        before: File,
        reached: u64,
        counters: &HashMap<String, Counter>,
    ) -> io::Result<Self> {
        let mut file = fresh(&beside(journal))?;
        let sums = write_sums(&mut file, counters)?;
        file.sync_all()?;
        Ok(Self { journal: journal.to_owned(), before, reached, file, length: sums, sums })
    }

    /// Copies what the journal has up to there, and forces it to the disk. Says whether that was much.
    pub(super) fn follow(&mut self, until: u64) -> io::Result<bool> {
        let much = until.saturating_sub(self.reached) > PIECE;
        self.copy(until)?;
        self.file.sync_data()?;
        Ok(much)
    }

    /// Copies the rest, and takes the journal's name. Until its folder is forced to the disk too, the journal may come back.
    pub(super) fn take_over(mut self, until: u64) -> io::Result<Self> {
        self.copy(until)?;
        fs::rename(beside(&self.journal), &self.journal)?;
        Ok(self)
    }

    fn copy(&mut self, until: u64) -> io::Result<()> {
        while let Some(missing) = until.checked_sub(self.reached).filter(|missing| *missing > 0) {
            let mut piece = vec![0; usize::try_from(missing.min(PIECE)).unwrap_or_default()];
            self.before.read_exact_at(&mut piece, self.reached)?;
            self.file.write_all(&piece)?;
            let copied = u64::try_from(piece.len()).unwrap_or_default();
            (self.reached, self.length) = (self.reached + copied, self.length + copied);
        }
        Ok(())
    }

    /// The journal that it has followed, and the file to go on with.
    pub(super) fn into_files(self) -> [File; 2] {
        [self.before, self.file]
    }
}

/// Removes one that will not take over.
pub(super) fn discard(journal: &Path) {
    // What stays is removed before the next one is written.
    let _ = fs::remove_file(beside(journal));
}

/// Forces the name of a file to the disk.
pub(super) fn sync_folder(journal: &Path) -> io::Result<()> {
    journal.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn beside(journal: &Path) -> PathBuf {
    journal.with_extension("new")
}

/// A file with nothing in it, of which each write goes to its end.
fn fresh(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        Ok(()) | Err(_) => {}
    }
    journal::options().open(path)
}

/// Writes a line for each counter; gives the bytes of all.
fn write_sums(file: &mut File, counters: &HashMap<String, Counter>) -> io::Result<u64> {
    let mut to = io::BufWriter::new(file);
    let mut length = 0;
    for (key, counter) in counters {
        let sum = Change { key: key.clone(), by: counter.taken.into(), end: counter.end };
        let line = journal::line(&[sum])?;
        length += u64::try_from(line.len()).unwrap_or_default();
        to.write_all(&line)?;
    }
    to.flush()?;
    Ok(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::journal::Journal;
    use super::super::memory::apply;
    use super::*;

    /// What happens between two looks at the files.
    #[derive(Clone, Debug)]
    enum Step {
        Append(u8, i8),
        Begin,
        Follow,
        TakeOver,
        GiveUp,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let append = || (0..3_u8, -5..20_i8).prop_map(|(key, by)| Step::Append(key, by));
        let other =
            prop_oneof![Just(Step::Begin), Just(Step::Follow), Just(Step::TakeOver), Just(Step::GiveUp)];
        prop::collection::vec(prop_oneof![append(), append(), other], 1..40)
    }

    /// What a gateway would count that starts from these files, as they are now.
    fn after_a_kill(folder: &Path) -> HashMap<String, Counter> {
        let copy = tempfile::tempdir().unwrap();
        for file in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
        Journal::open(copy.path(), 0).unwrap().1
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn whenever_it_is_killed_nothing_is_lost(steps in steps()) {
            let folder = tempfile::tempdir().unwrap();
            let (mut journal, mut counters) = Journal::open(folder.path(), 0).unwrap();
            let mut successor: Option<Successor> = None;
            for step in steps {
                match step {
                    Step::Append(key, by) => {
                        let change = Change { key: format!("key {key}"), by: by.into(), end: 100 };
                        journal.append(std::slice::from_ref(&change)).unwrap();
                        apply(&mut counters, &change);
                    }
                    Step::Begin if journal.length() > 0 => {
                        let (before, reached) = (journal.contents().unwrap(), journal.length());
                        successor = Some(Successor::write(journal.path(), before, reached, &counters).unwrap());
                    }
                    Step::Follow => {
                        if let Some(successor) = &mut successor {
                            successor.follow(journal.length()).unwrap();
                        }
                    }
                    Step::TakeOver => {
                        if let Some(successor) = successor.take() {
                            drop(journal.give_way(successor).unwrap());
                            prop_assert!(!beside(journal.path()).exists());
                        }
                    }
                    Step::GiveUp => {
                        successor = None;
                        discard(journal.path());
                    }
                    Step::Begin => {}
                }
                prop_assert_eq!(&after_a_kill(folder.path()), &counters);
            }
        }
    }
}
