//! The audit log: one line per request, whatever the outcome.
//!
//! A request takes a [`Seat`] in the writer's queue before anything is sent anywhere, so that its record always
//! has a place: a full queue or a disk that cannot be written refuses requests instead of losing records.

mod ledger;
mod record;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc::{OwnedPermit, Sender, channel};
use tokio::task::JoinHandle;

pub(crate) use ledger::Ledger;
pub use record::{Attempt, Evaluated, Found, Outcome, Record};

use crate::error::Error;

/// Most requests whose records may be outstanding: more than connections that are let in.
const SEATS: usize = 16 * 1024;

/// The way to the log.
#[derive(Clone, Debug)]
pub(crate) struct Audit {
    queue: Sender<Box<Record>>,
    failing: Arc<AtomicBool>,
}

/// A kept place in the writer's queue.
#[derive(Debug)]
pub(crate) struct Seat(OwnedPermit<Box<Record>>);

impl Seat {
    fn write(self, record: Box<Record>) {
        self.0.send(record);
    }
}

impl Audit {
    /// Opens the log under a state folder and starts its writer, which ends when every [`Audit`] and [`Seat`] is gone.
    pub(crate) fn open(state_dir: &Path) -> Result<(Self, JoinHandle<()>), Error> {
        let failing = Arc::new(AtomicBool::new(false));
        let writer = writer::Writer::open(state_dir, Arc::clone(&failing))?;
        let (queue, records) = channel(SEATS);
        let task = tokio::task::spawn_blocking(move || writer.run(records));
        Ok((Self { queue, failing }, task))
    }

    /// A place for a record to come, or nothing when it could not be written.
    pub(crate) fn seat(&self) -> Option<Seat> {
        if self.failing.load(Ordering::Relaxed) {
            return None;
        }
        self.queue.clone().try_reserve_owned().ok().map(Seat)
    }

    /// Whether records can be written now.
    pub(crate) fn is_sound(&self) -> bool {
        !self.failing.load(Ordering::Relaxed) && !self.queue.is_closed()
    }
}

#[cfg(test)]
mod tests;
