//! The log on its disk: records go in as one write, are synced as the policy says, and fill segment after segment.
//!
//! Time is an argument. Every failure leaves the log as it was before: what was written half is cut off again, and
//! what a failed sync may have lost is written once more.

use std::io;
use std::path::PathBuf;

use grammar::config::SyncPolicy;
use jiff::{SignedDuration, Timestamp};

use super::chain::Chain;
use super::disk::Disk;
use super::event::{Event, Removed, Retention, Seal};
use super::followers::Pruned;
use super::{Options, checkpoint, segment};

/// Most bytes that wait for a sync: they are kept in memory, to be written again should it fail.
const MOST_UNSYNCED: usize = 4 * 1024 * 1024;

/// Most segments that one record tells the end of.
const MOST_REMOVED: usize = 256;

/// How long the checkpoint file is left to the system before it is forced to the disk.
const MARKS_REST: SignedDuration = SignedDuration::from_secs(1);

/// A log that can be written.
pub(super) struct Log<D> {
    pub(super) disk: D,
    pub(super) folder: PathBuf,
    pub(super) options: Options,
    pub(super) chain: Chain,
    pub(super) segment: Segment,
    pub(super) bytes: Bytes,
    pub(super) marks: Marks,
    pub(super) lines: Vec<u8>,
}

/// What is in the file that is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Segment {
    /// The number of its first record; 0 when there is none.
    pub(super) first_seq: u64,
    pub(super) records: u64,
    /// The day of its first record, counted from 1970.
    pub(super) day: i64,
    /// Whether its seal is written; then it only wants its name.
    pub(super) is_sealed: bool,
}

/// How long the file is, and how much of it is known to be good.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    /// Whole lines.
    pub(super) length: u64,
    /// Those that need not be written again.
    pub(super) kept: u64,
    /// The others.
    pub(super) unsynced: Vec<u8>,
    /// Whether the file may hold something else behind `kept`.
    pub(super) is_suspect: bool,
}

/// How the checkpoint is written.
#[derive(Debug, Default)]
pub(super) struct Marks {
    pub(super) slot: usize,
    pub(super) synced: Timestamp,
    /// Whether the last one could not be written; that was told.
    pub(super) are_failing: bool,
}

impl<D: Disk> Log<D> {
    /// Writes records, all or none; under `always` they are on the disk then.
    pub(super) fn write<'e, E: Event + 'e>(
        &mut self,
        now: Timestamp,
        events: impl IntoIterator<Item = &'e mut E>,
    ) -> io::Result<()> {
        self.mend()?;
        self.turn(now)?;
        let before = (self.chain, self.segment);
        self.append(now, events)?;
        match self.options.sync {
            SyncPolicy::Always => self.sync(now).inspect_err(|_| {
                (self.chain, self.segment) = before;
                self.bytes.length = self.bytes.kept;
                self.bytes.unsynced.clear();
                self.bytes.is_suspect = self.disk.cut(self.bytes.kept).is_err();
            }),
            SyncPolicy::Interval if self.bytes.unsynced.len() > MOST_UNSYNCED => {
                self.sync(now).ok(); // tried again when its time comes, and before anything else is written
                Ok(())
            }
            SyncPolicy::Interval | SyncPolicy::None => Ok(()),
        }
    }

    /// Whether records wait for a sync.
    pub(super) fn is_unsynced(&self) -> bool {
        !self.bytes.unsynced.is_empty()
    }

    /// Forces what was written to the disk, and the checkpoint behind it.
    pub(super) fn sync(&mut self, now: Timestamp) -> io::Result<()> {
        self.mend()?;
        if let Err(error) = self.disk.sync() {
            self.bytes.is_suspect = true; // the system may have dropped what it could not write
            return Err(error);
        }
        self.bytes.kept = self.bytes.length;
        self.bytes.unsynced.clear();
        self.mark(now);
        Ok(())
    }

    /// Seals the segment when it is large enough or of another day.
    pub(super) fn turn(&mut self, now: Timestamp) -> io::Result<()> {
        let Segment { records, day, is_sealed, .. } = self.segment;
        let is_due = records > 0 && (self.bytes.length >= self.options.segment_bytes || day != day_of(now));
        if is_sealed || is_due { self.seal(now) } else { Ok(()) }
    }

    /// Removes the segments that were sealed longer ago than records are kept, and tells which.
    pub(super) fn prune(&mut self, now: Timestamp) -> io::Result<Pruned> {
        let mut pruned = Pruned::default();
        let Some(days) = self.options.retention_days else { return Ok(pruned) };
        loop {
            let expired =
                self.expired(now - SignedDuration::from_hours(24 * i64::from(days)), &mut pruned)?;
            if expired.is_empty() {
                return Ok(pruned);
            }
            // Told first: a segment that is gone without a word is a breach, one that is left is removed next time.
            self.write(now, [&mut Retention::new(expired.clone(), days, now)])?;
            self.sync(now)?;
            for removed in &expired {
                self.disk.remove(&segment::name(removed.first_seq))?;
            }
            let last_seq = expired.last().map_or(0, |removed| removed.last_seq);
            for seq in segment::torn(&self.folder)?.into_iter().filter(|seq| *seq <= last_seq) {
                self.disk.remove(&segment::torn_name(seq))?;
            }
            pruned.removed.extend(expired);
        }
    }

