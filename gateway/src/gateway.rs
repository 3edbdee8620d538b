//! What every request shares: the pack in force, the targets, the audit log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::access::Access;
use crate::audit::Audit;
use crate::metrics::Metrics;
use crate::packs::Pack;
use crate::route::{Router, Upstream};

/// What happens to a request when a part of the gateway itself fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailMode {
    /// It is refused.
    #[default]
    Block,
    /// It goes on, and the process log says so.
    Allow,
}

impl FailMode {
    /// As written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            FailMode::Block => "block",
            FailMode::Allow => "allow",
        }
    }
}

/// The running gateway, as requests see it.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) pack: Arc<Pack>,
    pub(crate) access: Access,
    pub(crate) router: Router,
    pub(crate) upstream: Upstream,
    pub(crate) audit: Audit,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) fail_mode: FailMode,
    pub(crate) began: Instant,
    pub(crate) served: AtomicU64,
    pub(crate) draining: AtomicBool,
    /// How long requests in flight may take when it drains.
    pub(crate) patience: Duration,
    /// Whether that time is over.
    pub(crate) over: watch::Sender<bool>,
}

impl Gateway {
    /// Waits until requests that are still in flight must end.
    pub(crate) fn over(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut over = self.over.subscribe();
        async move {
            // A gateway that is gone is over too.
            let _ = over.wait_for(|over| *over).await;
        }
    }
}
