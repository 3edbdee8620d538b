//! What was written to the log lately, in memory, for whoever looks on: the last records, and counts of the last hour.
//!
//! The thread that writes the log fills it, after everybody who waited for a record has been told. Both parts have an
//! end, whatever traffic there is.

mod course;
mod past;
mod ring;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::{Hash, Record};
pub(crate) use course::{Course, OfTarget, STEP, Slot};
use ring::Ring;
pub(crate) use ring::{Kept, Page};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Lately {
    ring: Mutex<Ring>,
    course: Mutex<Course>,
}

impl Lately {
    /// Takes records that were written, with the hash of the last one. `second` is the time, counted from 1970.
    pub(super) fn note(
        &self,
        records: impl DoubleEndedIterator<Item = Box<Record>>,
        head: Hash,
        second: i64,
    ) {
        let mut hash = head;
        let mut kept: Vec<Kept> = records
            .rev()
            .map(|record| {
                let own = std::mem::replace(&mut hash, record.prev_hash);
                Kept::new(*record, own)
            })
            .collect();
        kept.reverse();
        {
            let mut course = locked(&self.course);
            kept.iter().for_each(|kept| course.note(&kept.record, second));
        }
        locked(&self.ring).extend(kept);
    }

    /// Takes what the log in a folder holds from before this start, as far as there is room for it.
    pub(super) fn recall(&self, folder: &Path) -> io::Result<()> {
        let records = past::records(folder)?;
        {
            let mut course = locked(&self.course);
            for (record, _) in &records {
                if let Ok(time) = record.timestamp.parse::<Timestamp>() {
                    course.note(record, time.as_second());
                }
            }
        }
        locked(&self.ring)
            .extend(records.into_iter().map(|(record, hash)| Kept::new(record, hash)).collect());
        Ok(())
    }

    /// The newest records behind a number, of those that are asked for.
    pub(crate) fn page(&self, after: u64, most: usize, wanted: impl Fn(&Record) -> bool) -> Page {
        let ring = locked(&self.ring).clone();
        ring.page(after, most, wanted)
    }

    /// The record with that number.
    pub(crate) fn find(&self, seq: u64) -> Option<Arc<Kept>> {
        locked(&self.ring).find(seq)
    }

    /// The counts as they are.
    pub(crate) fn course(&self) -> Course {
        locked(&self.course).clone()
    }
}

/// What a panic left locked is as good as before.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