    /// Leaves everything on the disk, and the checkpoint at the end of it.
    pub(super) fn close(&mut self, now: Timestamp) -> io::Result<()> {
        self.sync(now)?;
        self.disk.sync_marks()
    }

    pub(super) fn append<'e, E: Event + 'e>(
        &mut self,
        now: Timestamp,
        events: impl IntoIterator<Item = &'e mut E>,
    ) -> io::Result<()> {
        self.lines.clear();
        let mut chain = self.chain;
        for event in events {
            chain.add(event, &mut self.lines)?;
        }
        if let Err(error) = self.disk.append(&self.lines) {
            self.bytes.is_suspect = self.disk.cut(self.bytes.length).is_err();
            return Err(error);
        }
        let records = chain.seq - self.chain.seq;
        if self.segment.records == 0 {
            self.segment = Segment { first_seq: self.chain.seq + 1, day: day_of(now), ..Segment::default() };
        }
        self.segment.records += records;
        self.chain = chain;
        self.bytes.length += self.lines.len() as u64;
        match self.options.sync {
            SyncPolicy::Always | SyncPolicy::Interval => self.bytes.unsynced.extend_from_slice(&self.lines),
            SyncPolicy::None => self.bytes.kept = self.bytes.length,
        }
        Ok(())
    }

    /// Brings the file back to what it should hold, after a failure that left this open.
    fn mend(&mut self) -> io::Result<()> {
        if self.bytes.is_suspect {
            self.disk.cut(self.bytes.kept)?;
            self.disk.append(&self.bytes.unsynced)?;
            self.bytes.is_suspect = false;
        }
        Ok(())
    }

    fn seal(&mut self, now: Timestamp) -> io::Result<()> {
        let Segment { first_seq, records, is_sealed, .. } = self.segment;
        if !is_sealed {
            self.append(now, [&mut Seal::new(first_seq, records, self.chain.head, now)])?;
            self.segment.is_sealed = true;
        }
        self.sync(now)?;
        self.disk.sync_marks()?;
        self.disk.rotate(&segment::name(first_seq))?;
        tracing::info!(
            seq = self.chain.seq,
            hash = self.chain.head.as_str(),
            "a segment of the audit log is sealed"
        );
        (self.segment, self.bytes) = (Segment::default(), Bytes::default());
        Ok(())
    }

    /// The oldest segments that were all sealed before that time, up to one that is still to be taken elsewhere.
    fn expired(&self, before: Timestamp, pruned: &mut Pruned) -> io::Result<Vec<Removed>> {
        let mut expired = Vec::new();
        let last = self.options.followers.last();
        for first_seq in segment::sealed(&self.folder)? {
            let seal = segment::seal(&self.folder, first_seq)?;
            let old = seal.filter(|seal| seal.timestamp.is_some_and(|sealed| sealed < before));
            let Some(seal) = old.filter(|_| expired.len() < MOST_REMOVED) else { break };
            if let Some(last) = last.filter(|last| last.taken() < seal.seq) {
                pruned.held = Some((last.name().to_owned(), last.taken()));
                break;
            }
            expired.push(Removed { first_seq, head_hash: seal.hash, last_seq: seal.seq });
        }
        Ok(expired)
    }

    /// Writes the checkpoint. That it cannot be is no reason to stop: a checkpoint behind the log is a lawful one.
    fn mark(&mut self, now: Timestamp) {
        let marked = self.try_mark(now);
        if let Err(error) = &marked
            && !self.marks.are_failing
        {
            let folder = self.folder.display();
            tracing::error!(%error, "the checkpoint of the audit log in `{folder}` cannot be written");
        }
        self.marks.are_failing = marked.is_err();
    }

    pub(super) fn try_mark(&mut self, now: Timestamp) -> io::Result<()> {
        let text = checkpoint::slot(&self.chain, self.options.key.as_ref(), now)?;
        self.disk.mark(self.marks.slot, &text)?;
        self.marks.slot ^= 1;
        if now.duration_since(self.marks.synced).abs() >= MARKS_REST {
            self.disk.sync_marks()?;
            self.marks.synced = now;
        }
        Ok(())
    }
}

#[cfg(test)]
impl<D: Disk> Log<D> {
    /// Seals the segment whatever its size and day.
    pub(super) fn seal_now(&mut self) {
        self.seal(Timestamp::now()).expect("a segment that can be sealed");
    }
}

/// The day of a time, counted from 1970.
pub(super) fn day_of(time: Timestamp) -> i64 {
    time.as_second().div_euclid(86_400)
}
