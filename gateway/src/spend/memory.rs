//! Counters of one gateway, kept over restarts by a journal.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::entry::Entry;
use super::journal::{Change, Journal};
use super::successor::{self, Successor};
use crate::error::Error;

/// Most counters: some tens of megabytes. Those who come later share one counter for each budget.
const MOST: usize = 100_000;

/// How often what came meanwhile is copied before everybody waits for the rest of it.
const ROUNDS: usize = 16;

/// What has been taken of budgets.
#[derive(Debug)]
pub(super) struct Memory {
    state: Mutex<State>,
    /// Locked by whoever forces things to the disk. Nobody else waits for it.
    keeping: Mutex<()>,
}

#[derive(Debug)]
struct State {
    counters: HashMap<String, Counter>,
    journal: Journal,
    most: usize,
    /// When counters whose time is over were last looked for.
    swept: i64,
}

/// What has been taken of one budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counter {
    pub(super) taken: u64,
    /// When it is over, in seconds since 1970.
    pub(super) end: i64,
}

/// A journal at some moment, and what its counters are then.
struct Begun {
    before: File,
    reached: u64,
    counters: HashMap<String, Counter>,
}

/// Why nothing was taken.
#[derive(Debug)]
pub(super) enum Miss {
    /// Too little is left for the entry of that index.
    Full(usize),
    /// The journal cannot be written.
    Unwritten(io::Error),
}

impl Memory {
    /// Takes up what is in the folder's journal.
    pub(super) fn open(folder: &Path, now: i64) -> Result<Self, Error> {
        let (journal, counters) = Journal::open(folder, now)?;
        let state = Mutex::new(State { counters, journal, most: MOST, swept: now });
        Ok(Self { state, keeping: Mutex::default() })
    }

    /// Takes all of it or nothing. Entries for which there is no counter left are changed to shared ones.
    pub(super) fn reserve(&self, entries: &mut [Entry], now: i64) -> Result<(), Miss> {
        let mut state = self.state();
        for entry in entries.iter_mut() {
            state.find_room(entry, now);
        }
        for (index, entry) in entries.iter().enumerate() {
            let taken = state.counters.get(&entry.key).map_or(0, |counter| counter.taken);
            if taken.checked_add(entry.amount).is_none_or(|sum| sum > entry.limit) {
                return Err(Miss::Full(index));
            }
        }
        let changes: Vec<Change> = entries.iter().map(|entry| entry.change(entry.amount.into())).collect();
        state.write(&changes).map_err(Miss::Unwritten)
    }

    /// Makes of each amount what was really taken.
    pub(super) fn settle(&self, changes: &[Change]) -> io::Result<()> {
        self.state().write(changes)
    }

    /// Forces what was written to the disk, and then replaces the journal if it has become long. Requests go on meanwhile.
    pub(super) fn keep(&self, now: i64) -> io::Result<()> {
        let _alone = self.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        self.sync()?;
        let Some(begun) = self.begin(now) else { return Ok(()) };
        let path = self.state().journal.path().to_owned();
        let replaced = begun.and_then(|Begun { before, reached, counters }| {
            let mut successor = Successor::write(&path, before, reached, &counters)?;
            drop(counters);
            for _ in 0..ROUNDS {
                let until = self.state().journal.length(); // and nothing is locked while it is copied
                if !successor.follow(until)? {
                    break;
                }
            }
            let _closed_afterwards = self.state().journal.give_way(successor)?;
            Ok(())
        });
        if let Err(cause) = replaced {
            // What was asked for is written: that the file stays long is no reason to refuse anything.
            tracing::error!("the counters of budgets cannot be written anew: {cause}");
            successor::discard(&path);
            self.state().journal.put_off();
            return Ok(());
        }
        self.sync()?;
        successor::sync_folder(&path)
    }

    /// What a successor of a long journal begins with: the journal, and what its counters are when it is that long.
    fn begin(&self, now: i64) -> Option<io::Result<Begun>> {
        let mut state = self.state();
        if !state.journal.is_long() {
            return None;
        }
        state.counters.retain(|_, counter| counter.end > now);
        let contents = state.journal.contents();
        let (reached, counters) = (state.journal.length(), state.counters.clone());
        Some(contents.map(|before| Begun { before, reached, counters }))
    }

    fn sync(&self) -> io::Result<()> {
        let file = self.state().journal.take_unsynced()?;
        file.map_or(Ok(()), |file| file.sync_data())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn find_room(&mut self, entry: &mut Entry, now: i64) {
        if self.counters.len() < self.most || self.counters.contains_key(&entry.key) {
            return;
        }
        if self.swept != now {
            self.swept = now;
            self.counters.retain(|_, counter| counter.end > now);
        }
        if self.counters.len() >= self.most {
            entry.key.clone_from(&entry.crowd);
        }
    }

    /// Writes changes down, and makes them.
    fn write(&mut self, changes: &[Change]) -> io::Result<()> {
        self.journal.append(changes)?;
        for change in changes {
            apply(&mut self.counters, change);
        }
        Ok(())
    }
}

/// Makes a change to a counter.
pub(super) fn apply(counters: &mut HashMap<String, Counter>, change: &Change) {
    let counter = match counters.entry(change.key.clone()) {
        Slot::Occupied(slot) => slot.into_mut(),
        Slot::Vacant(slot) => slot.insert(Counter { taken: 0, end: change.end }),
    };
    let taken = i128::from(counter.taken).saturating_add(change.by).max(0);
    counter.taken = u64::try_from(taken).unwrap_or(u64::MAX);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, amount: u64) -> Entry {
        Entry { key: key.into(), crowd: "crowd".into(), limit: 100, amount, end: 60 }
    }

