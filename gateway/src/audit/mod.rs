//! The audit log: one line per request, whatever the outcome, each holding the hash of the one before it.
//!
//! A request takes a [`Seat`] in the writer's queue before anything is sent anywhere, so that its record always has
//! a place: a full queue or a disk that cannot be written refuses requests instead of losing records. At its end it
//! gets a [`Receipt`], and the last byte of the answer waits for that.
//!
//! The files of the folder are the truth. Whatever else is to have the records follows them: each has its number,
//! and sealed segments do not change.

mod account;
pub(crate) mod chain;
pub(crate) mod checkpoint;
mod disk;
mod event;
pub(crate) mod followers;
pub(crate) mod lately;
mod ledger;
pub(crate) mod lines;
mod log;
mod receipt;
mod record;
pub(crate) mod segment;
mod start;
pub(crate) mod verify;
pub(crate) mod walk;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use grammar::config::{self, SyncPolicy};
use jiff::Timestamp;
use tokio::sync::mpsc::{OwnedPermit, Sender, channel};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use chain::Hash;
pub(crate) use event::Removed;
pub(crate) use ledger::Ledger;
pub(crate) use receipt::{Receipt, Unwritten};
pub use record::{Attempt, Evaluated, Found, Outcome, Record};

use crate::error::Error;
use crate::gateway::FailMode;
use crate::route::read_key;
use crate::secret::Secret;
use account::Account;
use disk::Folder;
use followers::{Followers, Pruned};
use lately::Lately;
use writer::{Entry, Writer};

/// Most requests whose records may be outstanding: more than connections that are let in.
const SEATS: usize = 16 * 1024;

/// Shortest key: below, it could be guessed.
const SHORTEST_KEY: usize = 16;

/// What the log promises.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) sync: SyncPolicy,
    pub(crate) interval: Duration,
    pub(crate) segment_bytes: u64,
    pub(crate) retention_days: Option<u32>,
    pub(crate) key: Option<Secret>,
    /// Those who take records elsewhere.
    pub(crate) followers: Followers,
}

impl Options {
    /// Those of a configuration; its key is read now.
    pub(crate) fn of(audit: &config::Audit) -> Result<Self, Error> {
        let key = audit.key.as_ref().map(read_key).transpose();
        let key = key.map_err(|reason| Error::new(format!("`audit.key_ref` leads to no key: {reason}")))?;
        if key.as_ref().is_some_and(|key| key.len() < SHORTEST_KEY) {
            let help = "make one with `openssl rand -hex 32`";
            return Err(Error::new(format!(
                "the key of the audit log has less than {SHORTEST_KEY} bytes; {help}"
            )));
        }
        Ok(Self {
            sync: audit.sync,
            interval: Duration::from_millis(audit.interval_ms.into()),
            segment_bytes: u64::from(audit.segment_mb) * 1024 * 1024,
            retention_days: audit.retention_days,
            key,
            followers: Followers::default(),
        })
    }
}

/// The way to the log.
#[derive(Clone, Debug)]
pub(crate) struct Audit {
    queue: Sender<Entry>,
    reach: watch::Receiver<u64>,
    failing: Arc<AtomicBool>,
    fail_mode: FailMode,
    lately: Arc<Lately>,
}

/// A kept place in the writer's queue.
#[derive(Debug)]
pub(crate) struct Seat {
    place: OwnedPermit<Entry>,
    fail_mode: FailMode,
}

impl Seat {
    /// Hands a record over. `begun`: the client has had the head of its answer already.
    fn write(self, record: Box<Record>, begun: bool, account: Account) -> Receipt {
        let (entry, receipt) = Entry::new(record, begun, self.fail_mode, account);
        self.place.send(entry);
        receipt
    }
}

impl Audit {
    /// Opens the log under a state folder and starts its writer, which ends when every [`Audit`] and [`Seat`] is gone.
    pub(crate) fn open(
        state_dir: &Path,
        options: Options,
        fail_mode: FailMode,
    ) -> Result<(Self, JoinHandle<()>), Error> {
        let folder = segment::folder(state_dir);
        let log = start::open(Folder::open(&folder)?, &folder, options, Timestamp::now())?;
        Ok(Self::over(Writer::new(log), SEATS, fail_mode))
    }

    fn over(
        writer: Writer<impl disk::Disk + 'static>,
        seats: usize,
        fail_mode: FailMode,
    ) -> (Self, JoinHandle<()>) {
        let (queue, entries) = channel(seats);
        let (failing, reach, lately) = (writer.failing(), writer.reach(), writer.lately());
        let runtime = tokio::runtime::Handle::current();
        let task = tokio::task::spawn_blocking(move || writer.run(entries, &runtime));
        (Self { queue, reach, failing, fail_mode, lately }, task)
    }

    /// A place for a record to come, or nothing when it could not be written.
    pub(crate) fn seat(&self) -> Option<Seat> {
        if self.failing.load(Ordering::Relaxed) {
            return None;
        }
        let place = self.queue.clone().try_reserve_owned().ok()?;
        Some(Seat { place, fail_mode: self.fail_mode })
    }

    /// Requests whose record is not written yet.
    pub(crate) fn outstanding(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// The number of the last record that is as safe as the log promises; closed when the writer is gone.
    pub(crate) fn reach(&self) -> watch::Receiver<u64> {
        self.reach.clone()
    }

    /// Most requests whose record may be outstanding.
    pub(crate) fn places(&self) -> usize {
        self.queue.max_capacity()
    }

    /// What was written lately.
    pub(crate) fn lately(&self) -> &Lately {
        &self.lately
    }

    /// Whether records can be written now.
    pub(crate) fn is_sound(&self) -> bool {
        !self.failing.load(Ordering::Relaxed) && !self.queue.is_closed()
    }
}

/// Removes what is past its retention from a log that no gateway writes.
pub(crate) fn prune(folder: &Path, options: Options) -> Result<Pruned, Error> {
    let unwritten = |e: std::io::Error| Error::file("write the audit log", folder, &e);
    let now = Timestamp::now();
    let mut log = start::open(Folder::open(folder)?, folder, options, now)?;
    log.turn(now).map_err(unwritten)?;
    let pruned = log.prune(now).map_err(unwritten)?;
    log.close(now).map_err(unwritten)?;
    Ok(pruned)
}

/// Takes up the log under a state folder as a start of the gateway does, and ends it as a stop does; then what is wrong with what
/// stands there, if something is. A log that may not be taken up is an `Err` that says why.
pub fn taken_up(state_dir: &Path) -> Result<Option<String>, Error> {
    let folder = segment::folder(state_dir);
    let options = Options::of(&config::Audit { sync: SyncPolicy::None, ..config::Audit::default() })?;
    let now = Timestamp::now();
    let mut log = start::open(Folder::open(&folder)?, &folder, options, now)?;
    log.close(now).map_err(|e| Error::file("write the audit log", &folder, &e))?;
    let report = verify::verify(&folder, &verify::Against::default(), |_| {});
    let report = report.map_err(|e| Error::file("read the audit log", &folder, &e))?;
    Ok(report.breach.map(|breach| format!("record {}: {}", breach.seq, breach.kind)))
}

#[cfg(test)]
mod tests;
