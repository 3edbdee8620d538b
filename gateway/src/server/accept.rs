//! Accepts connections on one address until the gateway drains, and sees the last of them off.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use grammar::config::SizeLimits;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;

use super::calm::Calm;
use super::limits::{FAREWELL, MAX_MISTAKES, MAX_RESETS, MAX_STREAMS, PING, PONG, SEND_BUFFER, Times};
use super::lull::{Patient, UnderWay};
use super::pressure::{Paced, Pressure};
use super::socket::Socket;
use super::stall::Tasks;
use crate::access::{Place, TooMany};
use crate::body::ReplyBody;
use crate::gateway::Gateway;
use crate::live::Live;
use crate::tls::H2;

/// How long accepting rests when the system has no more sockets to give.
const REST: Duration = Duration::from_millis(50);
/// How often it is told that nothing can be accepted.
const COMPLAINTS: Duration = Duration::from_secs(5);

/// Where the gateway is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(super) enum Phase {
    /// Taking requests.
    Serving,
    /// Finishing those in flight.
    Draining,
    /// Leaving at once.
    Leaving,
}

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

/// One address: who listens there and what answers.
pub(super) struct Door<S> {
    listener: TcpListener,
    live: Arc<Live>,
    answer: S,
    slots: Arc<Semaphore>,
    phase: watch::Receiver<Phase>,
    /// Whether it speaks TLS where that is configured.
    secures: bool,
    /// When it was last told that nothing can be accepted.
    complained: Option<Instant>,
}

impl<S> Door<S> {
    pub(super) fn new(
        listener: TcpListener,
        live: Arc<Live>,
        answer: S,
        slots: Arc<Semaphore>,
        phase: watch::Receiver<Phase>,
    ) -> Self {
        Self { listener, live, answer, slots, phase, secures: false, complained: None }
    }

    /// One for clients: it speaks TLS where that is configured.
    pub(super) fn secure(mut self) -> Self {
        self.secures = true;
        self
    }
}

impl<S, F> Door<S>
where
    S: Fn(&Arc<Live>, Request<Incoming>) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Response<ReplyBody>> + Send + 'static,
{
    /// Serves until everything is over.
    pub(super) async fn serve(mut self) {
        let mut connections = JoinSet::new();
        let mut phase = self.phase.clone();
        loop {
            tokio::select! {
                () = drains(&mut phase) => break,
                (stream, slot) = self.next() => {
                    let now = self.live.now();
                    let Ok(place) = self.place_of(&now, &stream) else { continue };
                    let socket = Socket::new(stream, &now.times);
                    let tls = now.tls.clone().filter(|_| self.secures);
                    let guest = Guest { live: Arc::clone(&self.live), answer: self.answer, slot, place, phase: self.phase.clone() };
                    connections.spawn(Calm::new(guest.come(socket, tls)));
                }
                Some(_) = connections.join_next() => {}
            }
        }
        drop(self.listener);
        let gateway = self.live.now();
        let patience = gateway.patience;
        let are_left = tokio::select! {
            () = all(&mut connections) => false,
            () = tokio::time::sleep(patience) => {
                tracing::warn!("requests were still in flight after {} s", patience.as_secs());
                true
            }
            _ = self.phase.wait_for(|phase| *phase == Phase::Leaving) => true,
        };
        if are_left {
            // Whoever still waits is told: a connection that is only cut looks like the client's own doing.
            gateway.over.send_replace(true);
            timeout(FAREWELL, all(&mut connections)).await.ok();
        }
        connections.shutdown().await;
    }

    /// Counts a connection where it comes from; one too many is closed at once, before a word is spoken.
    fn place_of(&self, now: &Gateway, stream: &TcpStream) -> Result<Option<Place<IpAddr>>, TooMany> {
        match stream.peer_addr() {
            Ok(peer) if self.secures => {
                now.access.connects(peer.ip()).inspect_err(|_| now.metrics.turned_away())
            }
            Ok(_) | Err(_) => Ok(None),
        }
    }

    async fn next(&mut self) -> (TcpStream, Option<OwnedSemaphorePermit>) {
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok();
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    stream.set_nodelay(true).ok();
                    return (stream, slot);
                }
                Err(error) => {
                    if self.complained.is_none_or(|last| last.elapsed() >= COMPLAINTS) {
                        self.complained = Some(Instant::now());
                        tracing::warn!(%error, "connections cannot be accepted now");
                    }
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }
}

