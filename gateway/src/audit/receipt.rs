//! What a request waits for before its client gets the last byte: that its record is as safe as was promised.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot::Receiver;

use crate::gateway::FailMode;

/// Ready when the record is written, and on the disk where the log is synced always.
#[derive(Debug)]
#[must_use = "the last byte of an answer waits for it"]
pub(crate) struct Receipt {
    written: Option<Receiver<()>>,
    fail_mode: FailMode,
}

/// The record cannot be written now; it says that the request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unwritten;

impl Receipt {
    /// For a record that the writer has.
    pub(super) fn of(written: Receiver<()>, fail_mode: FailMode) -> Self {
        Self { written: Some(written), fail_mode }
    }

    /// For one that nobody has: the fail mode let the request go on without.
    pub(super) fn none() -> Self {
        Self { written: None, fail_mode: FailMode::Allow }
    }

    /// Whether a record that could not be written may be left at that.
    pub(super) fn is_lenient(&self) -> bool {
        self.fail_mode == FailMode::Allow
    }
}

impl Future for Receipt {
    type Output = Result<(), Unwritten>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(written) = &mut self.written else { return Poll::Ready(Ok(())) };
        let written = ready!(Pin::new(written).poll(cx));
        self.written = None;
        Poll::Ready(if self.is_lenient() { Ok(()) } else { written.map_err(|_| Unwritten) })
    }
}