    #[test]
    fn all_or_nothing_is_taken_and_a_restart_knows() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::open(folder.path(), 0).unwrap();
        memory.reserve(&mut [entry("a", 60), entry("b", 10)], 0).unwrap();
        let missed = memory.reserve(&mut [entry("b", 50), entry("a", 41)], 0);
        assert!(matches!(missed, Err(Miss::Full(1))));
        memory.settle(&[entry("a", 0).change(-20)]).unwrap();
        drop(memory);
        let memory = Memory::open(folder.path(), 0).unwrap();
        assert!(matches!(memory.reserve(&mut [entry("a", 61)], 0), Err(Miss::Full(0))));
        memory.reserve(&mut [entry("a", 60), entry("b", 90)], 0).unwrap();
        assert!(matches!(memory.reserve(&mut [entry("b", 1)], 0), Err(Miss::Full(0))));
        drop(memory);
        let memory = Memory::open(folder.path(), 60).unwrap();
        memory.reserve(&mut [entry("b", 100)], 60).unwrap();
    }

    /// What is counted, for a start that comes now.
    fn after_a_start(folder: &Path) -> Vec<(String, u64)> {
        let (_, counters) = Journal::open(folder, 0).unwrap();
        let mut taken: Vec<_> = counters.into_iter().map(|(key, counter)| (key, counter.taken)).collect();
        taken.sort();
        taken
    }

    #[test]
    fn nobody_waits_while_something_is_forced_to_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::open(folder.path(), 0).unwrap();
        let busy = memory.keeping.lock().unwrap();
        for _ in 0..20_000 {
            memory.reserve(&mut [entry("a", 1)], 0).unwrap();
            memory.settle(&[entry("a", 0).change(-1)]).unwrap();
        }
        assert!(memory.state().journal.is_long());
        drop(busy);
        memory.keep(0).unwrap();
        assert!(!memory.state().journal.is_long());
        assert_eq!(after_a_start(folder.path()), [("a".into(), 0)]);
    }

    #[test]
    fn what_is_taken_while_the_journal_is_written_anew_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::open(folder.path(), 0).unwrap();
        let roomy = |key: &str| Entry { limit: u64::MAX, ..entry(key, 1) };
        memory.reserve(&mut [roomy("a")], 0).unwrap();
        let line = memory.state().journal.length();
        std::thread::scope(|scope| {
            let takers = ["a", "b"].map(|key| {
                let memory = &memory;
                scope.spawn(move || (0..30_000).for_each(|_| memory.reserve(&mut [roomy(key)], 0).unwrap()))
            });
            while takers.iter().any(|taker| !taker.is_finished()) {
                memory.keep(0).unwrap();
            }
        });
        memory.keep(0).unwrap();
        assert!(memory.state().journal.length() < 60_000 * line, "it was written anew");
        assert_eq!(after_a_start(folder.path()), [("a".into(), 30_001), ("b".into(), 30_000)]);
    }

    #[test]
    fn a_journal_that_cannot_be_written_anew_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::open(folder.path(), 0).unwrap();
        std::fs::create_dir(folder.path().join("budgets.new")).unwrap(); // where no file can be written
        while !memory.state().journal.is_long() {
            memory.settle(&[entry("a", 0).change(1)]).unwrap();
        }
        let taken = memory.state().counters["a"].taken;
        memory.keep(0).unwrap();
        assert!(!memory.state().journal.is_long(), "it is put off");
        memory.settle(&[entry("a", 0).change(1)]).unwrap();
        std::fs::remove_dir(folder.path().join("budgets.new")).unwrap();
        assert_eq!(after_a_start(folder.path()), [("a".into(), taken + 1)]);
    }

    #[test]
    fn whoever_comes_too_late_shares_a_counter() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::open(folder.path(), 0).unwrap();
        memory.state().most = 2;
        memory.reserve(&mut [entry("a", 60)], 0).unwrap();
        memory.reserve(&mut [entry("b", 60)], 0).unwrap();
        let mut third = [entry("c", 60)];
        memory.reserve(&mut third, 0).unwrap();
        assert_eq!(third[0].key, "crowd");
        assert!(matches!(memory.reserve(&mut [entry("d", 60)], 0), Err(Miss::Full(0))));
        memory.reserve(&mut [entry("a", 40)], 0).unwrap();
        memory.reserve(&mut [entry("d", 100)], 60).unwrap();
    }
}
