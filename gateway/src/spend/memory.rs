//! Counters of one gateway, kept over restarts by a journal.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::entry::Entry;
use super::journal::{Change, Journal};
use crate::error::Error;

/// Most counters: some tens of megabytes. Those who come later share one counter for each budget.
const MOST: usize = 100_000;

/// What has been taken of budgets.
#[derive(Debug)]
pub(super) struct Memory(Mutex<State>);

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

/// Why nothing was taken.
#[derive(Debug)]
pub(super) enum Miss {
    /// Too little is left for the entry of that index.
    Full(usize),
    /// The journal cannot be written.
    Unwritten(std::io::Error),
}

impl Memory {
    /// Takes up what is in the folder's journal.
    pub(super) fn open(folder: &Path, now: i64) -> Result<Self, Error> {
        let (journal, counters) = Journal::open(folder, now)?;
        Ok(Self(Mutex::new(State { counters, journal, most: MOST, swept: now })))
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
        state.write(&changes, now).map_err(Miss::Unwritten)
    }

    /// Makes of each amount what was really taken.
    pub(super) fn settle(&self, changes: &[Change], now: i64) -> std::io::Result<()> {
        self.state().write(changes, now)
    }

    /// Forces what was written to the disk.
    pub(super) fn sync(&self) -> std::io::Result<()> {
        let file = self.state().journal.take_unsynced()?;
        file.map_or(Ok(()), |file| file.sync_data())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn write(&mut self, changes: &[Change], now: i64) -> std::io::Result<()> {
        if self.journal.is_torn() {
            self.journal.rewrite(&self.counters)?;
        }
        self.journal.append(changes)?;
        for change in changes {
            apply(&mut self.counters, change);
        }
        if self.journal.is_long() {
            self.counters.retain(|_, counter| counter.end > now);
            // What was asked for is written: that the file stays long is no reason to refuse it.
            if let Err(cause) = self.journal.rewrite(&self.counters) {
                tracing::error!("the counters of budgets cannot be written anew: {cause}");
                self.journal.put_off();
            }
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
        memory.settle(&[entry("a", 0).change(-20)], 0).unwrap();
        drop(memory);
        let memory = Memory::open(folder.path(), 0).unwrap();
        assert!(matches!(memory.reserve(&mut [entry("a", 61)], 0), Err(Miss::Full(0))));
        memory.reserve(&mut [entry("a", 60), entry("b", 90)], 0).unwrap();
        assert!(matches!(memory.reserve(&mut [entry("b", 1)], 0), Err(Miss::Full(0))));
        drop(memory);
        let memory = Memory::open(folder.path(), 60).unwrap();
        memory.reserve(&mut [entry("b", 100)], 60).unwrap();
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
