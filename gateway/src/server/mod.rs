//! The life of the server: bind every address, serve, drain, leave.

mod accept;
mod answer;
pub(crate) mod intake;
mod limits;
mod socket;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::access::Access;
use crate::admin;
use crate::audit::{Audit, Options};
use crate::clock::Clock;
use crate::demo::Demo;
use crate::error::Error;
use crate::gateway::{FailMode, Gateway};
use crate::live::{self, Live, Source, Trigger};
use crate::packs::Pack;
use crate::route::Upstream;
use crate::spend::Spend;
use crate::tls;
use accept::{Door, Phase};
pub use limits::DRAIN;

/// Longest wait for the audit log at the very end.
const FLUSH: Duration = Duration::from_secs(5);

/// What the gateway is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Addresses for clients, as `HOST:PORT`.
    pub listen: Vec<String>,
    /// Address for the operator.
    pub admin_listen: Option<String>,
    /// What is in force.
    pub pack: Arc<Pack>,
    /// Folder of the audit log.
    pub state_dir: PathBuf,
    /// What happens when a part of the gateway fails.
    pub fail_mode: FailMode,
    /// The files that `pack` was read from, which are read again when they are to be; none when it came from no file.
    pub files: Vec<PathBuf>,
    /// An address that replaces those of all targets, for debugging.
    pub upstream: Option<String>,
    /// How many requests may be under way to all targets together, in place of what the configuration says.
    pub max_concurrency: Option<u32>,
    /// Whether the embedded provider replaces all targets.
    pub demo: bool,
    /// How long requests in flight may take after the gateway was told to stop; [`DRAIN`] is usual.
    pub drain: Duration,
    /// What the router tells the time by.
    pub clock: Clock,
}

/// A gateway that listens, and does not answer yet.
#[derive(Debug)]
pub struct Bound {
    live: Arc<Live>,
    listeners: Vec<TcpListener>,
    admin: Option<TcpListener>,
    writer: JoinHandle<()>,
    _demo: Option<Demo>,
}

/// Binds the addresses, opens the audit log and makes the targets ready.
pub async fn bind(settings: Settings) -> Result<Bound, Error> {
    let mut listeners = Vec::new();
    for address in &settings.listen {
        listeners.push(listen(address, "--listen").await?);
    }
    let admin = match &settings.admin_listen {
        Some(address) => Some(listen(address, "--admin-listen").await?),
        None => None,
    };
    let demo = if settings.demo { Some(Demo::start().await?) } else { None };
    let source = Source {
        files: settings.files,
        providers: demo.as_ref().map(Demo::providers),
        upstream: settings.upstream,
        max_concurrency: settings.max_concurrency,
        clock: settings.clock,
    };
    let access = Access::new(&settings.pack.config.access, &source.clock, None);
    let router = source.router(&settings.pack.config, None)?;
    live::warn_unpriced(&settings.pack, &router);
    let tls = settings.pack.config.tls.as_ref().map(tls::server).transpose()?;
    let options = Options::of(&settings.pack.config.audit)?;
    let (audit, writer) = Audit::open(&settings.state_dir, options, settings.fail_mode)?;
    let spend = Arc::new(Spend::open(&settings.pack.config.state, &settings.state_dir)?);
    let gateway = Gateway {
        pack: settings.pack,
        access,
        router,
        upstream: Upstream::new(None)?,
        tls,
        audit,
        spend,
        metrics: Arc::default(),
        fail_mode: settings.fail_mode,
        began: Instant::now(),
        served: Arc::default(),
        draining: Arc::default(),
        patience: settings.drain,
        over: watch::Sender::new(false),
    };
    let live = Arc::new(Live::new(gateway, source));
    Ok(Bound { live, listeners, admin, writer, _demo: demo })
}

async fn listen(address: &str, flag: &str) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|e| Error::listen(address, flag, &e))
}

impl Bound {
    /// The addresses for clients, with the ports that were given.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// What clients write before their addresses.
    fn scheme(&self) -> &'static str {
        if self.live.now().tls.is_some() { "https" } else { "http" }
    }

    /// The address for the operator.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Serves until `drain` is over, then finishes what is in flight; leaves at once when `leave` is over.
    pub async fn serve(self, drain: impl Future<Output = ()>, leave: impl Future<Output = ()>) {
        let (phase, watched) = watch::channel(Phase::Serving);
        let (admin_phase, admin_watched) = watch::channel(Phase::Serving);
        self.live.probe();
        let mut watching = JoinSet::new();
        watching.spawn(live::watch(Arc::clone(&self.live)));
        let spend = Arc::clone(&self.live.now().spend);
        watching.spawn(Arc::clone(&spend).keep());
        let slots = Arc::new(Semaphore::new(limits::MAX_CONNECTIONS));
        let (mut doors, mut admin) = (JoinSet::new(), JoinSet::new());
        for listener in self.listeners {
            let (live, slots, phase) = (Arc::clone(&self.live), Arc::clone(&slots), watched.clone());
            doors.spawn(Door { listener, live, answer: answer::public, slots, phase, secures: true }.serve());
        }
        if let Some(listener) = self.admin {
            let (live, slots) = (Arc::clone(&self.live), Arc::new(Semaphore::new(64)));
            admin.spawn(
                Door { listener, live, answer: admin::answer, slots, phase: admin_watched, secures: false }
                    .serve(),
            );
        }
        drain.await;
        watching.shutdown().await;
        let gateway = self.live.now();
        tracing::info!("draining: requests in flight have {} s", gateway.patience.as_secs());
        gateway.draining.store(true, Ordering::Relaxed);
        phase.send_replace(Phase::Draining);
        tokio::select! {
            () = all(&mut doors) => {}
            () = leave => {
                phase.send_replace(Phase::Leaving);
                all(&mut doors).await;
            }
        }
        admin_phase.send_replace(Phase::Leaving);
        all(&mut admin).await;
        drop((gateway, self.live));
        spend.close().await;
        if tokio::time::timeout(FLUSH, self.writer).await.is_err() {
            tracing::error!("the audit log could not be finished in time");
        }
    }
}

async fn all(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// Runs the gateway until SIGINT or SIGTERM; a second one ends it at once.
pub async fn run(settings: Settings) -> Result<(), Error> {
    let unheard = |e| Error::new(format!("cannot listen for signals: {e}"));
    let signals = || Signals::new().map_err(unheard);
    let (mut first, mut second) = (signals()?, signals()?);
    let hangup = signal(SignalKind::hangup()).map_err(unheard)?;
    let bound = bind(settings).await?;
    for address in bound.addresses() {
        tracing::info!("listening on {}://{address}", bound.scheme());
    }
    if let Some(address) = bound.admin_address() {
        tracing::info!("admin on http://{address}");
    }
    let leave = async move {
        second.next().await;
        second.next().await;
    };
    let reloading = tokio::spawn(reload_on(hangup, Arc::downgrade(&bound.live)));
    bound.serve(async move { first.next().await }, leave).await;
    reloading.abort();
    Ok(())
}

/// Reads the configuration anew at every signal, for as long as the gateway lives.
async fn reload_on(mut hangup: Signal, live: Weak<Live>) {
    while hangup.recv().await.is_some() {
        let Some(live) = live.upgrade() else { return };
        if let Err(error) = live.reload(Trigger::Signal).await {
            tracing::error!("{error}");
        }
    }
}

/// The signals that end what runs until it is told to.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests;
