//! How a sink is doing, for the operator: how far it is behind, and what it failed with.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::audit::followers::Followers;

/// A sink as others see it.
#[derive(Clone, Debug)]
pub(crate) struct Sink {
    id: Arc<str>,
    kind: &'static str,
    at: usize,
    followers: Followers,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    failures: AtomicU64,
    rejected: AtomicU64,
    /// When the oldest record came that the sink has not, in milliseconds; 0 when there is none.
    oldest: AtomicI64,
    failing: Mutex<Option<Failing>>,
}

/// Since when a sink fails, and with what.
#[derive(Clone, Debug)]
pub(crate) struct Failing {
    pub(crate) since: Timestamp,
    pub(crate) cause: String,
}

/// How a sink is doing.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// The number of the last record that it has.
    pub(crate) taken: u64,
    /// Records that are in the log and that it does not have.
    pub(crate) backlog: u64,
    /// How long ago the oldest of them came, in seconds.
    pub(crate) behind: f64,
    /// Records that it took since the start.
    pub(crate) sent: u64,
    /// Tries that failed.
    pub(crate) failures: u64,
    /// Records that it did not want.
    pub(crate) rejected: u64,
    /// Whether the last try failed, and how.
    pub(crate) failing: Option<Failing>,
}

impl Sink {
    pub(super) fn new(id: &str, kind: &'static str, at: usize, followers: Followers) -> Self {
        Self { id: id.into(), kind, at, followers, counts: Arc::default() }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// `otlp` or `postgres`.
    pub(crate) fn kind(&self) -> &'static str {
        self.kind
    }

    /// How it is doing, where the log reaches to that record.
    pub(crate) fn figures(&self, reach: u64) -> Figures {
        let (taken, oldest) = (self.taken(), self.counts.oldest.load(Ordering::Relaxed));
        let backlog = reach.saturating_sub(taken);
        let waited = if backlog == 0 || oldest == 0 { 0 } else { Timestamp::now().as_millisecond() - oldest };
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a backlog stay far below 2^52")]
        let behind = waited.max(0) as f64 / 1000.0;
        Figures {
            taken,
            backlog,
            behind,
            sent: self.counts.sent.load(Ordering::Relaxed),
            failures: self.counts.failures.load(Ordering::Relaxed),
            rejected: self.counts.rejected.load(Ordering::Relaxed),
            failing: self.counts.failing.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    pub(super) fn taken(&self) -> u64 {
        self.followers.get(self.at).map_or(0, crate::audit::followers::Follower::taken)
    }

    /// These records are next, of which the first came at that time.
    pub(super) fn next(&self, oldest: Option<Timestamp>) {
        self.counts.oldest.store(oldest.map_or(0, Timestamp::as_millisecond), Ordering::Relaxed);
    }

    /// It has so many more records, up to that one.
    pub(super) fn took(&self, count: u64, rejected: u64, last: u64) {
        self.counts.sent.fetch_add(count.saturating_sub(rejected), Ordering::Relaxed);
        self.counts.rejected.fetch_add(rejected, Ordering::Relaxed);
        if let Some(follower) = self.followers.get(self.at) {
            follower.take(last);
        }
        self.next(None);
        if rejected > 0 {
            tracing::error!(sink = self.id(), rejected, last, "the sink rejected audit records, for good");
        }
        let failed = self.counts.failing.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(failed) = failed {
            let since = failed.since.to_string();
            tracing::info!(sink = self.id(), since, "the sink takes audit records again");
        }
    }

    /// A try has failed.
    pub(super) fn failed(&self, cause: &str) {
        self.counts.failures.fetch_add(1, Ordering::Relaxed);
        let mut failing = self.counts.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = failing.as_ref().is_none_or(|before| before.cause != cause);
        let since = failing.as_ref().map_or_else(Timestamp::now, |before| before.since);
        *failing = Some(Failing { since, cause: cause.to_owned() });
        drop(failing);
        if is_news {
            tracing::warn!(
                sink = self.id(),
                cause,
                "the sink does not take audit records; they stay in the log and are sent again"
            );
        }
    }
}
