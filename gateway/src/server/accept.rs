//! Accepts connections on one address until the gateway drains, and sees the last of them off.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::limits::{FAREWELL, HEAD_WAIT};
use super::socket::Socket;
use crate::body::ReplyBody;
use crate::gateway::Gateway;

/// How long accepting rests when the system has no more sockets to give.
const REST: Duration = Duration::from_millis(50);

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
    pub(super) listener: TcpListener,
    pub(super) gateway: Arc<Gateway>,
    pub(super) answer: S,
    pub(super) slots: Arc<Semaphore>,
    pub(super) phase: watch::Receiver<Phase>,
}

impl<S, F> Door<S>
where
    S: Fn(Arc<Gateway>, Request<Incoming>) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Response<ReplyBody>> + Send + 'static,
{
    /// Serves until everything is over.
    pub(super) async fn serve(mut self) {
        let (graceful, mut connections) = (GracefulShutdown::new(), JoinSet::new());
        let mut phase = self.phase.clone();
        loop {
            tokio::select! {
                _ = phase.wait_for(|phase| *phase > Phase::Serving) => break,
                (stream, slot) = self.next() => {
                    connections.spawn(connection(stream, slot, Arc::clone(&self.gateway), self.answer, graceful.watcher()));
                }
                Some(_) = connections.join_next() => {}
            }
        }
        drop(self.listener);
        let patience = self.gateway.patience;
        let mut finished = std::pin::pin!(graceful.shutdown());
        let are_left = tokio::select! {
            () = &mut finished => false,
            () = tokio::time::sleep(patience) => {
                tracing::warn!("requests were still in flight after {} s", patience.as_secs());
                true
            }
            _ = self.phase.wait_for(|phase| *phase == Phase::Leaving) => true,
        };
        if are_left {
            // Whoever still waits is told: a connection that is only cut looks like the client's own doing.
            self.gateway.over.send_replace(true);
            tokio::time::timeout(FAREWELL, finished).await.ok();
        }
        connections.shutdown().await;
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
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }
}

async fn connection<S, F>(
    stream: TcpStream,
    slot: Option<OwnedSemaphorePermit>,
    gateway: Arc<Gateway>,
    answer: S,
    watcher: Watcher,
) where
    S: Fn(Arc<Gateway>, Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = Response<ReplyBody>> + Send + 'static,
{
    let peer = stream.peer_addr().ok();
    let socket = Socket::new(stream);
    let closed = socket.closed();
    let sizes = gateway.access.sizes;
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let service = service_fn(|mut request: Request<Incoming>| {
        if let Some(peer) = peer {
            request.extensions_mut().insert(Peer(peer));
        }
        let answering = answer(Arc::clone(&gateway), request);
        async move { Ok::<_, Infallible>(answering.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WAIT)
        .max_headers(size(sizes.headers))
        .max_buf_size(size(sizes.head_kb).saturating_mul(1024))
        .serve_connection(TokioIo::new(socket), service);
    tokio::select! {
        served = watcher.watch(connection) => {
            if let Err(error) = served {
                tracing::debug!(%error, "a connection ended early");
            }
        }
        () = closed => {}
    }
    drop(slot);
}
