//! The one thread that writes the log: it takes what has come, writes and syncs it as one, and tells who waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::mpsc::Receiver;
use tokio::sync::{oneshot, watch};

use super::account::Account;
use super::disk::Disk;
use super::followers::Pruned;
use super::lately::Lately;
use super::log::{Log, day_of};
use super::{Outcome, Receipt, Record};
use crate::gateway::FailMode;

/// Most records that are written at once, and so share a sync.
const BATCH: usize = 1024;

/// How long a disk that fails is left alone before the next try.
const PAUSE: Duration = Duration::from_secs(1);

/// Longest sleep without anything to write: how late a new day is noticed.
const LULL: Duration = Duration::from_secs(60);

/// The code of a request whose record cannot be written.
pub(super) const UNAVAILABLE: &str = "audit_unavailable";

/// A record on its way to the log, and who waits for it.
#[derive(Debug)]
pub(super) struct Entry {
    record: Box<Record>,
    /// Whether the client has had the head of its answer.
    begun: bool,
    fail_mode: FailMode,
    waiting: Option<oneshot::Sender<()>>,
    /// What is told when it is decided what the record says; nothing when that was told.
    account: Option<Account>,
}

impl Entry {
    pub(super) fn new(
        record: Box<Record>,
        begun: bool,
        fail_mode: FailMode,
        account: Account,
    ) -> (Self, Receipt) {
        let (waiting, written) = oneshot::channel();
        let entry = Self { record, begun, fail_mode, waiting: Some(waiting), account: Some(account) };
        (entry, Receipt::of(written, fail_mode))
    }

    /// Tells of the record, once.
    fn tell(&mut self) {
        if let Some(account) = self.account.take() {
            account.tell(&self.record);
        }
    }

    /// Lets the answer go; the record is left.
    fn written(mut self) -> Box<Record> {
        self.tell();
        if let Some(waiting) = self.waiting {
            waiting.send(()).ok(); // a client that left waits for nothing
        }
        self.record
    }

    /// Tells whoever waits that the record is not written yet: the answer becomes an error, and the record says so.
    fn put_off(&mut self) {
        let is_awaited = self.waiting.take().is_some_and(|waiting| !waiting.is_closed());
        if is_awaited && self.fail_mode == FailMode::Block {
            let request_id = self.record.request_id.as_str();
            tracing::error!(
                request_id,
                error = UNAVAILABLE,
                "the answer is withheld: its record cannot be written"
            );
            self.record.outcome = Outcome::Failed;
            self.record.error = Some(UNAVAILABLE.to_owned());
            self.record.status = if self.begun { self.record.status } else { 503 };
        }
        self.tell();
    }
}

/// A log and what is still to be written to it.
pub(super) struct Writer<D> {
    log: Log<D>,
    backlog: Vec<Entry>,
    failing: Arc<AtomicBool>,
    lately: Arc<Lately>,
    sync_due: Option<Instant>,
    day: i64,
    reach: watch::Sender<u64>,
}

impl<D: Disk> Writer<D> {
    pub(super) fn new(log: Log<D>) -> Self {
        let failing = Arc::new(AtomicBool::new(false));
        let (backlog, lately) = (Vec::with_capacity(BATCH), Arc::default());
        let reach = watch::Sender::new(log.chain.seq);
        Self { log, backlog, failing, lately, sync_due: None, day: i64::MIN, reach }
    }

    /// The number of the last record that is as safe as the log promises.
    pub(super) fn reach(&self) -> watch::Receiver<u64> {
        self.reach.subscribe()
    }

    /// Lets others read what will not be written anew.
    fn publish(&self) {
        if !self.log.is_unsynced() {
            let seq = self.log.chain.seq;
            self.reach.send_if_modified(|reach| std::mem::replace(reach, seq) != seq);
        }
    }

    /// What it has written lately.
    pub(super) fn lately(&self) -> Arc<Lately> {
        Arc::clone(&self.lately)
    }

