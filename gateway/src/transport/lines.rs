//! Connections in HTTP/1.1 over plain TCP, each driven by the request that uses it.
//!
//! A connection that is a task of its own has its request wait for it, and it for the request: they would wake each other at each
//! step, and with them the threads that look for work. Here a request and its connection are one task. Between requests nobody
//! looks at a connection, so whether the other side has closed it is seen when it is taken up again.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Waker};
use std::time::Instant;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper::header::{HOST, HeaderValue};
use hyper::http::uri::{Authority, PathAndQuery};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tower_service::Service;

use super::received::Received;
use super::{POOL_IDLE, READ, Unreached, Way};

/// A request as it is sent.
type Asked = Request<Full<Bytes>>;

/// Connections to any number of addresses.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    way: Way,
    idle: Arc<Idle>,
}

/// One connection.
pub(super) struct Line {
    sender: SendRequest<Full<Bytes>>,
    /// What reads and writes; nothing when it is closed.
    connection: Option<Connection<TokioIo<TcpStream>, Full<Bytes>>>,
}

/// Those that are not in use, by where they lead.
#[derive(Default)]
pub(super) struct Idle(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// The one that was used last is the last.
    lines: HashMap<Authority, Vec<(Instant, Line)>>,
    /// Whether somebody comes to close those that nobody wants.
    is_swept: bool,
}

impl Lines {
    pub(super) fn new(way: Way) -> Self {
        Self { way, idle: Arc::default() }
    }

    /// Asks, over a connection that is there or a new one. A request that could not be begun on one that is there is asked anew.
    pub(super) async fn request(&self, mut asked: Asked) -> Result<Response<Received>, Unreached> {
        let address = asked.uri().clone();
        let Some(to) = address.authority() else { return Err(Unreached::nowhere()) };
        shape(&mut asked, &address);
        loop {
            let (mut line, is_new) = match self.idle.take(to) {
                Some(line) => (line, false),
                None => (Box::pin(self.connect(&address)).await?, true),
            };
            match line.ask(asked).await {
                Ok(answer) => {
                    let (to, idle) = (to.clone(), Arc::clone(&self.idle));
                    return Ok(answer.map(|body| Received::over(body, line, to, idle)));
                }
                Err(mut error) => match error.take_message().filter(|_| !is_new) {
                    Some(again) => asked = again,
                    None => return Err(Unreached::sending(error.into_error())),
                },
            }
        }
    }

    async fn connect(&self, address: &Uri) -> Result<Line, Unreached> {
        let stream = self.way.clone().call(address.clone()).await.map_err(Unreached::connecting)?;
        let made = Builder::new().max_buf_size(READ).handshake(stream).await;
        let (sender, connection) = made.map_err(Unreached::sending)?;
        Ok(Line { sender, connection: Some(connection) })
    }
}

/// A request as HTTP/1.1 has it: a path, and the host beside it.
fn shape(asked: &mut Asked, address: &Uri) {
    let path = address.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    *asked.uri_mut() = Uri::from(path);
    let host = address.host().unwrap_or_default();
    let host = match address.port_u16() {
        None | Some(80) => HeaderValue::from_str(host),
        Some(port) => HeaderValue::from_str(&format!("{host}:{port}")),
    };
    if let Ok(host) = host {
        asked.headers_mut().insert(HOST, host);
    }
}

impl Line {
    async fn ask(&mut self, asked: Asked) -> Result<Response<Incoming>, TrySendError<Asked>> {
        let mut answer = pin!(self.sender.try_send_request(asked));
        let connection = &mut self.connection;
        poll_fn(|cx| {
            drive(connection, cx);
            // It is told of the answer by the connection, and so in no other moment than the one before.
            answer.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        })
        .await
    }

    /// Reads and writes what can be.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        drive(&mut self.connection, cx);
    }

    /// Whether it can take a request.
    fn is_free(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        self.connection.is_some() && self.sender.is_ready()
    }
}

/// A connection that is over is dropped: whoever waits for something of it is told then.
fn drive(connection: &mut Option<Connection<TokioIo<TcpStream>, Full<Bytes>>>, cx: &mut Context<'_>) {
    if connection.as_mut().is_some_and(|connection| Pin::new(connection).poll(cx).is_ready()) {
        *connection = None;
    }
}

impl Idle {
    fn take(&self, to: &Authority) -> Option<Line> {
        loop {
            let (since, mut line) = self.kept().lines.get_mut(to)?.pop()?;
            if since.elapsed() < POOL_IDLE && line.is_free() {
                return Some(line);
            }
        }
    }

    /// Takes a connection whose answer is over, if it can be used again.
    pub(super) fn put(self: &Arc<Self>, to: Authority, mut line: Line) {
        if !line.is_free() {
            return;
        }
        let mut kept = self.kept();
        kept.lines.entry(to).or_default().push((Instant::now(), line));
        if !kept.is_swept
            && let Ok(runtime) = Handle::try_current()
        {
            kept.is_swept = true;
            runtime.spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Closes those that nobody has wanted for long, and those that the other side has closed. Says whether any are left.
    fn clear(&self) -> bool {
        let mut kept = self.kept();
        for lines in kept.lines.values_mut() {
            lines.retain_mut(|(since, line)| since.elapsed() < POOL_IDLE && line.is_free());
        }
        kept.lines.retain(|_, lines| !lines.is_empty());
        kept.is_swept = !kept.lines.is_empty();
        kept.is_swept
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks after connections until none are left.
async fn sweep(idle: Weak<Idle>) {
    loop {
        tokio::time::sleep(POOL_IDLE).await;
        if !idle.upgrade().is_some_and(|idle| idle.clear()) {
            return;
        }
    }
}

impl fmt::Debug for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idle").finish_non_exhaustive()
    }
}
