//! What a request works with: the pack in force, the targets, the audit log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use tokio::sync::watch;

use crate::access::Access;
use crate::audit::Audit;
use crate::commons::Commons;
use crate::live::Fresh;
use crate::metrics::Metrics;
use crate::packs::Pack;
use crate::route::{Router, Upstream};
use crate::secret::Secret;
use crate::server::Times;
use crate::sinks::Sinks;
use crate::spend::Spend;
use crate::telemetry::Tracing;

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

/// The running gateway, as a request sees it from its first to its last byte. What comes after the audit log is shared
/// by all that follow each other.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) pack: Arc<Pack>,
    pub(crate) access: Access,
    pub(crate) router: Router,
    pub(crate) upstream: Upstream,
    /// What clients are shown; without it they are spoken to plainly.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    /// What operators bring, where it is asked for.
    pub(crate) admin_token: Option<Secret>,
    pub(crate) audit: Audit,
    /// Where records go besides the log.
    pub(crate) sinks: Sinks,
    pub(crate) tracing: Tracing,
    pub(crate) spend: Arc<Spend>,
    /// What it shares with other gateways, if it does.
    pub(crate) commons: Option<Arc<Commons>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) fail_mode: FailMode,
    pub(crate) began: Instant,
    pub(crate) served: Arc<AtomicU64>,
    pub(crate) draining: Arc<AtomicBool>,
    /// How long clients may take.
    pub(crate) times: Times,
    /// How long requests in flight may take when it drains.
    pub(crate) patience: Duration,
    /// Whether that time is over.
    pub(crate) over: watch::Sender<bool>,
}

impl Gateway {
    /// The same gateway with what was read anew.
    pub(crate) fn with(&self, fresh: Fresh) -> Self {
        Self {
            pack: fresh.pack,
            access: fresh.access,
            router: fresh.router,
            upstream: self.upstream.clone(),
            tls: fresh.tls,
            admin_token: fresh.admin_token,
            audit: self.audit.clone(),
            sinks: self.sinks.clone(),
            tracing: self.tracing.clone(),
            spend: Arc::clone(&self.spend),
            commons: self.commons.clone(),
            metrics: Arc::clone(&self.metrics),
            fail_mode: self.fail_mode,
            began: self.began,
            served: Arc::clone(&self.served),
            draining: Arc::clone(&self.draining),
            times: self.times,
            patience: self.patience,
            over: self.over.clone(),
        }
    }

    /// Waits until requests that are still in flight must end.
    pub(crate) fn over(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut over = self.over.subscribe();
        async move {
            // A gateway that is gone is over too.
            let _ = over.wait_for(|over| *over).await;
        }
    }
}