    /// Whether the last try to write failed.
    pub(super) fn failing(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.failing)
    }

    /// Writes until every sender is gone. What cannot be written is tried again, and meanwhile `failing` keeps new
    /// requests out.
    pub(super) fn run(mut self, mut queue: Receiver<Entry>, runtime: &Handle) {
        if let Err(error) = self.lately.recall(&self.log.folder) {
            tracing::warn!(%error, "the console begins without the records from before this start");
        }
        loop {
            self.keep_house();
            self.publish();
            let patience = self.patience();
            let room = BATCH.saturating_sub(self.backlog.len()).max(1);
            let next = queue.recv_many(&mut self.backlog, room);
            let is_over = runtime
                .block_on(async { tokio::time::timeout(patience, next).await.is_ok_and(|count| count == 0) });
            self.write();
            self.publish();
            if is_over {
                return self.finish();
            }
        }
    }

    /// Seals and removes what the time asks for, and syncs when that is due.
    fn keep_house(&mut self) {
        let now = Timestamp::now();
        if self.sync_due.is_some_and(|due| due <= Instant::now()) && self.backlog.is_empty() {
            let synced = self.log.sync(now);
            self.sync_due = self.sync_due.filter(|_| !self.note(synced));
        }
        if self.day == day_of(now) || !self.backlog.is_empty() {
            return;
        }
        let turned = self.log.turn(now);
        if self.note(turned) {
            self.day = day_of(now);
            match self.log.prune(now) {
                Ok(pruned) => tell(&pruned),
                Err(error) => {
                    tracing::error!(%error, "segments of the audit log that are past their time cannot be removed")
                }
            }
        }
    }

    fn patience(&self) -> Duration {
        let rest = self.sync_due.map_or(LULL, |due| due.saturating_duration_since(Instant::now()));
        if self.failing.load(Ordering::Relaxed) { PAUSE } else { rest.min(LULL) }
    }

    /// Writes everything that has come.
    fn write(&mut self) {
        while !self.backlog.is_empty() {
            let count = self.backlog.len().min(BATCH);
            let records = self.backlog.iter_mut().take(count).map(|entry| &mut *entry.record);
            let now = Timestamp::now();
            let written = self.log.write(now, records);
            if !self.note(written) {
                return;
            }
            let records: Vec<Box<Record>> = self.backlog.drain(..count).map(Entry::written).collect();
            self.lately.note(records.into_iter(), self.log.chain.head, now.as_second());
        }
        if self.log.is_unsynced() && self.sync_due.is_none() {
            self.sync_due = Some(Instant::now() + self.log.options.interval);
        }
    }

    /// Notes whether the log could be written; when it could not, everybody who waits is told.
    fn note(&mut self, written: std::io::Result<()>) -> bool {
        let Err(error) = written else {
            if self.failing.swap(false, Ordering::Relaxed) {
                tracing::info!("the audit log can be written again");
            }
            return true;
        };
        if !self.failing.swap(true, Ordering::Relaxed) {
            let folder = self.log.folder.display();
            tracing::error!(%error, "the audit log in `{folder}` cannot be written");
        }
        self.backlog.iter_mut().for_each(Entry::put_off);
        false
    }

    fn finish(mut self) {
        let closed = self.log.close(Timestamp::now());
        self.publish();
        match closed {
            Err(error) => tracing::error!("the audit log cannot be finished: {error}"),
            Ok(()) if self.backlog.is_empty() => {
                let (seq, hash) = (self.log.chain.seq, self.log.chain.head);
                tracing::info!(seq, hash = hash.as_str(), "the audit log is closed");
            }
            Ok(()) => {}
        }
        if !self.backlog.is_empty() {
            tracing::error!("the last {} audit records are lost", self.backlog.len());
        }
    }
}

/// Says what was removed, and what was not.
fn tell(pruned: &Pruned) {
    let count = pruned.removed.len();
    if count > 0 {
        tracing::info!("{count} segments of the audit log were past their time and are removed");
    }
    if let Some((sink, taken)) = &pruned.held {
        tracing::warn!(
            sink,
            taken,
            "segments of the audit log are past their time and are kept: the sink does not have all of their records"
        );
    }
}
