//! The life of the server: bind every address, serve, drain, leave.

mod accept;
mod answer;
mod calm;
pub(crate) mod files;
pub(crate) mod intake;
mod limits;
mod listeners;
mod lull;
mod manager;
mod panics;
mod pressure;
mod socket;
pub(crate) mod stall;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use hyper::Request;
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::admin;
use crate::audit::{Audit, Options};
use crate::cautions::{self, Start};
use crate::clock::Clock;
use crate::commons::Commons;
use crate::console::Place;
use crate::demo::Demo;
use crate::error::Error;
use crate::gateway::{FailMode, Gateway};
use crate::live::{self, Fresh, Live, Source, Trigger};
use crate::packs::Pack;
use crate::route::Upstream;
use crate::sinks;
use crate::spend::Spend;
use crate::telemetry::Tracing;
use accept::{Door, Phase};
pub use limits::{DRAIN, Times};
use listeners::Listeners;

/// What a service manager reads of a gateway that is well.
const SERVING: &str = "serving";
/// Longest wait for the audit log at the very end, and then again for what is sent elsewhere.
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
    /// How long clients may take; what is usual is the default.
    pub times: Times,
}

/// A gateway that listens, and does not answer yet.
#[derive(Debug)]
pub struct Bound {
    live: Arc<Live>,
    listeners: Vec<TcpListener>,
    admin: Option<TcpListener>,
    writer: JoinHandle<()>,
    sinks: JoinSet<()>,
    exporter: Option<JoinHandle<()>>,
    _demo: Option<Demo>,
}

/// Binds the addresses, opens the audit log and makes the targets ready.
pub async fn bind(settings: Settings) -> Result<Bound, Error> {
    let listeners = Listeners::open(&settings.listen, settings.admin_listen.as_deref()).await?;
    let demo = if settings.demo { Some(Demo::start().await?) } else { None };
    let source = Source {
        files: settings.files,
        providers: demo.as_ref().map(Demo::providers),
        upstream: settings.upstream,
        max_concurrency: settings.max_concurrency,
        clock: settings.clock,
    };
    let written = settings.pack.config.state.redis.as_ref();
    let commons = written.map(Commons::new).transpose()?.map(Arc::new);
    let Fresh { pack, access, router, tls, admin_token, .. } =
        source.fresh(settings.pack, commons.as_ref(), None)?;
    let config = &pack.config;
    let (tracing, exporter) = Tracing::start(&config.telemetry)?;
    let (sinks, waiting) = sinks::prepare(&config.audit, &config.telemetry, &settings.state_dir)?;
    let options = Options { followers: waiting.followers(), ..Options::of(&config.audit)? };
    let (audit, writer) = Audit::open(&settings.state_dir, options, settings.fail_mode)?;
    let spend = Arc::new(Spend::open(commons.as_ref(), &settings.state_dir)?);
    let sending = waiting.begin(&audit.reach());
    let gateway = Gateway {
        pack,
        access,
        router,
        upstream: Upstream::new()?,
        tls,
        admin_token,
        audit,
        spend,
        commons,
        sinks,
        tracing,
        metrics: Arc::default(),
        fail_mode: settings.fail_mode,
        began: Instant::now(),
        served: Arc::default(),
        draining: Arc::default(),
        times: settings.times,
        patience: settings.drain,
        over: watch::Sender::new(false),
    };
    let live = Arc::new(Live::new(gateway, source));
    let Listeners { public: listeners, admin } = listeners;
    Ok(Bound { live, listeners, admin, writer, sinks: sending, exporter, _demo: demo })
}

impl Bound {
    /// The addresses for clients, with the ports that were given.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// What is in force.
    pub(crate) fn pack(&self) -> Arc<Pack> {
        Arc::clone(&self.live.now().pack)
    }

    /// Says what is unsafe in how it was started.
    fn warn(&self, upstream: Option<&str>) {
        let (public, admin) = (self.addresses(), self.admin_address());
        for caution in cautions::of(&self.live.now(), &Start { public: &public, admin, upstream }) {
            tracing::warn!("{caution}");
        }
    }

    /// What clients write before their addresses.
    pub(crate) fn scheme(&self) -> &'static str {
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
        let mut reassuring = JoinSet::new();
        manager::reassure(&mut reassuring);
        let spend = Arc::clone(&self.live.now().spend);
        watching.spawn(Arc::clone(&spend).keep());
        let commons = self.live.now().commons.clone();
        if let Some(commons) = &commons {
            watching.spawn(Arc::clone(commons).watch());
        }
        let slots = Arc::new(Semaphore::new(files::clients()));
        let (mut doors, mut admin) = (JoinSet::new(), JoinSet::new());
        for listener in self.listeners {
            let (live, slots, phase) = (Arc::clone(&self.live), Arc::clone(&slots), watched.clone());
            doors.spawn(Door::new(listener, live, answer::public, slots, phase).secure().serve());
        }
        if let Some(listener) = self.admin {
            let (live, slots) = (Arc::clone(&self.live), Arc::new(Semaphore::new(64)));
            let place = place_of(&listener);
            let answer =
                move |live: &Arc<Live>, request: Request<Incoming>| admin::answer(live, place, request);
            admin.spawn(Door::new(listener, live, answer, slots, admin_watched).serve());
        }
        drain.await;
        manager::stopping();
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
        if let Some(commons) = commons {
            commons.finish().await;
        }
        spend.close();
        if timeout(FLUSH, self.writer).await.is_err() {
            tracing::error!("the audit log could not be finished in time");
        }
        let mut sinks = self.sinks;
        let exported = async {
            if let Some(exporter) = self.exporter {
                exporter.await.ok();
            }
        };
        if timeout(FLUSH, async { tokio::join!(all(&mut sinks), exported) }).await.is_err() {
            tracing::warn!(
                "not everything could be sent in time: audit records are sent at the next start, spans are lost"
            );
        }
    }
}

/// Whether others than programs of this machine come there; on doubt they do.
fn place_of(listener: &TcpListener) -> Place {
    match listener.local_addr() {
        Ok(address) if address.ip().is_loopback() => Place::Loopback,
        Ok(_) | Err(_) => Place::Elsewhere,
    }
}

async fn all(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// Runs the gateway until SIGINT or SIGTERM; a second one ends it at once. `began` is called when it listens.
pub async fn run(settings: Settings, began: impl FnOnce(&Bound)) -> Result<(), Error> {
    panics::tell_where();
    let unheard = |e| Error::new(format!("cannot listen for signals: {e}"));
    let signals = || Signals::new().map_err(unheard);
    let (mut first, mut second) = (signals()?, signals()?);
    let hangup = signal(SignalKind::hangup()).map_err(unheard)?;
    files::raise();
    let upstream = settings.upstream.clone();
    let bound = bind(settings).await?;
    for address in bound.addresses() {
        tracing::info!("listening on {}://{address}", bound.scheme());
    }
    if let Some(address) = bound.admin_address() {
        tracing::info!("admin on http://{address}");
        if bound.live.now().admin_token.is_some() || address.ip().is_loopback() {
            tracing::info!("console on http://{address}/console");
        }
    }
    bound.warn(upstream.as_deref());
    began(&bound);
    manager::ready(SERVING);
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
        manager::reloading();
        let status = match live.reload(Trigger::Signal).await {
            Ok(told) if told.is_taken() => SERVING,
            Ok(_) => "serving with the old configuration: the new one is refused, see the log",
            Err(error) => {
                tracing::error!("{error}");
                "serving with the old configuration: the new one could not be read, see the log"
            }
        };
        manager::ready(status);
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