/// Whoever has connected.
struct Guest<S> {
    live: Arc<Live>,
    answer: S,
    /// Held for as long as the connection is.
    slot: Option<OwnedSemaphorePermit>,
    /// The same, where those of an address are counted.
    place: Option<Place<IpAddr>>,
    phase: watch::Receiver<Phase>,
}

impl<S, F> Guest<S>
where
    S: Fn(&Arc<Live>, Request<Incoming>) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Response<ReplyBody>> + Send + 'static,
{
    /// Secures the connection where that is wanted, and serves it to its end.
    async fn come(mut self, socket: Socket, tls: Option<Arc<ServerConfig>>) {
        let told = Told { peer: socket.peer(), pressure: Some(socket.pressure()) };
        let closed = socket.closed();
        let Some(tls) = tls else { return self.serve(socket, told, closed, false).await };
        let greeted = tokio::select! {
            greeted = timeout(self.live.now().times.head, TlsAcceptor::from(tls).accept(socket)) => greeted,
            () = drains(&mut self.phase) => return,
        };
        match greeted {
            Ok(Ok(stream)) => {
                let speaks_h2 = stream.get_ref().1.alpn_protocol() == Some(H2);
                let pressure = told.pressure.filter(|_| !speaks_h2);
                self.serve(stream, Told { pressure, ..told }, closed, speaks_h2).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, "no secure connection with a client"),
            Err(_) => tracing::debug!("a client took too long to secure its connection"),
        }
    }

    async fn serve<I>(self, io: I, told: Told, closed: impl Future<Output = ()>, speaks_h2: bool)
    where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Self { live, answer, slot, place, mut phase } = self;
        let now = live.now();
        let times = now.times;
        let protocol = protocol(speaks_h2, now.access.sizes, times);
        drop(now);
        let under_way = UnderWay::default();
        let io = match speaks_h2 {
            true => Patient::endless(io),
            false => Patient::new(io, under_way.clone(), &times),
        };
        let begun = under_way.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            if let Some(peer) = told.peer {
                request.extensions_mut().insert(Peer(peer));
            }
            let answering = Box::pin(answer(&live, request));
            let (pressure, begun) = (told.pressure.clone(), begun.begin());
            async move { Ok::<_, Infallible>(answering.await.map(|body| Paced::new(body, pressure, begun))) }
        });
        let mut served = pin!(protocol.serve_connection(TokioIo::new(io), service));
        let mut closed = pin!(closed);
        let (mut is_leaving, mut since, mut patience) = (false, Instant::now(), times.idle);
        loop {
            tokio::select! {
                biased;
                served = &mut served => {
                    if let Err(error) = served {
                        tracing::debug!(%error, "a connection ended early");
                    }
                    break;
                }
                // What came before the end is there by now. It is read once more, so that a request in it is on record.
                () = &mut closed => {
                    let _is_over = poll_fn(|cx| Poll::Ready(served.as_mut().poll(cx).is_ready())).await;
                    break;
                }
                () = drains(&mut phase), if !is_leaving => {}
                () = under_way.quiet(since, patience), if speaks_h2 => {
                    tracing::debug!(is_leaving, "a client has sent no request for too long; its connection ends");
                    if is_leaving {
                        break;
                    }
                    patience = times.parting;
                }
            }
            // No more requests come in, which a client of HTTP/2 is told (GOAWAY); those that are under way are answered.
            served.as_mut().graceful_shutdown();
            (is_leaving, since) = (true, Instant::now());
        }
        drop((slot, place));
    }
}

/// Ready when the gateway takes no more requests.
async fn drains(phase: &mut watch::Receiver<Phase>) {
    phase.wait_for(|phase| *phase > Phase::Serving).await.ok();
}

async fn all(connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
}

/// What is known of a connection besides what comes over it.
struct Told {
    peer: Option<SocketAddr>,
    /// What waits for the client, where that is one of HTTP/1.1.
    pressure: Option<Arc<Pressure>>,
}

/// HTTP/1.1, or HTTP/2 where both sides have agreed on it; never what a client begins with unasked.
fn protocol(speaks_h2: bool, sizes: SizeLimits, times: Times) -> Builder<Tasks> {
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let mut builder = Builder::new(Tasks { patience: times.write_idle });
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_headers(size(sizes.headers))
        .max_buf_size(size(sizes.head_kb).saturating_mul(1024));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(sizes.head_kb.saturating_mul(1024))
        .max_concurrent_streams(MAX_STREAMS)
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(MAX_RESETS)
        .max_local_error_reset_streams(MAX_MISTAKES)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG);
    if speaks_h2 { builder.http2_only() } else { builder.http1_only() }
}
